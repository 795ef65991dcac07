using System.Net;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <summary>The DHT of one node, for those who use it from outside: every call is a question to its <see cref="DhtActor"/>.</summary>
internal sealed class NodeDht(IActorRef actor, StopSignal end) : IDht
{
    /// <summary>Peers that wait for a reader of a lookup; a slow reader loses the oldest.</summary>
    private const int MaxUnseenPeers = 4096;

    /// <inheritdoc/>
    public async IAsyncEnumerable<DhtPeer> LookupAsync(DiscoveryKey topic, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var peers = Channel.CreateBounded<DhtPeer>(
            new BoundedChannelOptions(MaxUnseenPeers) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        using CancellationTokenRegistration stopped = end.Stopped.Register(() => peers.Writer.TryComplete(end.ToFailure()));
        actor.Tell(new DhtActor.LookupInto(topic, peers.Writer), ActorRefs.NoSender);
        try
        {
            // Not ReadAllAsync: it leaves the caller's context, and with it a deterministic run.
            while (await peers.Reader.WaitToReadAsync(cancellationToken))
            {
                while (peers.Reader.TryRead(out DhtPeer? peer))
                {
                    yield return peer;
                }
            }
        }
        finally
        {
            actor.Tell(new DhtActor.StopLookup(peers.Writer), ActorRefs.NoSender);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> AnnounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default) =>
        (await AskAsync<DhtActor.Stored>(new DhtActor.AnnounceOnce(topic), cancellationToken)).Nodes;

    /// <inheritdoc/>
    public async ValueTask UnannounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default) =>
        await AskAsync<DhtActor.Stored>(new DhtActor.TakeBack(topic), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<DhtPeer?> FindPeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        (await AskAsync<DhtActor.FoundPeer>(new DhtActor.FindPeer(peer), cancellationToken)).Peer;

    /// <inheritdoc/>
    public async ValueTask<DhtPut> PutImmutableAsync(ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        await AskAsync<DhtPut>(new DhtActor.PutImmutable(value.ToArray()), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>?> GetImmutableAsync(Hash key, CancellationToken cancellationToken = default) =>
        (await AskAsync<DhtActor.FoundValue>(new DhtActor.GetImmutable(key), cancellationToken)).Value;

    /// <inheritdoc/>
    public async ValueTask<DhtPut> PutMutableAsync(
        KeyPair keys, ReadOnlyMemory<byte> value, ulong sequence, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return await AskAsync<DhtPut>(new DhtActor.PutMutable(keys, value.ToArray(), sequence), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<DhtMutable?> GetMutableAsync(PublicKey key, ulong minSequence = 0, CancellationToken cancellationToken = default) =>
        (await AskAsync<DhtActor.FoundMutable>(new DhtActor.GetMutable(key, minSequence), cancellationToken)).Value;

    /// <inheritdoc/>
    public async ValueTask<TimeSpan?> PingAsync(IPEndPoint address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return DhtAddress.TryFrom(address, out DhtAddress to)
            ? (await AskAsync<DhtActor.Pinged>(new DhtActor.Ping(to), cancellationToken)).RoundTrip
            : throw new HyperActorsException($"{address} is no IPv4 address: the DHT knows no others");
    }

    /// <inheritdoc/>
    public async ValueTask<PeerInfo> ConnectAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        await AskAsync<PeerInfo>(new DhtActor.Dial(peer), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask ListenAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<DhtActor.Done>(DhtActor.ListenForAll.Instance, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<DhtActor.Done>(DhtActor.WaitUntilReady.Instance, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<DhtInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<DhtInfo>(DhtActor.GetInfo.Instance, cancellationToken);

    private async Task<T> AskAsync<T>(object message, CancellationToken cancellationToken)
    {
        using CancellationTokenSource? either = cancellationToken.CanBeCanceled
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, end.Stopped)
            : null;
        try
        {
            return await actor.Ask<T>(message, Timeout.InfiniteTimeSpan, either?.Token ?? end.Stopped);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw end.ToFailure();
        }
    }
}
