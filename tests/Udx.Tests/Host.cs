namespace HyperActors.Udx.Tests;

/// <summary>A machine with sockets and streams: does what a node's actors do, in one thread and virtual time.</summary>
internal sealed class Host(World world, UdxOptions options)
{
    private readonly List<UdxAddress> _sockets = [];
    private readonly byte[] _buffer = new byte[UdxTransmit.MaxLength];

    public UdxOptions Options { get; } = options;

    public World World { get; } = world;

    public UdxEndpoint<Peer> Endpoint { get; } = new(options);

    public UdxAddress Address => _sockets[0];

    public long Sent { get; private set; }

    public int AddSocket(UdxAddress address)
    {
        _sockets.Add(address);
        return _sockets.Count - 1;
    }

    public UdxAddress AddressOf(int socket) => _sockets[socket];

    /// <summary>Opens a stream under this id.</summary>
    public Peer Open(uint id, UdxFirewall? firewall = null)
    {
        var peer = new Peer(this, new UdxStream(id, Options, World.Now, firewall));
        Assert.True(Endpoint.TryOpen(peer, id));
        return peer;
    }

    public void Receive(byte[] datagram, int socket, UdxAddress from)
    {
        if (Endpoint.Route(datagram, out Peer? peer) == DatagramKind.Stream)
        {
            peer!.Stream.HandleDatagram(datagram, socket, from, World.Now);
            peer.Drain();
        }

        while (Endpoint.TryPollTransmit(_buffer, out UdxTransmit transmit))
        {
            Transmit(transmit, _buffer);
        }
    }

    public void Close(Peer peer)
    {
        Endpoint.Close(peer.Stream.LocalId, peer.Stream.ToLinger(), World.Now);
        World.At(Endpoint.Deadline!.Value, () => Endpoint.HandleTimeout(World.Now));
    }

    public void Transmit(in UdxTransmit transmit, ReadOnlySpan<byte> buffer)
    {
        Assert.InRange(transmit.Length, 1, UdxTransmit.MaxLength);
        for (int offset = 0; offset < transmit.Length; offset += transmit.SegmentSize)
        {
            int length = Math.Min(transmit.SegmentSize, transmit.Length - offset);
            Sent += length;
            World.Send(
                AddressOf(transmit.Socket), transmit.Remote, buffer.Slice(offset, length), transmit.MayFragment);
        }
    }

    public byte[] Buffer => _buffer;
}
