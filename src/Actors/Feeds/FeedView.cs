using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Actors;

/// <summary>What handles see of a feed without asking: written by its actor after each commit, read from any thread.</summary>
/// <remarks>It outlives restarts of the actor, as the reference to the actor does, and keeps who holds on to the feed.</remarks>
public sealed class FeedView : IDisposable
{
    private readonly CancellationTokenSource _stopped = new();
    private Head _head = new(0, 0, 0, 0);
    private Exception? _failure;
    private int _peerCount;

    internal FeedView(DiscoveryKey discoveryKey, string? name)
    {
        DiscoveryKey = discoveryKey;
        Name = name;
        Stopped = _stopped.Token;
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

    /// <summary>Peers that the feed is open with.</summary>
    internal int PeerCount
    {
        get => Volatile.Read(ref _peerCount);
        set => Volatile.Write(ref _peerCount, value);
    }

    /// <summary>Handles that are open. Counted by the feed's actor alone.</summary>
    internal int Sessions { get; set; }

    /// <summary>Those who hear of events. Touched by the feed's actor alone.</summary>
    internal List<ChannelWriter<FeedEvent>> Watchers { get; } = [];

    /// <summary>Cancelled when the feed has stopped for good: whoever waits for it need not wait longer.</summary>
    internal CancellationToken Stopped { get; }

    /// <summary>What the feed failed of, last; null while it is well. Its parent notes it before anything comes of it.</summary>
    internal Exception? Failure
    {
        get => Volatile.Read(ref _failure);
        set => Volatile.Write(ref _failure, value);
    }

    /// <summary>The files are open.</summary>
    internal void Open(FeedKey key, bool isWritable, string? name)
    {
        Failure = null;
        PeerCount = 0;
        Name ??= name;
        Key = key;
        IsWritable = isWritable;
    }

    /// <summary>The feed has stopped for good.</summary>
    internal void Stop() => _stopped.Cancel();

    /// <summary>What those are told who ask a feed that has stopped.</summary>
    internal FeedFailedException ToFailure() => Failure is { } failure
        ? new FeedFailedException($"the feed failed: {failure.Message}", failure)
        : new FeedFailedException("the feed was stopped");

    /// <inheritdoc/>
    public void Dispose() => _stopped.Dispose();

    internal FeedInfo ToInfo()
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
            PeerCount = PeerCount,
        };
    }

    /// <summary>What there is to say of a feed that cannot be opened.</summary>
    internal FeedInfo ToDamagedInfo(FeedKey? key, string damage) => new()
    {
        Name = Name,
        Key = key ?? Key,
        DiscoveryKey = DiscoveryKey,
        Length = 0,
        ByteLength = 0,
        Fork = 0,
        ContiguousLength = 0,
        IsWritable = false,
        Damage = damage,
    };

    internal sealed record Head(ulong Fork, ulong Length, ulong ByteLength, ulong ContiguousLength);
}
