using HyperActors.Api;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>Completion in the shells themselves: keys are typed, and the line that came of them is run.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public CompletionTests() => _sandbox.Variables["XDG_RUNTIME_DIR"] = _sandbox.Folder;

    public void Dispose() => _sandbox.Dispose();

    [TerminalFact("bash")]
    public Task Bash_completes_verbs_options_feeds_daemons_settings_and_paths() =>
        CompletesAsync("bash --norc --noprofile -i", "source <(hyperactors completion bash)");

    [TerminalFact("zsh")]
    public Task Zsh_completes_verbs_options_feeds_daemons_settings_and_paths() =>
        CompletesAsync("zsh -f -i", "autoload -U compinit; compinit -u -D; source <(hyperactors completion zsh)");

    [TerminalFact("fish")]
    public Task Fish_completes_verbs_options_feeds_daemons_settings_and_paths() =>
        CompletesAsync("fish --no-config -i", "hyperactors completion fish | source");

    [TerminalFact("bash")]
    public async Task Bash_lists_what_may_come()
    {
        using Terminal terminal = Terminal.Start(_sandbox, "bash --norc --noprofile -i");
        terminal.Type("source <(hyperactors completion bash); echo rea\"\"dy\r");
        await terminal.WaitForAsync("ready");
        terminal.Type("hyperactors feed t\t\t");
        await terminal.WaitForAsync("truncate $");
        terminal.Type("\u0015hyperactors dht p\t\t");
        await terminal.WaitForAsync(@"^ping +put");
    }

    private async Task CompletesAsync(string shell, string setup)
    {
        string key = (await _sandbox.OkAsync("feed", "create", "notes")).Trim();
        string other = (await _sandbox.OkAsync("feed", "create", "our chat")).Trim();
        await _sandbox.OkAsync("feed", "create", "x");
        Directory.Move(_sandbox.Storage, _sandbox.In("elsewhere"));
        new NameRegistry(_sandbox.In("hyperactors")).Add(
            new DaemonAddress("gone1", _sandbox.In("elsewhere"), _sandbox.In("nothing.sock"), null, 1));

        using Terminal terminal = Terminal.Start(_sandbox, shell);
        terminal.Type(setup + "; echo rea\"\"dy\r");
        await terminal.WaitForAsync("ready");

        // A folder, a verb of a verb, an option, a feed of that storage.
        terminal.Type("hyperactors -s else\t fe\tinf\t--js\tnot\t\r");
        await terminal.WaitForAsync($"\"name\":\"notes\",\"key\":\"{key}\"");

        // A name with a space, begun without a quote.
        terminal.Type("hyperactors feed info -s elsewhere our\t\r");
        await terminal.WaitForAsync($"^key +{other}");

        // A setting, as far as its '=', and a value behind an option's own '='.
        terminal.Type("hyperactors config sh\tlog.lev\t --set log.lev\twarning\r");
        await terminal.WaitForAsync("^log.level +warning");

        // A daemon by its name, and a feed of its storage; nobody answers there, which says that both arrived.
        terminal.Type("hyperactors client --host go\t--name no\twri\t\r");
        await terminal.WaitForAsync($"the daemon 'gone1' on {_sandbox.In("elsewhere")} does not answer");
    }
}
