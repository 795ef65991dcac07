using System.Buffers;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class LinkTests
{
    private static readonly ChannelSpec Foo = new("foo", ReadOnlyMemory<byte>.Empty);

    [Fact]
    public void Both_ends_learn_who_the_other_is_and_share_a_hash()
    {
        using var pair = new LinkPair();
        pair.Pump();
        var a = Assert.IsType<LinkEvent.Connected>(pair.EventsOfA.Dequeue());
        var b = Assert.IsType<LinkEvent.Connected>(pair.EventsOfB.Dequeue());
        Assert.Equal(pair.KeysB.PublicKey, a.RemotePublicKey);
        Assert.Equal(pair.KeysA.PublicKey, b.RemotePublicKey);
        Assert.True(a.IsInitiator && !b.IsInitiator);
        Assert.Equal(a.HandshakeHash.ToArray(), b.HandshakeHash.ToArray());
        Assert.Equal(64, a.HandshakeHash.Length);
    }

    [Fact]
    public void Opens_and_messages_may_be_given_before_there_are_keys()
    {
        using var pair = new LinkPair();
        Assert.True(pair.A.TryOpen(Foo, "hi"u8, out ulong ofA));
        Assert.True(pair.A.Send(ofA, Batch([1, 2, 3])));
        pair.Pump();
        Assert.IsType<LinkEvent.Connected>(pair.EventsOfB.Dequeue());
        Assert.IsType<LinkEvent.ChannelRequested>(pair.EventsOfB.Dequeue());
        Assert.True(pair.B.TryOpen(Foo, default, out ulong ofB));
        pair.Pump();
        Assert.Equal("hi"u8, Assert.IsType<LinkEvent.ChannelOpened>(pair.EventsOfB.Dequeue()).Handshake.Span);
        Assert.Equal([$"{ofB}: 0 010203"], WireText.Of(pair.EventsOfB.Dequeue()), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20_000)]
    [InlineData(65_536)]
    [InlineData(1 << 20)]
    [InlineData(MessageBatchWriter.MaxPayloadSize)]
    public void A_message_of_any_size_arrives(int size)
    {
        using LinkPair pair = LinkPair.Connected();
        (ulong ofA, ulong ofB) = pair.OpenBoth();
        byte[] payload = new byte[size];
        RandomSource.Seeded(3).Fill(payload);
        Assert.True(pair.A.Send(ofA, Batch(payload)));
        pair.Pump();
        var arrived = Assert.IsType<LinkEvent.MessagesArrived>(pair.EventsOfB.Dequeue());
        Assert.Equal(ofB, arrived.ChannelId);
        using (arrived.Messages)
        {
            MessageBatch.Enumerator messages = arrived.Messages.GetEnumerator();
            Assert.True(messages.MoveNext());
            Assert.True(messages.Current.Payload.Span.SequenceEqual(payload));
            Assert.False(messages.MoveNext());
        }

        Assert.Equal(0, pair.A.QueuedBytes);
    }

    [Fact]
    public void A_frame_that_is_too_large_ends_the_link()
    {
        using LinkPair pair = LinkPair.Connected(optionsOfB: new LinkOptions { MaxFrameSize = 10_000 });
        (ulong ofA, _) = pair.OpenBoth();
        pair.A.Send(ofA, Batch(new byte[9_900]));
        pair.A.Send(ofA, Batch(new byte[10_000]));
        pair.Pump();
        Assert.IsType<LinkEvent.MessagesArrived>(pair.EventsOfB.Dequeue());
        Assert.Equal(new LinkEvent.Failed(WireError.FrameTooLarge), pair.EventsOfB.Dequeue());
    }

    [Fact]
    public void A_stranger_can_not_make_us_hold_a_large_frame()
    {
        using KeyPair keys = KeyPair.Generate(RandomSource.Seeded(1));
        using var link = new Link(new LinkOptions(), isInitiator: false, keys, RandomSource.Seeded(2), TimeSpan.Zero);
        link.HandleInput(new ReadOnlySequence<byte>([0x01, 0x04, 0x00]), TimeSpan.Zero);
        Assert.True(link.TryPollEvent(out LinkEvent? e));
        Assert.Equal(new LinkEvent.Failed(WireError.FrameTooLarge), e);
        Assert.Null(link.Deadline);
        Assert.True(link.HasSentAll);
    }

    [Fact]
    public void All_messages_of_one_channel_that_arrive_together_are_one_batch_and_their_order_is_kept()
    {
        using LinkPair pair = LinkPair.Connected();
        (ulong one, ulong oneOfB) = pair.OpenBoth("one");
        (ulong two, ulong twoOfB) = pair.OpenBoth("two");
        for (byte i = 0; i < 10; i++)
        {
            pair.A.Send(one, Batch([i], [(byte)(i + 100)]));
            pair.A.Send(two, Batch([i]));
        }

        pair.Pump();
        var first = Assert.IsType<LinkEvent.MessagesArrived>(pair.EventsOfB.Dequeue());
        var second = Assert.IsType<LinkEvent.MessagesArrived>(pair.EventsOfB.Dequeue());
        Assert.Empty(pair.EventsOfB);
        Assert.Equal((oneOfB, 20), (first.ChannelId, first.Messages.Count));
        Assert.Equal((twoOfB, 10), (second.ChannelId, second.Messages.Count));
        Assert.Equal(
            Enumerable.Range(0, 10).SelectMany(i => (string[])[$"{oneOfB}: 0 {i:x2}", $"{oneOfB}: 0 {i + 100:x2}"]),
            WireText.Of(first),
            StringComparer.Ordinal);
        second.Messages.Dispose();
    }

    [Fact]
    public void Small_frames_leave_together_and_no_piece_is_larger_than_asked_for()
    {
        using LinkPair pair = LinkPair.Connected();
        (ulong ofA, _) = pair.OpenBoth();
        for (int i = 0; i < 100; i++)
        {
            pair.A.Send(ofA, Batch([1]));
        }

        pair.A.Send(ofA, Batch(new byte[200_000]));
        long queued = pair.A.QueuedBytes;
        var sizes = new List<int>();
        while (pair.A.TryPollTransmit(64 * 1024, pair.Now, out IMemoryOwner<byte>? bytes))
        {
            sizes.Add(bytes.Memory.Length);
            bytes.Dispose();
        }

        Assert.Equal(1 + 4, sizes.Count);
        Assert.All(sizes, size => Assert.InRange(size, 1, 64 * 1024));
        Assert.Equal(queued, sizes.Sum());
        Assert.Equal(0, pair.A.QueuedBytes);
    }

    [Fact]
    public void A_line_that_carries_a_byte_at_a_time_carries_everything()
    {
        using var pair = new LinkPair { MaxPiece = 1 };
        pair.Pump();
        pair.EventsOfA.Clear();
        pair.EventsOfB.Clear();
        (ulong ofA, ulong ofB) = pair.OpenBoth();
        pair.A.Send(ofA, Batch(new byte[1000], [5]));
        pair.Pump();
        Assert.Equal([$"{ofB}: 0 {new string('0', 2000)}", $"{ofB}: 0 05"], WireText.Of(pair.EventsOfB.Single()), StringComparer.Ordinal);
    }

    [Fact]
    public void A_changed_byte_on_the_line_ends_the_link_and_what_came_before_it_is_heard()
    {
        using LinkPair pair = LinkPair.Connected();
        (ulong ofA, _) = pair.OpenBoth();
        pair.A.Send(ofA, Batch([1]));
        pair.A.Send(ofA, Batch([2]));
        Assert.True(pair.A.TryPollTransmit(int.MaxValue, pair.Now, out IMemoryOwner<byte>? bytes));
        bytes.Memory.Span[^1] ^= 1;
        pair.B.HandleInput(new ReadOnlySequence<byte>(bytes.Memory), pair.Now);
        pair.Pump();
        Assert.Equal(["1: 0 01"], WireText.Of(pair.EventsOfB.Dequeue()), StringComparer.Ordinal);
        Assert.Equal(new LinkEvent.Failed(WireError.DecryptionFailed), pair.EventsOfB.Dequeue());
        Assert.Empty(pair.EventsOfB);
        bytes.Dispose();
    }

    [Fact]
    public void Messages_stay_readable_after_the_link_that_brought_them_is_gone()
    {
        using LinkPair pair = LinkPair.Connected();
        (ulong ofA, _) = pair.OpenBoth();
        byte[] payload = new byte[50_000];
        payload.AsSpan().Fill(0x5a);
        pair.A.Send(ofA, Batch(payload));
        pair.Pump();
        var arrived = (LinkEvent.MessagesArrived)pair.EventsOfB.Dequeue();
        pair.B.Dispose();
        Assert.Equal([$"1: 0 {WireText.Of(payload)}"], WireText.Of(arrived), StringComparer.Ordinal);
    }

    [Fact]
    public void A_link_that_is_ended_sends_what_it_has_and_nothing_more()
    {
        using LinkPair pair = LinkPair.Connected();
        (ulong ofA, _) = pair.OpenBoth();
        pair.A.Send(ofA, Batch([1]));
        pair.A.End();
        Assert.False(pair.A.HasSentAll);
        Assert.False(pair.A.Send(ofA, Batch([2])));
        Assert.False(pair.A.TryOpen(Foo, default, out _));
        pair.Pump();
        Assert.True(pair.A.HasSentAll);
        Assert.Equal(["1: 0 01"], WireText.Of(pair.EventsOfB.Dequeue()), StringComparer.Ordinal);
        Assert.Null(pair.A.Deadline);

        // Not even the answers to what still arrives.
        pair.B.TryOpen(Foo, default, out _);
        pair.Pump();
        pair.A.Reject(Assert.IsType<LinkEvent.ChannelRequested>(pair.EventsOfA.Dequeue()).RequestId);
        pair.A.Close(ofA);
        Assert.True(pair.A.HasSentAll);
        Assert.False(pair.A.TryPollTransmit(1000, pair.Now, out _));

        pair.B.HandleEnd();
        Assert.True(pair.B.TryPollEvent(out LinkEvent? e));
        Assert.IsType<LinkEvent.RemoteEnded>(e);
        Assert.True(pair.B.HasSentAll);
    }

    [Fact]
    public void The_owner_of_a_channel_may_fail_the_link_once()
    {
        using LinkPair pair = LinkPair.Connected();
        pair.A.Fail(WireError.ChannelProtocol);
        pair.A.Fail(WireError.ChannelProtocol);
        pair.Pump();
        Assert.Equal([new LinkEvent.Failed(WireError.ChannelProtocol)], pair.EventsOfA);
    }

    [Fact]
    public void A_silent_line_carries_a_keep_alive_every_five_seconds_and_nobody_hears_of_it()
    {
        using LinkPair pair = LinkPair.Connected();
        int sent = pair.SentByA.Count;
        for (int i = 1; i <= 3; i++)
        {
            pair.Now += TimeSpan.FromSeconds(5);
            Assert.True(pair.A.Deadline <= pair.Now);
            pair.A.HandleTimeout(pair.Now);
            pair.Pump();
            Assert.Equal(sent + (20 * i), pair.SentByA.Count);
        }

        Assert.Empty(pair.EventsOfA);
        Assert.Empty(pair.EventsOfB);
    }

    [Fact]
    public void A_thousand_channels_talk_at_once()
    {
        using LinkPair pair = LinkPair.Connected();
        var ofA = new List<ulong>();
        for (int i = 0; i < 1000; i++)
        {
            byte[] id = [(byte)i, (byte)(i >> 8)];
            Assert.True(pair.A.TryOpen(new ChannelSpec("many", id), default, out ulong channel));
            ofA.Add(channel);
            Assert.True(pair.B.TryOpen(new ChannelSpec("many", id), default, out _));
            pair.A.Send(channel, Batch(id));
        }

        pair.Pump();
        Assert.Equal(1000, pair.EventsOfA.OfType<LinkEvent.ChannelOpened>().Count());
        Assert.Equal(
            Enumerable.Range(0, 1000).Select(i => $"0 {i & 0xff:x2}{i >> 8:x2}"),
            pair.EventsOfB.OfType<LinkEvent.MessagesArrived>().SelectMany(WireText.Of).Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]),
            StringComparer.Ordinal);
        ofA.ForEach(pair.A.Close);
        pair.Pump();
        Assert.Equal(1000, pair.EventsOfB.OfType<LinkEvent.ChannelClosed>().Count());
    }

    [Fact]
    public void Carrying_a_message_allocates_next_to_nothing()
    {
        const int Count = 100_000;
        using LinkPair pair = LinkPair.Connected();
        (ulong ofA, _) = pair.OpenBoth();
        using var writer = new MessageBatchWriter();
        byte[] payload = new byte[100];
        long heard = 0;
        long least = long.MaxValue;

        // The first round warms the pool up, and whenever the process collects the pool lets go of buffers, which are then
        // made anew: what the link itself allocates is what a round costs in which neither happened.
        for (int round = 0; round < 8; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            heard = 0;
            for (int i = 0; i < Count; i += 1000)
            {
                for (int n = 0; n < 1000; n++)
                {
                    writer.Write(1, payload);
                }

                pair.A.Send(ofA, writer.Build()!);
                while (pair.A.TryPollTransmit(256 * 1024, pair.Now, out IMemoryOwner<byte>? bytes))
                {
                    pair.B.HandleInput(new ReadOnlySequence<byte>(bytes.Memory), pair.Now);
                    bytes.Dispose();
                }

                while (pair.B.TryPollEvent(out LinkEvent? e))
                {
                    using MessageBatch messages = ((LinkEvent.MessagesArrived)e).Messages;
                    foreach (Message message in messages)
                    {
                        heard += message.Type;
                    }
                }
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(Count, heard);
        Assert.InRange(least / (double)Count, 0, 2);
    }

    internal static MessageBatch Batch(params byte[][] payloads)
    {
        var writer = new MessageBatchWriter();
        foreach (byte[] payload in payloads)
        {
            writer.Write(0, payload);
        }

        return writer.Build()!;
    }
}
