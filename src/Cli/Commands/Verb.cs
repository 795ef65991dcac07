using System.CommandLine;

namespace HyperActors.Cli.Commands;

/// <summary>One verb: its words, its examples and what it does.</summary>
internal abstract class Verb : Command
{
    protected Verb(string name, string description, CliHost host, GlobalOptions globals)
        : base(name, description) =>
        SetAction((parsed, cancellationToken) => RunAsync(new VerbContext(host, globals, parsed), cancellationToken));

    /// <summary>What stands after <c>hyperactors</c>, for the help: command lines that work.</summary>
    public abstract IReadOnlyList<string> Examples { get; }

    /// <summary>How it may end, beside <see cref="ExitCode.OfEveryVerb"/>.</summary>
    public virtual IReadOnlyList<int> ExitCodes => [];

    /// <returns>One of <see cref="ExitCode"/>.</returns>
    protected abstract Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken);
}
