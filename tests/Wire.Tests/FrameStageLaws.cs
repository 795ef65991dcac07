using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class FrameStageLaws
{
    private static readonly byte[] Stream = MakeStream();

    [Fact]
    public void Decode_undoes_encode() => StageLaws.Inverse<FrameStage, FrameEvent>(
        () => (New(), New()), (stage, body) => stage.Send(body), body => WireText.Of(body), WireText.Of);

    [Fact]
    public void No_bytes_make_it_throw()
    {
        StageLaws.Totality(New, WireText.Of, WireText.Failure);
        StageLaws.TotalityNear(New, [Stream, Stream], WireText.Of, cases: 100);
    }

    [Fact]
    public void Any_pieces_give_the_same_frames() => StageLaws.Chunking(New, Stream, WireText.Of);

    [Fact]
    public void Any_segments_give_the_same_frames() => StageLaws.Segmenting(New, [Stream, Stream], WireText.Of);

    [Fact]
    public void Drained_stays_drained() => StageLaws.Quiet(New, [Stream, [1, 0], Stream], WireText.Of);

    [Fact]
    public void It_is_never_late() => StageLaws.Timeout(New, WireText.Of, isTimed: false);

    private static FrameStage New() => new(200_000);

    private static byte[] MakeStream()
    {
        RandomSource random = RandomSource.Seeded(7);
        var stage = New();
        foreach (int size in (int[])[0, 1, 5, 0, 300, 65_536, 2, 100_000, 7, 199_999])
        {
            byte[] body = new byte[size];
            random.Fill(body);
            stage.Send(body);
        }

        return StageLaws.Transmit(stage, TimeSpan.Zero).Single();
    }
}
