using System.CommandLine;
using HyperActors.Cli.Completion;

namespace HyperActors.Cli.Commands;

/// <summary>The options of every verb; they may stand before it or after it.</summary>
internal sealed class GlobalOptions
{
    public Option<string?> Storage { get; } = new("--storage", "-s")
    {
        Description = "The directory that holds the feeds [default: $HYPERACTORS_STORAGE, else ~/.hyperactors]",
        HelpName = "DIR",
        Recursive = true,
        CompletionSources = { Suggest.Folders },
    };

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Results as JSON on the standard output, errors as JSON on the error output, one value a line",
        Recursive = true,
    };

    public Option<bool> Verbose { get; } = new("--verbose", "-v")
    {
        Description = "Say more on the way",
        Recursive = true,
    };

    public IEnumerable<Option> All => [Storage, Json, Verbose];
}
