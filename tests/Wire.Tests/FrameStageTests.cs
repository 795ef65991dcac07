using System.Buffers;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class FrameStageTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);

    [Fact]
    public void A_frame_that_arrives_whole_is_lent_as_it_lies_in_the_input()
    {
        byte[] input = [2, 0, 0, 7, 8, 1, 0, 0, 9];
        var stage = new FrameStage(100);
        stage.HandleInput(new ReadOnlySequence<byte>(input), Now);

        Assert.True(stage.TryPollEvent(out FrameEvent first));
        Assert.True(first.Body == input.AsSpan(3, 2));
        Assert.True(stage.TryPollEvent(out FrameEvent second));
        Assert.True(second.Body == input.AsSpan(8, 1));
        Assert.False(stage.TryPollEvent(out _));
    }

    [Fact]
    public void A_header_that_promises_too_much_is_refused_before_its_body_arrives()
    {
        var stage = new FrameStage(100);
        Assert.Equal(["failed FrameTooLarge"], Hear(stage, [101, 0, 0]));
        Assert.Empty(Hear(stage, [1, 0, 0, 5]));
    }

    [Fact]
    public void A_header_in_pieces_that_promises_too_much_is_refused_at_its_last_byte()
    {
        var stage = new FrameStage(100);
        Assert.Empty(Hear(stage, [0]));
        Assert.Empty(Hear(stage, [0]));
        Assert.Equal(["failed FrameTooLarge"], Hear(stage, [1]));
    }

    [Fact]
    public void A_frame_of_the_largest_size_is_accepted_and_one_byte_more_is_not()
    {
        Assert.Equal([new string('0', 200)], Hear(new FrameStage(100), [100, 0, 0, .. new byte[100]]));
        Assert.Equal(["failed FrameTooLarge"], Hear(new FrameStage(100), [101, 0, 0, .. new byte[101]]));
    }

    [Fact]
    public void Three_bytes_do_not_make_it_hold_sixteen_megabytes()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var stage = new FrameStage(LinkOptions.LargestFrame);
        Assert.Empty(Hear(stage, [0xff, 0xff, 0xff]));
        Assert.Empty(Hear(stage, new byte[100]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 128 * 1024);
    }

    [Fact]
    public void An_empty_frame_is_a_frame() => Assert.Equal([string.Empty, "05"], Hear(new FrameStage(100), [0, 0, 0, 1, 0, 0, 5]));

    [Fact]
    public void What_is_measured_as_whole_leaves_out_the_piece_at_the_end()
    {
        var stage = new FrameStage(100);
        stage.HandleInput(new ReadOnlySequence<byte>([1, 0, 0, 9, 2, 0, 0, 7, 8, 9, 0, 0, 1]), Now);
        Assert.True(stage.TryPollEvent(out _));
        Assert.Equal(2, stage.MeasureWhole());
    }

    private static List<string> Hear(FrameStage stage, byte[] input) =>
        [.. StageLaws.Hear(stage, new ReadOnlySequence<byte>(input), WireText.Of)];
}
