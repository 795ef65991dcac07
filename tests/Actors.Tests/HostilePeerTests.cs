using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Storage;
using HyperActors.TestKit;
using HyperActors.Wire;

namespace HyperActors.Actors.Tests;

/// <summary>Peers that break the rules: each loses its connection and nothing else is lost.</summary>
public sealed class HostilePeerTests : TestWorld
{
    private const int Count = 8;

    private readonly TestNode _node;
    private readonly TestNode _friend;
    private readonly Feed _feed;
    private readonly Feed _copy;

    public HostilePeerTests()
    {
        _node = StartNode(o => o.Links.MaxFrameSize = 1 << 20);
        _friend = StartNode();
        _feed = _node.Open("notes");
        Await(() => _feed.AppendAsync(Blocks(Count)));
        _copy = _friend.Open(_feed.Key);
        Connect(_friend, _node);
        Await(() => _copy.DownloadAsync(0, Count));
    }

    private static IPAddress Stranger => Address(66);

    public static TheoryData<string, string> Greetings => new()
    {
        { "another protocol", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" },
        { "a frame of nothing", "\0\0\0" },
        { "a frame of noise", "\u0020\0\0abcdefghijklmnopqrstuvwxyz012345" },
        { "a long frame of noise", "\u0060\0\0" + new string('x', 96) },
    };

    [Theory]
    [MemberData(nameof(Greetings))]
    public void Garbage_instead_of_a_handshake_ends_the_connection(string what, string bytes)
    {
        WirePeer peer = WirePeer.Dial(World, Stranger, _node.EndPoint);

        peer.Send(System.Text.Encoding.Latin1.GetBytes(bytes));

        ExpectDropped(peer, what == "another protocol" ? "frame larger than allowed" : "handshake");
    }

    [Fact]
    public void Random_garbage_of_any_kind_never_does_more_than_end_its_connection()
    {
        RandomSource random = World.Fork();
        for (int i = 0; i < 100; i++)
        {
            WirePeer peer = WirePeer.Dial(World, Stranger, _node.EndPoint);
            byte[] garbage = new byte[1 + random.NextInt32(300)];
            random.Fill(garbage);
            if (i % 2 == 0 && garbage.Length > 2)
            {
                (garbage[0], garbage[1], garbage[2]) = ((byte)random.NextInt32(100), 0, 0);
            }

            peer.Send(garbage);
        }

        Eventually(() => _node.Closed.Count() == 100);
        ExpectWellBeing();
    }

    [Fact]
    public void A_frame_announced_larger_than_allowed_ends_the_connection_before_it_arrives()
    {
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);

        peer.Send([0x01, 0x00, 0x10]);

        ExpectDropped(peer, "frame larger than allowed");
    }

    [Fact]
    public void Garbage_after_the_handshake_ends_the_connection()
    {
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);

        peer.Send([0x20, 0, 0, .. new byte[32]]);

        ExpectDropped(peer, "could not be decrypted");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_handshake_that_stalls_ends_after_ten_seconds(int bytesASecond)
    {
        WirePeer peer = WirePeer.Dial(World, Stranger, _node.EndPoint);
        Engine.Advance(TimeSpan.FromMilliseconds(50));
        for (int second = 0; second < 9; second++)
        {
            if (bytesASecond > 0)
            {
                peer.Send([(byte)(second == 0 ? 0x40 : 0)]);
            }

            Engine.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Empty(_node.Closed);
        Engine.Advance(TimeSpan.FromSeconds(1.1));
        ExpectDropped(peer, "did not finish the handshake in time");
    }

    [Fact]
    public void Half_open_connections_of_one_address_are_bounded_and_others_still_get_in()
    {
        int bound = new ConnectionOptions().MaxHalfOpenPerAddress;
        WirePeer[] peers = [.. Enumerable.Range(0, bound + 10).Select(_ => WirePeer.Dial(World, Stranger, _node.EndPoint))];

        Engine.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(10, peers.Count(p => p.IsOver));
        WirePeer.Connect(World, Address(67), _node.EndPoint);
        Engine.Advance(TimeSpan.FromSeconds(10));
        Assert.True(Array.TrueForAll(peers, p => p.IsOver));
        WirePeer.Connect(World, Stranger, _node.EndPoint);
        ExpectWellBeing();
    }

    [Fact]
    public void A_flood_of_opens_for_feeds_that_are_not_here_is_refused_one_by_one()
    {
        const int Opens = 3000;
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);
        RandomSource random = World.Fork();
        for (int i = 0; i < Opens; i++)
        {
            byte[] id = new byte[32];
            random.Fill(id);
            string protocol = i % 3 == 0 ? "no such protocol" : ReplicationCodec.Protocol;
            Assert.True(peer.TryOpen(new ChannelSpec(protocol, id), [], out _));
        }

        Eventually(() => peer.Events.OfType<LinkEvent.ChannelClosed>().Count() == Opens);

        Assert.All(peer.Events.OfType<LinkEvent.ChannelClosed>(), closed => Assert.True(closed.WasRejected));
        Assert.Single(_node.Disk.Opened);
        Assert.False(peer.IsOver);
        ExpectWellBeing();
    }

    [Fact]
    public void A_flood_of_messages_for_a_channel_that_nobody_answers_is_not_read()
    {
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);
        _node.Disk.Hang = (key, _) => key != _feed.DiscoveryKey;
        Feed? other = null;
        _ = Begin(async () => other = await _node.Node.OpenFeedAsync("other"));
        FeedKey key = CorestoreKeyOf("other");
        ulong channel = peer.OpenFeed(key);
        for (int i = 0; i < 400; i++)
        {
            peer.SendRaw(channel, (uint)MessageType.Extension, new byte[10_000]);
        }

        Engine.Advance(TimeSpan.FromSeconds(5));

        Assert.Null(other);
        Assert.False(peer.IsOver);
        Assert.InRange(peer.BytesSent, 0, 2 << 20);
        ExpectWellBeing();
    }

    [Fact]
    public void A_wrong_capability_ends_the_connection_and_gives_nothing_away()
    {
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);

        peer.OpenFeed(_feed.Key, proven: CorestoreKeyOf("something else"));

        ExpectDropped(peer, nameof(ReplicationError.InvalidCapability));
        Assert.Empty(peer.Messages);
    }

    [Fact]
    public void A_malformed_message_ends_the_connection()
    {
        WirePeer peer = Attach(out ulong channel);

        peer.SendRaw(channel, (uint)MessageType.Sync, [0xff]);

        ExpectDropped(peer, nameof(ReplicationError.MalformedMessage));
    }

    [Fact]
    public void Requests_for_blocks_that_are_not_here_are_answered_so()
    {
        WirePeer peer = Attach(out ulong channel);
        for (ulong i = 1; i <= 2000; i++)
        {
            peer.Send(channel, new RequestMessage(i, new ProofRequest { Block = new BlockRequest(Count + (i * 1_000_000_007), 0) }));
        }

        Eventually(() => peer.Messages.Count(m => m.Message is NoDataMessage) == 2000);

        Assert.DoesNotContain(peer.Messages, m => m.Message is DataMessage);
        ExpectWellBeing();
    }

    [Fact]
    public void Requests_that_make_no_sense_end_the_connection_after_a_while()
    {
        WirePeer peer = Attach(out ulong channel);
        for (ulong i = 1; i <= 64; i++)
        {
            peer.Send(channel, new RequestMessage(i, new ProofRequest { Upgrade = new UpgradeRequest(Count * 10, 7) }));
        }

        ExpectDropped(peer, nameof(ReplicationError.TooManyInvalidRequests));
    }

    [Fact]
    public void A_flood_of_requests_ends_the_connection()
    {
        WirePeer peer = Attach(out ulong channel);
        _node.Disk.Hang = (_, request) => request.Kind == IoKind.Read;
        peer.Send(channel, [.. Enumerable.Range(1, 30_000).Select(i =>
            new RequestMessage((ulong)i, new ProofRequest { Block = new BlockRequest((ulong)i % Count, 0) }))]);

        _node.Disk.Hang = null;
        ExpectDropped(peer, nameof(ReplicationError.TooManyRequests));
    }

    [Fact]
    public void Data_that_nobody_asked_for_ends_the_connection()
    {
        WirePeer peer = Attach(out ulong channel);
        for (ulong i = 0; i < 64; i++)
        {
            peer.Send(channel, new DataMessage(1000 + i, new Proof { Block = new BlockProof(i, new byte[1000], []) }));
        }

        ExpectDropped(peer, nameof(ReplicationError.UnsolicitedData));
    }

    [Fact]
    public void False_blocks_end_the_connection_and_none_is_stored()
    {
        // The friend loses touch with the writer and falls to a liar.
        World.Network.Cut(_node.Address, _friend.Address);
        Await(() => _feed.AppendAsync(Blocks(Count)));
        WirePeer liar = WirePeer.Connect(World, Stranger, _friend.EndPoint);
        ulong channel = liar.OpenFeed(_feed.Key);
        liar.OnMessage = (_, message) =>
        {
            if (message is RequestMessage { Request: var request } asked)
            {
                liar.Send(channel, new DataMessage(asked.Id, new Proof
                {
                    Block = request.Block is { } block ? new BlockProof(block.Index, Bytes("a lie"), []) : null,
                    Upgrade = request.Upgrade is { } upgrade
                        ? new UpgradeProof(upgrade.Start, upgrade.Length, [], [], new byte[64])
                        : null,
                }));
            }
        };
        liar.Send(
            channel,
            new SyncMessage { Length = 2 * Count, RemoteLength = Count, CanUpgrade = true, IsUploading = true, IsDownloading = true },
            new RangeMessage(0, 2 * Count));

        Eventually(() => _friend.Closed.Any(c => c.Reason?.Contains(nameof(ReplicationError.InvalidProof), StringComparison.Ordinal) == true));

        Eventually(() => liar.IsOver);
        Assert.Equal((ulong)Count, _copy.Length);
        Connect(_friend, _node);
        Await(() => _copy.DownloadAsync(0, 2 * Count));
        for (ulong i = 0; i < 2 * Count; i++)
        {
            Assert.Equal(Blocks(Count)[(int)(i % Count)].ToArray(), Await(() => _copy.GetAsync(i)).Bytes.ToArray());
        }
    }

    [Fact]
    public void A_peer_that_asks_and_never_reads_stops_at_its_credit()
    {
        Feed large = _node.Open("large");
        const int Large = 256;
        Await(() => large.AppendAsync(Blocks(Large, 256 << 10)), TimeSpan.FromMinutes(5));
        long before = _node.Disk.BlockBytesRead;
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);
        ulong channel = peer.OpenFeed(large.Key);
        Eventually(() => peer.Messages.Any(m => m.Message is SyncMessage));
        peer.IsReading = false;
        for (ulong i = 0; i < Large; i++)
        {
            peer.Send(channel, new RequestMessage(1 + i, new ProofRequest { Block = new BlockRequest(i, 0) }));
        }

        Engine.Advance(TimeSpan.FromMinutes(1));

        Assert.InRange(_node.Disk.BlockBytesRead - before, 1, 12 << 20);
        ExpectWellBeing();
        peer.IsReading = true;
        peer.ReturnCredit();
        Eventually(() => peer.Messages.Count(m => m.Message is DataMessage) == Large);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_peer_that_promises_and_never_delivers_holds_no_update_up_for_long(bool promises)
    {
        World.Network.Cut(_node.Address, _friend.Address);
        WirePeer mute = WirePeer.Connect(World, Stranger, _friend.EndPoint);
        if (promises)
        {
            ulong channel = mute.OpenFeed(_feed.Key);
            mute.Send(channel, new SyncMessage { Length = 2 * Count, RemoteLength = Count, CanUpgrade = true, IsUploading = true, IsDownloading = true });
        }

        Engine.Advance(TimeSpan.FromSeconds(1));
        TimeSpan before = Engine.Now;

        Assert.False(Await(() => _copy.UpdateAsync()));

        Assert.InRange(Engine.Now - before, TimeSpan.FromSeconds(1), new ReplicationOptions().UpdateTimeout);
        Connect(_friend, _node);
        Await(() => _feed.AppendAsync(Bytes("later")));
        Eventually(() => _copy.Length == Count + 1);
    }

    [Fact]
    public void A_peer_that_is_dropped_again_and_again_leaves_nothing_behind()
    {
        for (int i = 0; i < 50; i++)
        {
            WirePeer peer = Attach(out ulong channel);
            peer.SendRaw(channel, (uint)MessageType.Sync, [0xff]);
            Eventually(() => peer.IsOver);
        }

        Engine.RunUntilIdle();
        Assert.Equal(50, _node.Closed.Count());
        Assert.Equal(1, Await(() => _feed.GetInfoAsync()).PeerCount);
        ExpectWellBeing();
    }

    private FeedKey CorestoreKeyOf(string name)
    {
        using KeyPair keys = CorestoreKeys.Derive(_node.Files.ReadPrimaryKey(World.Fork()), CorestoreKeys.RootNamespace, name);
        return Manifest.ForSigner(keys.PublicKey).ToKey();
    }

    /// <summary>A peer that knows the key and has the channel open.</summary>
    private WirePeer Attach(out ulong channel)
    {
        WirePeer peer = WirePeer.Connect(World, Stranger, _node.EndPoint);
        channel = peer.OpenFeed(_feed.Key);
        Eventually(() => peer.Messages.Any(m => m.Message is SyncMessage));
        peer.Send(channel, new SyncMessage { IsUploading = true, IsDownloading = true });
        return peer;
    }

    private void ExpectDropped(WirePeer peer, string reason)
    {
        Eventually(() => peer.IsOver && _node.Closed.Any());
        ConnectionEvent.Closed closed = Assert.Single(_node.Closed);
        Assert.Contains(reason, closed.Reason, StringComparison.Ordinal);
        Assert.Equal(Stranger, Assert.IsType<IPEndPoint>(closed.Address).Address);
        ExpectWellBeing();
    }

    /// <summary>The other connection and the feed are as they were.</summary>
    private void ExpectWellBeing()
    {
        ulong length = Await(() => _feed.AppendAsync(Bytes("still here")));
        Assert.Equal(Bytes("still here"), Await(() => _copy.GetAsync(length - 1)).Bytes.ToArray());
        Assert.Empty(_friend.Closed);
    }
}
