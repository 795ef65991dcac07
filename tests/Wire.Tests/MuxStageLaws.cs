using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class MuxStageLaws
{
    private static readonly List<byte[]> Session =
    [
        .. new[]
        {
            "00010103666f6f00",
            "0100aa",
            "00010203626172200707070707070707070707070707070707070707070707070707070707070707aabb",
            "000001020011020122000203ff00aa",
            "000302",
            "0000000501036261780003626172",
            "0101",
            "000301",
        }.Select(Convert.FromHexString),
    ];

    [Fact]
    public void What_one_sends_the_other_hears() => StageLaws.Inverse<MuxStage, LinkEvent>(
        () => Pair(),
        (mux, payload) =>
        {
            var writer = new MessageBatchWriter();
            writer.Write(3, payload);
            mux.Send(1, writer.Build()!);
        },
        payload => $"1: 3 {WireText.Of(payload)}",
        WireText.Of);

    [Fact]
    public void Batches_of_any_sizes_arrive_as_they_were_written() => Check.That<uint>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            (MuxStage a, MuxStage b) = Pair();
            var writer = new MessageBatchWriter(frameSize: 1 << (8 + random.NextInt32(9)), initialSize: 64);
            var written = new List<string>();
            var heard = new List<string>();
            for (int i = 0; i < 10; i++)
            {
                for (int n = random.NextInt32(20); n > 0; n--)
                {
                    byte[] payload = new byte[random.NextInt32(1 << random.NextInt32(17))];
                    random.Fill(payload);
                    Write(writer, (uint)random.NextInt32(300), payload, random);
                    written.Add(WireText.Of(payload));
                }

                if (writer.Build() is { } batch)
                {
                    a.Send(1, batch);
                }

                foreach (byte[] frame in StageLaws.Transmit(a, TimeSpan.Zero))
                {
                    heard.AddRange(StageLaws.Hear(b, new System.Buffers.ReadOnlySequence<byte>(frame), WireText.Of));
                }
            }

            return heard.Select(line => line[(line.LastIndexOf(' ') + 1)..]).SequenceEqual(written, StringComparer.Ordinal);
        },
        cases: 60);

    [Fact]
    public void No_bytes_make_it_throw()
    {
        StageLaws.Totality(New, WireText.Of, WireText.Failure, cases: 1000);
        StageLaws.Totality(() => MuxStageTests.Opened().Mux, WireText.Of, WireText.Failure, cases: 1000);
        StageLaws.TotalityNear(New, Session, WireText.Of, cases: 2000);
    }

    [Fact]
    public void How_a_message_lies_in_memory_makes_no_difference() => StageLaws.Segmenting(New, Session, WireText.Of);

    [Fact]
    public void Drained_stays_drained() => StageLaws.Quiet(New, Session, WireText.Of);

    [Fact]
    public void It_is_never_late() => StageLaws.Timeout(New, WireText.Of, isTimed: false);

    private static MuxStage New() => new(new LinkOptions());

    private static (MuxStage A, MuxStage B) Pair() => (MuxStageTests.Opened().Mux, MuxStageTests.Opened().Mux);

    // With a good guess of the size, a bad one or none, and in one piece or several.
    private static void Write(MessageBatchWriter writer, uint type, byte[] payload, RandomSource random)
    {
        int hint = random.NextInt32(3) switch { 0 => payload.Length, 1 => 0, _ => random.NextInt32(70_000) };
        writer.BeginMessage(type, hint);
        foreach (byte[] piece in Sequences.Cut(payload, random, 10_000))
        {
            piece.CopyTo(writer.GetSpan(piece.Length));
            writer.Advance(piece.Length);
        }

        writer.EndMessage();
    }
}
