using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Abstractions;

/// <summary>A node: a store of feeds, and the connections over which they are copied.</summary>
public interface IHyperNode : IAsyncDisposable
{
    /// <summary>The node's identity on encrypted connections.</summary>
    PublicKey PublicKey { get; }

    /// <summary>Peers by topic.</summary>
    /// <exception cref="HyperActorsException">The node was started without a network of its own.</exception>
    ISwarm Swarm { get; }

    /// <summary>The distributed hash table.</summary>
    /// <exception cref="HyperActorsException">The node was started without a network of its own.</exception>
    IDht Dht { get; }

    /// <summary>Opens the writable feed of that name, and makes it when there is none: its key grows from the store's primary key.</summary>
    ValueTask<IFeed> OpenFeedAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Opens the feed of that name when the store has one, else gives null: makes none.</summary>
    ValueTask<IFeed?> FindFeedAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Opens the feed with that key: what peers hold of it can be read here.</summary>
    ValueTask<IFeed> OpenFeedAsync(FeedKey key, CancellationToken cancellationToken = default);

    /// <summary>Opens the feed with that key when the store has it, else gives null: makes none.</summary>
    ValueTask<IFeed?> FindFeedAsync(FeedKey key, CancellationToken cancellationToken = default);

    /// <summary>Every feed of the store, by name, then by key. One that cannot be opened is among them, with the reason.</summary>
    ValueTask<IReadOnlyList<FeedInfo>> ListFeedsAsync(CancellationToken cancellationToken = default);

    /// <summary>Takes connections on a TCP address, speaking what JavaScript peers speak over a piped TCP socket.</summary>
    /// <returns>The address in use: port 0 becomes the port that the system chose.</returns>
    /// <exception cref="ConnectionFailedException">The address cannot be used; the message says why.</exception>
    ValueTask<IPEndPoint> ListenTcpAsync(IPEndPoint address, CancellationToken cancellationToken = default);

    /// <summary>Connects over TCP; every feed that both sides know is copied over the connection from then on.</summary>
    /// <returns>The peer, once the handshake is done.</returns>
    /// <exception cref="ConnectionFailedException">Nobody answers there, or not in this protocol.</exception>
    ValueTask<PeerInfo> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default);

    /// <summary>Connects over a UDX stream, as the side that speaks first.</summary>
    /// <returns>The peer, once the handshake is done.</returns>
    /// <exception cref="ConnectionFailedException">The address or the id cannot be used, or nobody answers in this protocol.</exception>
    ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, CancellationToken cancellationToken = default);

    /// <summary>Waits on a UDX stream until the peer speaks, however long that takes, and connects.</summary>
    /// <inheritdoc cref="ConnectUdxAsync"/>
    ValueTask<PeerInfo> AcceptUdxAsync(UdxRoute route, CancellationToken cancellationToken = default);

    /// <summary>Sends an unordered message beside the stream of a connection, encrypted as that is; it may be lost.</summary>
    /// <remarks>Over UDX alone; over TCP it is lost. More than 1100 bytes fit no packet of some paths, and are lost too.</remarks>
    void SendMessage(long connectionId, ReadOnlyMemory<byte> message);

    /// <summary>The connections that are open, in the order in which they were made.</summary>
    ValueTask<IReadOnlyList<PeerConnection>> ListConnectionsAsync(CancellationToken cancellationToken = default);

    /// <summary>Connections as they open and close. Ends with the token, or with the node.</summary>
    IAsyncEnumerable<ConnectionEvent> WatchConnectionsAsync(CancellationToken cancellationToken = default);
}
