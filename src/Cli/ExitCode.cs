namespace HyperActors.Cli;

/// <summary>What the process tells its caller; docs/command-line.md#exit-codes says the same.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The world is wrong: a disk, a missing library, a comparison that failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>There is no such feed, block or file.</summary>
    public const int NotFound = 3;

    /// <summary>Another process holds the storage.</summary>
    public const int Locked = 4;

    /// <summary>This storage does not hold the key that signs.</summary>
    public const int NotWritable = 5;

    /// <summary>No connection, or the peer does not have what was asked for.</summary>
    public const int Peer = 6;

    /// <summary>A feed of that name exists already.</summary>
    public const int Exists = 7;

    /// <summary>Ended by Ctrl+C before the work was done; the other signals are 128 and their number as well.</summary>
    public const int Interrupted = 130;

    /// <summary>Those that any verb may end with.</summary>
    public static IReadOnlyList<int> OfEveryVerb { get; } = [Ok, Failed, Usage, Interrupted];

    /// <summary>All of them, in order.</summary>
    public static IReadOnlyList<int> All { get; } = [Ok, Failed, Usage, NotFound, Locked, NotWritable, Peer, Exists, Interrupted];

    /// <summary>A code in words, for the reference.</summary>
    public static string MeaningOf(int code) => code switch
    {
        Ok => "done; also when a verb that runs until stopped was stopped, and when the reader of the output left",
        Failed => "the world is wrong: a full disk, a damaged feed, a busy port, a missing library, a comparison that failed",
        Usage => "the command line or the configuration is wrong",
        NotFound => "there is no such feed, block, file, folder, peer or daemon",
        Locked => "another process holds the storage",
        NotWritable => "this storage does not hold the key that signs",
        Peer => "no connection, no answer in time, an address that can't be had, or the peer does not have the feed",
        Exists => "a feed of that name exists already",
        Interrupted => "ended by Ctrl+C (SIGINT) before the work was done; by SIGHUP it is 129, by SIGQUIT 131, by SIGTERM 143",
        _ => throw new ArgumentOutOfRangeException(nameof(code)),
    };

    /// <summary>The word that <c>--json</c> gives an error.</summary>
    public static string NameOf(int code) => code switch
    {
        Usage => "usage",
        NotFound => "notFound",
        Locked => "locked",
        NotWritable => "notWritable",
        Peer => "peer",
        Exists => "exists",
        Interrupted => "interrupted",
        _ => "failed",
    };
}
