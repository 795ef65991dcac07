using System.CommandLine;
using System.CommandLine.Completions;

namespace HyperActors.Cli.Completion;

/// <summary>What may stand next on a command line that is not finished.</summary>
internal sealed class Completer(RootCommand root)
{
    private static readonly ParserConfiguration NoResponseFiles = new() { ResponseFileTokenReplacer = null };

    /// <summary>What the last of these words may become; it is empty when a new one begins.</summary>
    public CompletionResult Complete(IReadOnlyList<string> words)
    {
        string current = words.Count == 0 ? string.Empty : words[^1];
        string[] before = [.. words.SkipLast(1)];
        CompletionContext context = root.Parse(before, NoResponseFiles).GetCompletionContext();
        Place place = PlaceAfter(before);
        if (place.Pending is { } option)
        {
            return Values(option.CompletionSources, context, current, string.Empty);
        }

        if (!place.AreOptionsOver && current.StartsWith('-'))
        {
            int equals = current.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                return Words(OptionsOf(place), current);
            }

            return Find(place.Command, current[..equals]) is { } named
                ? Values(named.CompletionSources, context, current[(equals + 1)..], current[..(equals + 1)])
                : new CompletionResult(CompletionResult.NoPaths, []);
        }

        CompletionResult result = place.Argument is { } argument
            ? Values(argument.CompletionSources, context, current, string.Empty)
            : new CompletionResult(CompletionResult.NoPaths, []);
        if (place.Arguments == 0)
        {
            result = result with { Words = [.. Words(VerbsOf(place.Command), current).Words, .. result.Words] };
        }

        // Where nothing has to stand, options are what may.
        return result is { Paths: CompletionResult.NoPaths, Words.Count: 0 } && current.Length == 0 && !place.AreOptionsOver
            ? Words(OptionsOf(place), current)
            : result;
    }

    private Place PlaceAfter(string[] words)
    {
        var place = new Place(root);
        foreach (string word in words)
        {
            if (place.Pending is not null)
            {
                place.Pending = null;
            }
            else if (!place.AreOptionsOver && word == "--")
            {
                place.AreOptionsOver = true;
            }
            else if (!place.AreOptionsOver && word.Length > 1 && word[0] == '-')
            {
                if (Find(place.Command, word.Split('=')[0]) is { } option)
                {
                    place.Given.Add(option);
                    place.Pending = TakesValue(option) && !word.Contains('=', StringComparison.Ordinal) ? option : null;
                }
            }
            else if (place.Arguments == 0 && place.Command.Subcommands.FirstOrDefault(c => c.Name == word) is { } verb)
            {
                place.Command = verb;
            }
            else
            {
                place.Arguments++;
            }
        }

        return place;
    }

    private static bool TakesValue(Option option) => option.ValueType != typeof(bool) && option.ValueType != typeof(void);

    /// <summary>The options of a verb, and those of the verbs above it that hold for all below.</summary>
    private static IEnumerable<Option> AllOptions(Command command) => command.Options.Concat(
        command.Parents.OfType<Command>().SelectMany(AllOptions).Where(option => option.Recursive));

    private static Option? Find(Command command, string word) =>
        AllOptions(command).FirstOrDefault(option => option.Name == word || option.Aliases.Contains(word));

    private static IEnumerable<CompletionWord> OptionsOf(Place place) => AllOptions(place.Command)
        .Where(option => !option.Hidden && (option.ValueType.IsArray || !place.Given.Contains(option)))
        .Select(option => new CompletionWord(option.Name, option.Description));

    private static IEnumerable<CompletionWord> VerbsOf(Command command) => command.Subcommands
        .Where(verb => !verb.Hidden)
        .Select(verb => new CompletionWord(verb.Name, verb.Description));

    private static CompletionResult Words(IEnumerable<CompletionWord> words, string current) =>
        new(CompletionResult.NoPaths, [.. words.Where(w => w.Word.StartsWith(current, StringComparison.Ordinal))]);

    private static CompletionResult Values(
        List<Func<CompletionContext, IEnumerable<CompletionItem>>> sources, CompletionContext context, string current, string prefix)
    {
        CompletionItem[] items = [.. sources.SelectMany(source => source(context))];
        return new CompletionResult(
            items.FirstOrDefault(i => i.Kind == Suggest.PathKind)?.Label ?? CompletionResult.NoPaths,
            [
                .. items.Where(i => i.Kind != Suggest.PathKind && i.Label.StartsWith(current, StringComparison.Ordinal))
                    .Select(i => new CompletionWord(prefix + i.Label, i.Detail)),
            ]);
    }

    /// <summary>Where on the line the words before the cursor have led.</summary>
    private sealed class Place(Command command)
    {
        public Command Command { get; set; } = command;

        /// <summary>The option whose value comes next.</summary>
        public Option? Pending { get; set; }

        public HashSet<Option> Given { get; } = [];

        /// <summary>How many arguments the verb has got.</summary>
        public int Arguments { get; set; }

        public bool AreOptionsOver { get; set; }

        /// <summary>The argument that comes next; the last one when it takes several words.</summary>
        public Argument? Argument => Arguments < Command.Arguments.Count ? Command.Arguments[Arguments]
            : Command.Arguments.LastOrDefault() is { Arity.MaximumNumberOfValues: > 1 } last ? last
            : null;
    }
}

/// <summary>What the word under the cursor may become.</summary>
/// <param name="Paths">Whether the shell offers paths of its own besides: <c>files</c>, <c>folders</c> or <c>none</c>.</param>
/// <param name="Words">The words.</param>
internal sealed record CompletionResult(string Paths, IReadOnlyList<CompletionWord> Words)
{
    public const string NoPaths = "none";
}

/// <summary>A word that may stand there, and what it means.</summary>
internal sealed record CompletionWord(string Word, string? Says);
