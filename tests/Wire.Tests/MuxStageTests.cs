using System.Buffers;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class MuxStageTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);

    private static readonly ChannelSpec Foo = new("foo", ReadOnlyMemory<byte>.Empty);

    [Theory]
    [InlineData("00", WireError.MalformedMessage)] // a channel id and no type
    [InlineData("fd01", WireError.MalformedMessage)] // half an integer
    [InlineData("ffffffffffffffffff00", WireError.MalformedMessage)] // above 2^53
    [InlineData("0001", WireError.InvalidOpen)] // an open without fields
    [InlineData("00010003666f6f00", WireError.InvalidOpen)] // id 0
    [InlineData("00010203666f6f00", WireError.InvalidOpen)] // skips id 1
    [InlineData("00010105666f6f00", WireError.InvalidOpen)] // a name longer than the frame
    [InlineData("000201", WireError.InvalidReject)] // nothing waits
    [InlineData("000200", WireError.InvalidReject)]
    [InlineData("0002ffffffffffffff1f00", WireError.InvalidReject)]
    [InlineData("0003", WireError.MalformedMessage)] // a close without an id
    [InlineData("0000", WireError.MalformedBatch)] // a batch without a channel
    [InlineData("00000105000102", WireError.MalformedBatch)] // an item longer than the batch
    [InlineData("0000000400000101", WireError.MalformedBatch)] // a batch in a batch
    [InlineData("00000100", WireError.MalformedBatch)] // a switch to nowhere
    public void Nonsense_fails_the_stage_once_and_leaves_it_deaf(string frame, WireError error)
    {
        var mux = new MuxStage(new LinkOptions());
        Assert.Equal([$"failed {error}"], Hear(mux, frame), StringComparer.Ordinal);
        Assert.Empty(Hear(mux, "00010103666f6f00"));
        Assert.False(mux.TryOpen(Foo, default, out _));
        Assert.Empty(StageLaws.Transmit(mux, Now));
    }

    [Theory]
    [InlineData("0100")] // a message for a channel that is not open
    [InlineData("000309")] // a close for a channel that is not open
    [InlineData("000300")] // a close of the control channel
    [InlineData("0007aabb")] // a control type of the future
    [InlineData("000001")] // a batch of nothing
    [InlineData("0000010002")] // a batch of a switch
    [InlineData("")]
    public void What_upstream_ignores_is_ignored(string frame)
    {
        var mux = new MuxStage(new LinkOptions());
        Assert.Empty(Hear(mux, frame));
        Assert.Empty(StageLaws.Transmit(mux, Now));
        Assert.True(mux.TryOpen(Foo, default, out _));
    }

    [Fact]
    public void An_open_whose_id_is_taken_is_refused()
    {
        var mux = new MuxStage(new LinkOptions());
        Assert.Equal(["requested 1 foo "], Hear(mux, "00010103666f6f00"));
        Assert.Equal(["failed InvalidOpen"], Hear(mux, "0001010362617200"));
    }

    [Fact]
    public void A_reject_for_a_channel_that_is_paired_fails()
    {
        (MuxStage mux, _) = Opened();
        Assert.Equal(["failed InvalidReject"], Hear(mux, "000201"));
    }

    [Fact]
    public void Items_of_a_batch_reach_their_channels_in_one_event_each()
    {
        (MuxStage mux, ulong one) = Opened();
        Assert.Empty(Hear(mux, "0000" + "01" + "020011" + "020122" + "00" + "09" + "0133" + "00" + "01" + "0144")
            .Except([$"{one}: 0 11", $"{one}: 1 22", $"{one}: 68 "], StringComparer.Ordinal));
    }

    [Fact]
    public void Opens_and_messages_for_them_may_come_in_one_batch()
    {
        var mux = new MuxStage(new LinkOptions());
        string open = "08" + "01" + "01" + "03666f6f" + "00" + "aa";
        Assert.Equal(["requested 1 foo "], Hear(mux, "0000" + "00" + open + "00" + "01" + "020577"));
        Assert.True(mux.TryOpen(Foo, default, out ulong channel));
        Assert.Equal([$"opened {channel} aa", $"{channel}: 5 77"], StageLaws.Poll(mux, WireText.Of), StringComparer.Ordinal);
    }

    [Fact]
    public void A_close_in_a_batch_comes_after_the_messages_before_it()
    {
        (MuxStage mux, ulong one) = Opened();
        Assert.Equal(
            [$"{one}: 0 11", $"ChannelClosed {{ ChannelId = {one}, WasRejected = False }}"],
            Hear(mux, "0000" + "01" + "020011" + "00" + "00" + "020301" + "00" + "01" + "020022"),
            StringComparer.Ordinal);
        Assert.Empty(StageLaws.Transmit(mux, Now));
    }

    [Fact]
    public void A_close_is_never_answered_with_a_close_and_both_ids_are_free()
    {
        (MuxStage mux, _) = Opened();
        Assert.Single(Hear(mux, "000301"));
        Assert.Empty(StageLaws.Transmit(mux, Now));
        Assert.Equal(["requested 1 bar "], Hear(mux, "0001010362617200"));
        Assert.True(mux.TryOpen(new ChannelSpec("bar", default), default, out _));
        Assert.Equal("0001010362617200", Transmit(mux));
    }

    [Fact]
    public void A_request_that_is_closed_before_we_answer_is_withdrawn_and_rejected()
    {
        var mux = new MuxStage(new LinkOptions());
        Hear(mux, "00010103666f6f00");
        Hear(mux, "0100aa");
        Assert.Equal(["RequestWithdrawn { RequestId = 1 }"], Hear(mux, "000301"));
        Assert.Equal("000201", Transmit(mux));
        mux.Reject(1);
        Assert.Empty(StageLaws.Transmit(mux, Now));
        Assert.False(mux.IsReadingPaused);
    }

    [Fact]
    public void Reading_pauses_while_too_much_waits_for_an_answer_and_goes_on_after_it()
    {
        foreach (bool accept in (bool[])[true, false])
        {
            var mux = new MuxStage(new LinkOptions());
            Hear(mux, "00010103666f6f00");
            int messages = 0;
            while (!mux.IsReadingPaused)
            {
                Hear(mux, "0100" + new string('0', 200));
                messages++;
            }

            Assert.Equal((32_768 / (512 + 101)) + 1, messages);
            if (accept)
            {
                Assert.True(mux.TryOpen(Foo, default, out _));
                Assert.Equal(messages, StageLaws.Poll(mux, WireText.Of).Count - 1);
            }
            else
            {
                mux.Reject(1);
            }

            Assert.False(mux.IsReadingPaused);
        }
    }

    [Fact]
    public void Opens_that_carry_much_pause_reading_too()
    {
        var mux = new MuxStage(new LinkOptions());
        Hear(mux, "00010103666f6f00" + new string('0', 66_000));
        Assert.True(mux.IsReadingPaused);
        mux.Reject(1);
        Assert.False(mux.IsReadingPaused);
    }

    [Fact]
    public void An_open_beyond_the_bound_is_rejected_and_the_connection_stays()
    {
        var mux = new MuxStage(new LinkOptions { MaxChannels = 2 });
        Assert.Single(Hear(mux, "0001010361616100"));
        Assert.Single(Hear(mux, "0001020362626200"));
        Assert.Empty(Hear(mux, "0001030363636300"));
        Assert.Equal("000203", Transmit(mux));
        Assert.Equal(1, mux.RefusedOpens);
        mux.Reject(1);
        _ = Transmit(mux);
        Assert.Equal(["requested 3 ddd "], Hear(mux, "0001030364646400"));
    }

    [Fact]
    public void A_peer_that_asks_and_never_listens_is_not_read_any_more()
    {
        var mux = new MuxStage(new LinkOptions { MaxChannels = 1, MaxQueuedControlBytes = 1000 });
        Hear(mux, "0001010361616100");
        for (int i = 0; i < 100 && !mux.IsReadingPaused; i++)
        {
            Hear(mux, "0001020361616100");
        }

        Assert.True(mux.IsReadingPaused);
        _ = StageLaws.Transmit(mux, Now);
        Assert.False(mux.IsReadingPaused);
    }

    [Fact]
    public void A_unique_channel_is_opened_once_at_a_time()
    {
        var mux = new MuxStage(new LinkOptions());
        Assert.True(mux.TryOpen(Foo, default, out ulong first));
        Assert.False(mux.TryOpen(Foo, default, out _));
        Assert.True(mux.TryOpen(Foo with { IsUnique = false }, default, out _));
        mux.Close(first);
        Assert.False(mux.TryOpen(Foo, default, out _));
    }

    [Fact]
    public void We_open_no_more_channels_than_the_bound_and_those_the_peer_never_answered_count()
    {
        var mux = new MuxStage(new LinkOptions { MaxChannels = 2 });
        Assert.True(mux.TryOpen(Foo, default, out ulong first));
        Assert.True(mux.TryOpen(new ChannelSpec("bar", default), default, out _));
        mux.Close(first);
        Assert.False(mux.TryOpen(new ChannelSpec("baz", default), default, out _));
        Hear(mux, "000201");
        Assert.True(mux.TryOpen(new ChannelSpec("baz", default), default, out _));
    }

    [Fact]
    public void A_request_under_an_alias_that_came_first_pairs_too()
    {
        var mux = new MuxStage(new LinkOptions());
        Assert.Equal(["requested 1 old "], Hear(mux, "000101036f6c6400"));
        Assert.True(mux.TryOpen(new ChannelSpec("new", default) { Aliases = ["old"] }, default, out ulong channel));
        Assert.Equal([$"opened {channel} "], StageLaws.Poll(mux, WireText.Of), StringComparer.Ordinal);
        Assert.Equal("000101036e657700", Transmit(mux));
    }

    [Fact]
    public void Messages_for_a_channel_that_is_closed_are_disposed_and_not_sent()
    {
        (MuxStage mux, ulong one) = Opened();
        mux.Close(one);
        _ = Transmit(mux);
        MessageBatch batch = Batch(1);
        Assert.False(mux.Send(one, batch));
        Assert.Throws<ObjectDisposedException>(() => batch.GetEnumerator());
        Assert.Empty(StageLaws.Transmit(mux, Now));
    }

    [Fact]
    public void A_peer_that_does_not_read_fails_when_too_much_waits_for_it()
    {
        var mux = new MuxStage(new LinkOptions { MaxQueuedBytes = 200_000 });
        mux.TryOpen(Foo, default, out ulong channel);
        Assert.True(mux.Send(channel, Batch(100_000)));
        Assert.InRange(mux.QueuedBytes, 100_000, 100_200);
        Assert.False(mux.Send(channel, Batch(100_000)));
        Assert.Equal(["failed SendQueueOverflow"], StageLaws.Poll(mux, WireText.Of));
        Assert.Equal(0, mux.QueuedBytes);
    }

    [Fact]
    public void A_deep_nest_of_batches_does_not_overflow_the_stack()
    {
        byte[] frame = new byte[1_000_000];
        Assert.Single(StageLaws.Hear(new MuxStage(new LinkOptions()), new ReadOnlySequence<byte>(frame), WireText.Of));
    }

    internal static (MuxStage Mux, ulong Channel) Opened()
    {
        var mux = new MuxStage(new LinkOptions());
        Assert.True(mux.TryOpen(Foo, default, out ulong channel));
        Assert.Equal("00010103666f6f00", Transmit(mux));
        Assert.Equal([$"opened {channel} "], Hear(mux, "00010103666f6f00"), StringComparer.Ordinal);
        return (mux, channel);
    }

    private static MessageBatch Batch(int size)
    {
        var writer = new MessageBatchWriter();
        writer.Write(0, new byte[size]);
        return writer.Build()!;
    }

    private static List<string> Hear(MuxStage mux, string frame) =>
        [.. StageLaws.Hear(mux, new ReadOnlySequence<byte>(Convert.FromHexString(frame)), WireText.Of)];

    private static string Transmit(MuxStage mux) =>
        Convert.ToHexStringLower(Assert.Single(StageLaws.Transmit(mux, Now)));
}
