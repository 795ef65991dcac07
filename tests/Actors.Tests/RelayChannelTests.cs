using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.TestKit;
using HyperActors.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>The channel of blind relaying between a peer that a test plays and an owner that it plays too.</summary>
public sealed class RelayChannelTests : ActorTest
{
    private readonly RandomSource _random = RandomSource.Seeded(1);
    private readonly FakeTransport _transport = new();
    private readonly TestProbe _parent;
    private readonly TestProbe _owner;
    private readonly KeyPair _ours;
    private readonly KeyPair _theirs;
    private readonly Link _link;
    private readonly MessageBatchWriter _writer = new();
    private IActorRef _connection = ActorRefs.Nobody;

    public RelayChannelTests()
    {
        _parent = CreateProbe("parent");
        _owner = CreateProbe("owner");
        _ours = KeyPair.Generate(_random);
        _theirs = KeyPair.Generate(_random);
        _link = new Link(new LinkOptions(), true, _theirs, _random, Run.Now);
    }

    public override void Dispose()
    {
        _link.Dispose();
        _writer.Dispose();
        _ours.Dispose();
        _theirs.Dispose();
        base.Dispose();
    }

    [Fact]
    public void What_is_asked_of_a_relay_leaves_on_a_channel_with_our_own_key_as_its_id()
    {
        Start(pair: [1, 2, 3]);

        LinkEvent.ChannelRequested request = Assert.Single(Drain().OfType<LinkEvent.ChannelRequested>());
        Assert.Equal((RelayProtocol.Name, _ours.PublicKey), (request.Protocol, new PublicKey(request.Id.Span)));
        Assert.True(_link.TryOpen(new ChannelSpec(RelayProtocol.Name, request.Id), default, out ulong channel));
        _transport.Exchange(Run, _link);
        LinkEvent.MessagesArrived arrived = Assert.Single(Drain(keepsMessages: true).OfType<LinkEvent.MessagesArrived>());
        foreach (Message message in arrived.Messages)
        {
            Assert.Equal(RelayProtocol.Pair, message.Type);
            Assert.Equal([1, 2, 3], message.Payload.ToArray());
        }

        Assert.Equal(1, arrived.Messages.Count);
        arrived.Messages.Dispose();

        Send(channel, RelayProtocol.Pair, [9]);
        Assert.Equal(7, _owner.FishForMessage<RelayChannelActor.Joined>().Link);
        Assert.Equal([(RelayProtocol.Pair, 9)], Take());
    }

    [Fact]
    public void A_relay_answers_the_channel_of_whoever_shows_its_own_key_and_no_feeds()
    {
        Start(pair: null);
        Open(_ours.PublicKey, RelayProtocol.Name);
        Open(_theirs.PublicKey, "hypercore/alpha");
        Assert.All(Drain().OfType<LinkEvent.ChannelClosed>(), closed => Assert.True(closed.WasRejected));
        Assert.Equal(0, _owner.Waiting);

        ulong channel = Open(_theirs.PublicKey, RelayProtocol.Name);
        Assert.Contains(Drain(), e => e is LinkEvent.ChannelOpened opened && opened.ChannelId == channel);
        Send(channel, RelayProtocol.Unpair, [5]);
        RelayChannelActor.Joined joined = _owner.FishForMessage<RelayChannelActor.Joined>();
        Assert.Equal((7, _connection), (joined.Link, joined.Connection));
        Assert.Equal([(RelayProtocol.Unpair, 5)], Take());
        Assert.Empty(_parent.TakeAll().OfType<ConnectionActor.FeedRequested>());
    }

    [Fact]
    public void The_owner_hears_when_the_channel_is_closed_and_ends_a_peer_that_talks_nonsense()
    {
        Start(pair: null);
        ulong channel = Open(_theirs.PublicKey, RelayProtocol.Name);
        _link.Close(channel);
        _transport.Exchange(Run, _link);
        Assert.Equal(7, _owner.FishForMessage<RelayChannelActor.Left>().Link);

        Tell(_connection, new ConnectionActor.FailPeer("a malformed message"));
        Run.RunUntilIdle();
        Assert.Equal("the peer broke the relay protocol: a malformed message", _parent.FishForMessage<ConnectionActor.Ended>().Reason);
    }

    private void Start(byte[]? pair)
    {
        ReadOnlyMemory<byte>? asked = null;
        if (pair is not null)
        {
            asked = pair;
        }

        _connection = ParentActor.Make(
            System,
            ConnectionActor.PropsFor(
                7, _transport, false, _ours, null, null, _random, new LinkOptions(), new ConnectionOptions(), NullLogger.Instance,
                new RelayRole(_owner.Ref, asked)),
            "conn-7",
            _parent);
        _transport.Exchange(Run, _link);
    }

    private ulong Open(PublicKey id, string protocol)
    {
        Assert.True(_link.TryOpen(new ChannelSpec(protocol, id.ToArray()), default, out ulong channel));
        _transport.Exchange(Run, _link);
        return channel;
    }

    private void Send(ulong channel, uint type, byte[] payload)
    {
        _writer.Write(type, payload);
        Assert.True(_link.Send(channel, _writer.Build()!));
        _transport.Exchange(Run, _link);
    }

    private List<(uint Type, int First)> Take()
    {
        using MessageBatch messages = _owner.FishForMessage<RelayChannelActor.MessagesArrived>().Messages;
        var taken = new List<(uint, int)>();
        foreach (Message message in messages)
        {
            taken.Add((message.Type, message.Payload.Span[0]));
        }

        return taken;
    }

    private List<LinkEvent> Drain(bool keepsMessages = false)
    {
        var events = new List<LinkEvent>();
        while (_link.TryPollEvent(out LinkEvent? e))
        {
            events.Add(e);
            if (!keepsMessages && e is LinkEvent.MessagesArrived arrived)
            {
                arrived.Messages.Dispose();
            }
        }

        return events;
    }
}
