using System.Text.Json;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>What is drawn on a terminal, and nowhere else.</summary>
public sealed class TerminalTests : IDisposable
{
    private const string Escape = "\u001b[";

    private readonly Sandbox _sandbox = new();

    public TerminalTests() => _sandbox.Variables["XDG_RUNTIME_DIR"] = _sandbox.Folder;

    public void Dispose() => _sandbox.Dispose();

    [TerminalFact]
    public async Task A_bar_and_colours_are_drawn_on_a_terminal_and_not_in_a_pipe()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        _sandbox.Write("film", new byte[8 << 20]);
        (string shown, int exitCode) = await ShowAsync("hyperactors feed append notes film");
        Assert.Equal(0, exitCode);
        Assert.Contains("appending", shown, StringComparison.Ordinal);
        Assert.Contains("128 blocks (8 MiB) appended", shown, StringComparison.Ordinal);

        // The output to a file, the error output to the terminal: the bar is there all the same, the file has the result alone.
        (shown, _) = await ShowAsync("sh -c 'hyperactors feed append notes film > result'");
        Assert.Contains("appending", shown, StringComparison.Ordinal);
        Assert.Equal("128 blocks (8 MiB) appended, the feed's length is 256\n", await File.ReadAllTextAsync(_sandbox.In("result")));

        (shown, _) = await ShowAsync("hyperactors feed list");
        Assert.Contains($"{Escape}1mNAME ", shown, StringComparison.Ordinal);
        (shown, exitCode) = await ShowAsync("hyperactors feed info nothing");
        Assert.Contains($"{Escape}31mhyperactors:{Escape}0m ", shown, StringComparison.Ordinal);
        Assert.Equal(ExitCode.NotFound, exitCode);

        Outcome piped = await _sandbox.RunAsync("feed", "append", "notes", "film");
        Assert.Equal((string.Empty, "128 blocks (8 MiB) appended, the feed's length is 384\n"), (piped.Error, piped.Output));
        Assert.DoesNotContain("\u001b", await _sandbox.OkAsync("feed", "list"), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", (await _sandbox.RunAsync("feed", "info", "nothing")).Error, StringComparison.Ordinal);
    }

    [TerminalFact]
    public async Task NO_COLOR_and_json_leave_a_terminal_plain()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        _sandbox.Write("film", new byte[1 << 20]);
        (string json, _) = await ShowAsync("hyperactors feed append notes film --json");
        Assert.DoesNotContain("\u001b", json, StringComparison.Ordinal);
        Assert.Equal(16, JsonDocument.Parse(json).RootElement.GetProperty("blocks").GetInt32());
        _sandbox.Variables["NO_COLOR"] = "1";
        Assert.DoesNotContain("\u001b", (await ShowAsync("hyperactors feed list")).Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", (await ShowAsync("hyperactors feed info nothing")).Shown, StringComparison.Ordinal);
    }

    [TerminalFact]
    public async Task A_table_is_cut_to_the_terminal_and_whole_in_a_pipe()
    {
        string whole = await _sandbox.OkAsync("config", "show", "--origin");
        Assert.Contains(whole.Split('\n'), line => line.Length > 120);
        (string shown, _) = await ShowAsync("hyperactors config show --origin");
        string[] lines = Terminal.Plain(shown).Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 120, line));
        Assert.Contains(lines, line => line.Length == 120 && line.EndsWith('…'));
        Assert.Equal(whole.Split('\n').Length, lines.Length);
    }

    [TerminalFact]
    public async Task Top_draws_over_its_former_picture_fits_the_terminal_and_leaves_it_as_it_was()
    {
        RunningCli daemon = _sandbox.Start(
            "daemon", "--json", "-a", "127.0.0.1:0", "--set", "node.network.bootstrap=", "--set", "node.network.usesLocalDiscovery=false");
        Assert.Contains("ready", await daemon.ReadLineAsync(), StringComparison.Ordinal);
        using HttpClient http = DaemonTests.Http(Path.Combine(_sandbox.Storage, "api.sock"));
        for (int i = 0; i < 30; i++)
        {
            using var body = new StringContent($"{{\"name\":\"feed {i}\"}}", System.Text.Encoding.UTF8, "application/json");
            Assert.True((await http.PostAsync("/v1/feeds", body)).IsSuccessStatusCode);
        }

        using Terminal terminal = Terminal.Start(_sandbox, "hyperactors top --every 100ms");
        for (int picture = 0; picture < 3; picture++)
        {
            await terminal.WaitForAsync("hyperactors +.* up ");
            await terminal.WaitForAsync("^FEED ");
            await terminal.WaitForAsync("^feed 1");
            await terminal.WaitForAsync("^PEER ");
            await terminal.WaitForAsync("^ACTOR ");
        }

        terminal.Type(Terminal.CtrlC);
        Assert.Equal(0, await terminal.ExitAsync());
        string raw = terminal.Raw;
        Assert.StartsWith($"{Escape}?1049h{Escape}?25l", raw, StringComparison.Ordinal);
        Assert.EndsWith($"{Escape}?25h{Escape}?1049l", raw.Replace("^C", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
        foreach (string picture in raw.Split($"{Escape}H")[1..^1])
        {
            string[] lines = Terminal.Plain(picture).Split('\n');
            Assert.True(lines.Length < 40, $"{lines.Length} lines");
            Assert.All(lines, line => Assert.True(line.Length <= 120, line));
        }

        // A key ends it too, at once.
        using Terminal other = Terminal.Start(_sandbox, "hyperactors top --every 1h");
        await other.WaitForAsync("^FEED ");
        other.Type("xq");
        Assert.Equal(0, await other.ExitAsync());

        daemon.Signal(PosixSignalNumber.Terminate);
        Assert.Equal(0, (await daemon.ExitAsync()).ExitCode);
    }

    private async Task<(string Shown, int ExitCode)> ShowAsync(string command)
    {
        using Terminal terminal = Terminal.Start(_sandbox, command);
        int exitCode = await terminal.ExitAsync();
        return (terminal.Raw, exitCode);
    }
}
