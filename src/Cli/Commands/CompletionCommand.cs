using System.CommandLine;
using System.Text;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>completion SHELL</c>: the script that teaches a shell to complete our words.</summary>
internal sealed class CompletionCommand : Verb
{
    private static readonly string[] Shells = ["bash", "zsh", "fish"];

    private readonly Argument<string> _shell = new("SHELL") { Description = $"Which shell: {string.Join(", ", Shells)}", HelpName = "SHELL" };

    public CompletionCommand(CliHost host, GlobalOptions globals)
        : base("completion", "Print the script by which a shell completes verbs, options, daemons and feeds", host, globals)
    {
        _shell.AcceptOnlyFromAmong(Shells);
        Arguments.Add(_shell);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "completion bash > ~/.local/share/bash-completion/completions/hyperactors",
        "completion zsh > ~/.zfunc/_hyperactors",
        "completion fish > ~/.config/fish/completions/hyperactors.fish",
    ];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string shell = context.Get(_shell)!;
        using Stream resource = typeof(CompletionCommand).Assembly.GetManifestResourceStream($"completion.{shell}")!;
        using var reader = new StreamReader(resource, Encoding.UTF8);
        string script = await reader.ReadToEndAsync(cancellationToken);
        context.Printer.Line(script.TrimEnd('\n'));
        context.Printer.Json(new CompletionScript(shell, script), ResultJson.Default.CompletionScript);
        return ExitCode.Ok;
    }
}

/// <summary><c>complete -- WORD…</c>: what the last word may become; asked by the scripts of <see cref="CompletionCommand"/>.</summary>
internal sealed class CompleteCommand : Verb
{
    private readonly Argument<string[]> _words = new("WORD")
    {
        Description = "The words of the command line after its first, up to the cursor",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public CompleteCommand(CliHost host, GlobalOptions globals)
        : base("complete", "Say what a command line may go on with, for a shell: the kind of paths, then a word a line with what it means", host, globals)
    {
        Hidden = true;
        Arguments.Add(_words);
    }

    public override IReadOnlyList<string> Examples => ["complete -- feed cr"];

    protected override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        CompletionResult result = new Completer(context.Root).Complete(context.Get(_words) ?? []);
        context.Printer.Json(result, ResultJson.Default.CompletionResult);
        context.Printer.Line(result.Paths);
        foreach (CompletionWord word in result.Words)
        {
            context.Printer.Line(word.Says is null ? word.Word : $"{word.Word}\t{word.Says}");
        }

        return Task.FromResult(ExitCode.Ok);
    }
}
