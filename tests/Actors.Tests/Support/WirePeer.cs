using System.Buffers;
using System.Net;
using HyperActors.Crypto;
using HyperActors.Replication;
using HyperActors.Simulation;
using HyperActors.Wire;

namespace HyperActors.Actors.Tests;

/// <summary>A peer on the simulated network that a test drives by hand: raw bytes, or a link with whatever is put on it.</summary>
internal sealed class WirePeer
{
    private readonly World _world;
    private readonly IActorRef _actor;
    private readonly MessageBatchWriter _writer = new();
    private ITransport? _transport;
    private long _withheld;
    private LinkEvent.Connected? _session;

    private WirePeer(World world)
    {
        _world = world;
        WirePeer self = this;
        _actor = world.Engine.System.ActorOf(Props.Create(() => new Driver(self)));
    }

    /// <summary>The link; null while only raw bytes are spoken.</summary>
    public Link? Link { get; private set; }

    public List<LinkEvent> Events { get; } = [];

    /// <summary>Decoded messages of the node, with the channel on which they came.</summary>
    public List<(ulong Channel, ReplicationMessage Message)> Messages { get; } = [];

    /// <summary>Answers a message of the node at once.</summary>
    public Action<ulong, ReplicationMessage>? OnMessage { get; set; }

    public long BytesReceived { get; private set; }

    /// <summary>Bytes that the node has read, or that are on their way to it.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Whether the peer reads what it is sent.</summary>
    public bool IsReading { get; set; } = true;

    /// <summary>Whether its side of the stream is over, in order or not.</summary>
    public bool IsOver { get; private set; }

    public bool IsConnected => _session is not null;

    public static WirePeer Dial(World world, IPAddress from, IPEndPoint to)
    {
        var peer = new WirePeer(world);
        world.Network.At(from).Connect(1, to.Address.ToString(), to.Port, TimeSpan.FromSeconds(10), peer._actor);
        Assert.True(world.Engine.RunUntil(() => peer._transport is not null, TimeSpan.FromSeconds(10)));
        return peer;
    }

    /// <summary>Dials and shakes hands.</summary>
    public static WirePeer Connect(World world, IPAddress from, IPEndPoint to, LinkOptions? options = null)
    {
        WirePeer peer = Dial(world, from, to);
        RandomSource random = world.Fork();
        peer.Link = new Link(options ?? new LinkOptions(), isInitiator: true, KeyPair.Generate(random), random, world.Engine.Now);
        peer.Pump();
        Assert.True(world.Engine.RunUntil(() => peer.IsConnected, TimeSpan.FromSeconds(10)), $"no handshake ({world.Engine})");
        return peer;
    }

    /// <summary>Bytes as they are.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        var owner = new Bytes(bytes.ToArray());
        _transport!.Write(owner);
    }

    /// <summary>Reads on after a while of not reading.</summary>
    public void ReturnCredit() => _transport!.ReturnCredit((int)_withheld);

    public void Hangup() => _transport!.Dispose();

    public bool TryOpen(ChannelSpec spec, ReadOnlySpan<byte> handshake, out ulong channelId)
    {
        bool isOpen = Link!.TryOpen(spec, handshake, out channelId);
        Pump();
        return isOpen;
    }

    /// <summary>Opens the channel of a feed, and proves to know <paramref name="proven"/>.</summary>
    public ulong OpenFeed(FeedKey key, FeedKey? proven = null)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new Compact.CompactWriter(output);
        Handshake.For(isInitiator: true, _session!.HandshakeHash.Span, proven ?? key).Encode(ref writer);
        var spec = new ChannelSpec(ReplicationCodec.Protocol, key.ToDiscoveryKey().ToArray());
        Assert.True(TryOpen(spec, output.WrittenSpan, out ulong channel));
        return channel;
    }

    public void Send(ulong channel, params IReadOnlyList<ReplicationMessage> messages)
    {
        ReplicationCodec.Encode(messages, _writer);
        Link!.Send(channel, _writer.Build()!);
        Pump();
    }

    /// <summary>One message whose payload is any bytes.</summary>
    public void SendRaw(ulong channel, uint type, ReadOnlySpan<byte> payload)
    {
        _writer.Write(type, payload);
        Link!.Send(channel, _writer.Build()!);
        Pump();
    }

    public void Pump()
    {
        if (Link is null || _transport is null)
        {
            return;
        }

        bool isActive = true;
        while (isActive)
        {
            isActive = false;
            while (Link.TryPollEvent(out LinkEvent? e))
            {
                isActive = true;
                Take(e);
            }

            while (Link.TryPollTransmit(64 << 10, _world.Engine.Now, out IMemoryOwner<byte>? bytes))
            {
                isActive = true;
                _transport.Write(bytes);
            }
        }
    }

    private void Take(LinkEvent e)
    {
        Events.Add(e);
        if (e is LinkEvent.Connected connected)
        {
            _session = connected;
        }
        else if (e is LinkEvent.MessagesArrived arrived)
        {
            var messages = new List<ReplicationMessage>();
            Assert.True(ReplicationCodec.TryDecode(arrived.Messages, messages));
            foreach (ReplicationMessage message in messages)
            {
                Messages.Add((arrived.ChannelId, message));
                OnMessage?.Invoke(arrived.ChannelId, message);
            }

            arrived.Messages.Dispose();
        }
    }

    private void Handle(object message)
    {
        switch (message)
        {
            case INetwork.Connected connected:
                _transport = connected.Transport;
                _transport.Start(_actor);
                break;
            case ITransport.BytesArrived arrived:
                BytesReceived += arrived.Count;
                Link?.HandleInput(new ReadOnlySequence<byte>(arrived.Owner.Memory[..arrived.Count]), _world.Engine.Now);
                arrived.Owner.Dispose();
                if (IsReading)
                {
                    _transport!.ReturnCredit(arrived.Count);
                }
                else
                {
                    _withheld += arrived.Count;
                }

                Pump();
                break;
            case ITransport.Written written:
                BytesSent += written.Count;
                break;
            case ITransport.RemoteEnded or ITransport.Broken or INetwork.ConnectFailed:
                IsOver = true;
                break;
        }
    }

    private sealed class Driver(WirePeer peer) : UntypedActor
    {
        protected override void OnReceive(object message) => peer.Handle(message);
    }

    private sealed class Bytes(byte[] array) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => array;

        public void Dispose()
        {
        }
    }
}
