using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using HyperActors.Crypto;

namespace HyperActors.Cli.Parsing;

/// <summary>Reads one word of the command line, or says what is wrong with it.</summary>
internal delegate bool TryRead<T>(string text, out T value, [NotNullWhen(false)] out string? error);

/// <summary>Hands the words of options and arguments to the parsers of this folder.</summary>
internal static class ArgumentReader
{
    /// <summary>Two sockets each: more than this needs more descriptors than a process commonly has.</summary>
    private const int MaxNodes = 10_000;

    /// <summary>The parser of an option or argument of one word.</summary>
    public static Func<ArgumentResult, T?> One<T>(TryRead<T> read) => result =>
    {
        if (read(result.Tokens[0].Value, out T value, out string? error))
        {
            return value;
        }

        result.AddError(error);
        return default;
    };

    /// <summary>A block's index or a length.</summary>
    public static bool Index(string text, out ulong? index, [NotNullWhen(false)] out string? error)
    {
        bool isRead = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number);
        index = number;
        error = isRead ? null : $"'{text}' is not a number of blocks: 0, 1, 2 …";
        return isRead;
    }

    public static bool Key(string text, out FeedKey? key, [NotNullWhen(false)] out string? error)
    {
        try
        {
            key = FeedKey.Parse(text);
            error = null;
            return true;
        }
        catch (FormatException refusal)
        {
            key = null;
            error = refusal.Message;
            return false;
        }
    }

    public static bool Peer(string text, out PublicKey? key, [NotNullWhen(false)] out string? error)
    {
        try
        {
            key = PublicKey.Parse(text);
            error = null;
            return true;
        }
        catch (FormatException refusal)
        {
            key = null;
            error = refusal.Message;
            return false;
        }
    }

    /// <summary>How many nodes to run.</summary>
    public static bool Nodes(string text, out int count, [NotNullWhen(false)] out string? error)
    {
        bool isRead = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count is >= 1 and <= MaxNodes;
        error = isRead ? null : $"'{text}' is not a number of nodes: 1 to {MaxNodes}.";
        return isRead;
    }

    /// <summary>The sequence number of a value.</summary>
    public static bool Sequence(string text, out ulong? sequence, [NotNullWhen(false)] out string? error)
    {
        bool isRead = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number);
        sequence = number;
        error = isRead ? null : $"'{text}' is not a sequence number: 0, 1, 2 …";
        return isRead;
    }

    public static bool Address(string text, out HostPort? address, [NotNullWhen(false)] out string? error)
    {
        bool isRead = HostPort.TryParse(text, out HostPort value, out error);
        address = value;
        return isRead;
    }

    public static bool Range(string text, out BlockRange? range, [NotNullWhen(false)] out string? error)
    {
        bool isRead = BlockRange.TryParse(text, out BlockRange value, out error);
        range = value;
        return isRead;
    }

    public static bool Time(string text, out TimeSpan? time, [NotNullWhen(false)] out string? error)
    {
        bool isRead = Duration.TryParse(text, out TimeSpan value, out error);
        time = value;
        return isRead;
    }

    /// <summary>The size of a block to cut a stream into.</summary>
    public static bool ChunkSize(string text, out int? size, [NotNullWhen(false)] out string? error)
    {
        size = null;
        if (!ByteSize.TryParse(text, out long bytes, out error))
        {
            return false;
        }

        if (bytes is < 1 or > BlockSizes.Max)
        {
            error = $"a block of {text} cannot be: a block holds 1 B to 15 MiB.";
            return false;
        }

        size = (int)bytes;
        return true;
    }

    /// <summary>The name of a feed that may be made.</summary>
    public static bool NewName(string text, out string? name, [NotNullWhen(false)] out string? error)
    {
        name = text;
        error = FeedName.Refuse(text);
        return error is null;
    }
}
