using HyperActors.Crypto;
using HyperActors.Replication;
using HyperActors.TestKit;
using HyperActors.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>One connection between a transport and a replication that are the test's own.</summary>
public sealed class ConnectionActorTests : ActorTest
{
    private const int MaxUnconsumed = 64 << 10;

    private static readonly FeedKey Key = new(Enumerable.Repeat((byte)7, FeedKey.Size).ToArray());

    private readonly RandomSource _random = RandomSource.Seeded(1);
    private readonly FakeTransport _transport = new();
    private readonly TestProbe _parent;
    private readonly TestProbe _replication;
    private readonly MessageBatchWriter _writer = new();
    private readonly IActorRef _connection;
    private readonly Link _link;
    private ulong _channel;

    public ConnectionActorTests()
    {
        _parent = CreateProbe("parent");
        _replication = CreateProbe("replication");
        var options = new ConnectionOptions { MaxUnconsumedBytes = MaxUnconsumed };
        _connection = ParentActor.Make(
            System,
            ConnectionActor.PropsFor(
                1, _transport, false, KeyPair.Generate(_random), null, null, _random, new LinkOptions(), options, NullLogger.Instance),
            "conn-1",
            _parent);
        _link = new Link(new LinkOptions(), true, KeyPair.Generate(_random), _random, Run.Now);
    }

    public override void Dispose()
    {
        _link.Dispose();
        _writer.Dispose();
        base.Dispose();
    }

    [Fact]
    public void A_feed_that_does_not_keep_up_stops_the_reading_and_starts_it_again()
    {
        OpenChannel();
        SendExtensions(40, 10_000);

        Assert.InRange(_transport.Returned, 1, MaxUnconsumed + 20_000);
        long read = _transport.Returned;
        long cost = 0;
        foreach (ReplicationActor.MessagesArrived arrived in _replication.TakeAll().OfType<ReplicationActor.MessagesArrived>())
        {
            cost += arrived.Cost;
            arrived.Lease?.Dispose();
        }

        _replication.Send(_connection, new ConnectionActor.Consumed(cost));
        Run.RunUntilIdle();

        Assert.InRange(_transport.Returned, read + MaxUnconsumed - 20_000, read + MaxUnconsumed + 20_000);
    }

    [Fact]
    public void What_a_feed_took_along_when_it_ended_is_not_waited_for()
    {
        for (int life = 0; life < 5; life++)
        {
            TestProbe replication = life == 0 ? _replication : CreateProbe($"replication-{life}");
            OpenChannel(replication);
            long before = _transport.Returned;
            SendExtensions(40, 10_000);
            Assert.InRange(_transport.Returned - before, 1, MaxUnconsumed + 20_000);

            System.Stop(replication.Ref);
            _transport.Exchange(Run, _link);

            // The peer hears that the channel is closed, and all that it sent has been read.
            Assert.Equal(before + _sent, _transport.Returned);
            Assert.Contains(Drain(), e => e is LinkEvent.ChannelClosed);
        }

        Assert.Equal(0, _parent.Waiting);
    }

    [Fact]
    public void Single_bytes_that_have_to_wait_do_not_each_hold_a_buffer()
    {
        OpenChannel();
        SendExtensions(40, 10_000);
        int held = _transport.BuffersHeld;
        for (int i = 0; i < 5000; i++)
        {
            _transport.Arrive([1], 4096);
        }

        Run.RunUntilIdle();

        Assert.InRange(_transport.BuffersHeld, 1, held + 3);
    }

    [Fact]
    public void A_connection_that_ends_lets_go_of_everything_that_waits()
    {
        OpenChannel();
        SendExtensions(40, 10_000);
        Assert.NotEqual(0, _transport.BuffersHeld);

        _transport.Break("gone");
        Run.RunUntilIdle();

        Assert.Equal(0, _transport.BuffersHeld);
        Assert.True(_transport.IsDisposed);
        Assert.Equal("gone", _parent.FishForMessage<ConnectionActor.Ended>().Reason);
    }

    [Fact]
    public void An_orderly_end_waits_for_the_peer_only_so_long()
    {
        OpenChannel();
        Tell(_connection, ConnectionActor.End.Instance);
        _transport.Exchange(Run, _link);
        Assert.True(_transport.IsShutDown);
        Assert.Empty(_parent.TakeAll().OfType<ConnectionActor.Ended>());

        Run.Advance(new ConnectionOptions().EndTimeout);

        Assert.Null(_parent.FishForMessage<ConnectionActor.Ended>().Reason);
        Assert.True(_transport.IsDisposed);
    }

    [Fact]
    public void A_feed_that_starts_anew_gets_a_new_channel_in_place_of_the_old_one()
    {
        OpenChannel();
        TestProbe next = CreateProbe("next");

        Tell(_connection, new ConnectionActor.OpenFeed(Key, new PeerId(2), next.Ref));
        _transport.Exchange(Run, _link);

        List<LinkEvent> events = Drain();
        Assert.Single(events.OfType<LinkEvent.ChannelClosed>());
        Assert.Single(events.OfType<LinkEvent.ChannelRequested>());
        Assert.Single(_replication.TakeAll().OfType<ReplicationActor.ChannelClosed>());
    }

    [Fact]
    public void Opening_the_same_channel_twice_opens_one()
    {
        OpenChannel();

        Tell(_connection, new ConnectionActor.OpenFeed(Key, new PeerId(1), _replication.Ref));
        _transport.Exchange(Run, _link);

        Assert.Empty(Drain());
    }

    private long _sent;

    private void OpenChannel() => OpenChannel(_replication);

    private void OpenChannel(TestProbe replication)
    {
        _transport.Exchange(Run, _link);
        Tell(_connection, new ConnectionActor.OpenFeed(Key, new PeerId(1), replication.Ref));
        _transport.Exchange(Run, _link);
        LinkEvent.Connected session = _session ??= Drain().OfType<LinkEvent.Connected>().Single();
        var output = new global::System.Buffers.ArrayBufferWriter<byte>();
        var writer = new Compact.CompactWriter(output);
        Handshake.For(true, session.HandshakeHash.Span, Key).Encode(ref writer);
        Assert.True(_link.TryOpen(
            new ChannelSpec(ReplicationCodec.Protocol, Key.ToDiscoveryKey().ToArray()), output.WrittenSpan, out _channel));
        _transport.Exchange(Run, _link);
        Drain();
        Assert.Single(replication.TakeAll().OfType<ReplicationActor.ChannelOpened>());
        _parent.TakeAll();
    }

    private LinkEvent.Connected? _session;

    private void SendExtensions(int count, int size)
    {
        long before = _transport.Returned;
        _sent = 0;
        for (int i = 0; i < count; i++)
        {
            _writer.Write((uint)MessageType.Extension, [1, (byte)'x', .. new byte[size]]);
            Assert.True(_link.Send(_channel, _writer.Build()!));
            while (_link.TryPollTransmit(64 << 10, Run.Now, out global::System.Buffers.IMemoryOwner<byte>? bytes))
            {
                _sent += bytes.Memory.Length;
                _transport.Arrive(bytes.Memory.Span, bytes.Memory.Length);
                bytes.Dispose();
            }
        }

        Run.RunUntilIdle();
        Assert.True(_transport.Returned > before);
    }

    private List<LinkEvent> Drain()
    {
        var events = new List<LinkEvent>();
        while (_link.TryPollEvent(out LinkEvent? e))
        {
            events.Add(e);
            if (e is LinkEvent.MessagesArrived arrived)
            {
                arrived.Messages.Dispose();
            }
        }

        return events;
    }
}
