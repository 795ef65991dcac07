using HyperActors.Crypto;

namespace HyperActors.Cli.Parsing;

/// <summary>What may be the name of a feed.</summary>
internal static class FeedName
{
    public const int MaxLength = 255;

    /// <summary>Why <paramref name="name"/> cannot name a new feed; null when it can.</summary>
    public static string? Refuse(string name)
    {
        if (name.Length == 0)
        {
            return "a feed's name cannot be empty.";
        }

        if (name.Length > MaxLength)
        {
            return $"a feed's name has at most {MaxLength} characters, this one has {name.Length}.";
        }

        if (name.Any(char.IsControl) || name.Trim().Length != name.Length || name.StartsWith('-'))
        {
            return $"'{Printable(name)}' cannot name a feed: no control characters, no space at either end, no '-' in front.";
        }

        return FeedKey.TryParse(name, out _)
            ? $"'{name}' is a key: a name that reads as a key would be taken for one. Choose another name."
            : null;
    }

    private static string Printable(string name) =>
        string.Concat(name.Select(c => char.IsControl(c) ? $"\\x{(int)c:x2}" : c.ToString()));
}
