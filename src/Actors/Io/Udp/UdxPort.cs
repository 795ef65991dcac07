using System.Net;
using HyperActors.Crypto;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>One UDP socket with UDX streams on it and nothing else, for who has no node.</summary>
public sealed class UdxPort : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly UdpSocket _socket;

    private UdxPort(UdxHub hub, UdpSocket socket) => (Hub, _socket) = (hub, socket);

    /// <summary>The streams.</summary>
    public UdxHub Hub { get; }

    /// <summary>Where the socket listens.</summary>
    public IPEndPoint Address => _socket.LocalAddress.ToIPEndPoint();

    /// <summary>Opens a socket.</summary>
    /// <param name="address">Where; port 0 takes a free one.</param>
    /// <param name="clock">The time that streams go by.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The address can't be had.</exception>
    public static UdxPort Open(IPEndPoint address, Func<TimeSpan> clock)
    {
        var hub = new UdxHub(
            UdpDoor.Open(new UdpOptions(), clock), new UdxOptions(), RandomSource.System);
        try
        {
            return new UdxPort(hub, hub.Bind(address));
        }
        catch
        {
            hub.Dispose();
            throw;
        }
    }

    /// <summary>Opens a stream to a peer whose address is known.</summary>
    public UdxByteStream Connect(uint id, uint remoteId, IPEndPoint remote)
    {
        UdxByteStream stream = Open(id, null);
        stream.Connection.Connect(_socket, remoteId, new UdxAddress(remote));
        return stream;
    }

    /// <summary>Opens a stream to whoever sends its first packet.</summary>
    public UdxByteStream Await(uint id, uint remoteId) => Open(id, (connection, socket, from) =>
    {
        connection.Connect(socket, remoteId, from);
        return true;
    });

    /// <summary>Gives streams that were let go a moment to arrive, and closes the socket.</summary>
    public async ValueTask DisposeAsync() => await Hub.CloseAsync(Patience);

    private UdxByteStream Open(uint id, UdxGate? gate) =>
        UdxByteStream.Open(Hub, id, gate) ?? throw new InvalidOperationException($"the stream id {id} is taken");
}
