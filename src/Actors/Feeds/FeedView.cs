using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Actors;

/// <summary>What handles see of a feed without asking: written by its actor after each commit, read from any thread.</summary>
/// <remarks>It outlives restarts of the actor, as the reference to the actor does.</remarks>
public sealed class FeedView : IDisposable
{
    private readonly CancellationTokenSource _stopped = new();
    private Head _head = new(0, 0, 0, 0);

    internal FeedView(DiscoveryKey discoveryKey, string? name)
    {
        DiscoveryKey = discoveryKey;
        Name = name;
    }

    internal string? Name { get; private set; }

    internal DiscoveryKey DiscoveryKey { get; }

    internal FeedKey Key { get; private set; }

    internal bool IsWritable { get; private set; }

    /// <summary>The committed head; one reference, so that its numbers belong together.</summary>
    internal Head Current
    {
        get => Volatile.Read(ref _head);
        set => Volatile.Write(ref _head, value);
    }

    /// <summary>Cancelled when the feed has stopped for good: whoever waits for it need not wait longer.</summary>
    internal CancellationToken Stopped => _stopped.Token;

    /// <summary>Why the feed stopped, once it has.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>The files are open.</summary>
    internal void Open(FeedKey key, bool isWritable, string? name)
    {
        Name ??= name;
        Key = key;
        IsWritable = isWritable;
    }

    /// <summary>The feed has stopped for good.</summary>
    internal void Stop(Exception reason)
    {
        Failure = reason;
        _stopped.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose() => _stopped.Dispose();

    internal FeedInfo ToInfo(int peerCount)
    {
        Head head = Current;
        return new FeedInfo
        {
            Name = Name,
            Key = Key,
            DiscoveryKey = DiscoveryKey,
            Length = head.Length,
            ByteLength = head.ByteLength,
            Fork = head.Fork,
            ContiguousLength = head.ContiguousLength,
            IsWritable = IsWritable,
            PeerCount = peerCount,
        };
    }

    internal sealed record Head(ulong Fork, ulong Length, ulong ByteLength, ulong ContiguousLength);
}
