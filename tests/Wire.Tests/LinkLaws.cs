using System.Buffers;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class LinkLaws
{
    private static readonly TimeSpan Start = TimeSpan.FromHours(1);

    private static readonly byte[] StreamToB = MakeStream();

    [Fact]
    public void What_one_sends_the_other_hears() => Check.That<byte[][]>(
        payloads =>
        {
            using LinkPair pair = LinkPair.Connected();
            (ulong ofA, ulong ofB) = pair.OpenBoth();
            foreach (byte[] payload in payloads)
            {
                pair.A.Send(ofA, LinkTests.Batch(payload));
            }

            pair.Pump();
            return pair.EventsOfB.SelectMany(WireText.Of)
                .SequenceEqual(payloads.Select(payload => $"{ofB}: 0 {WireText.Of(payload)}"), StringComparer.Ordinal);
        },
        cases: 50);

    [Fact]
    public void No_bytes_make_it_throw()
    {
        StageLaws.Totality(NewB, WireText.Of, WireText.Failure, cases: 100);
        StageLaws.TotalityNear(NewB, Sequences.Cut(StreamToB, RandomSource.Seeded(1), 3000), WireText.Of, cases: 100);
    }

    [Fact]
    public void Any_pieces_give_the_same_events() => StageLaws.Chunking(NewB, StreamToB, WireText.Of, cases: 20);

    [Fact]
    public void Any_segments_give_the_same_events() => StageLaws.Segmenting(NewB, [StreamToB], WireText.Of, cases: 20);

    [Fact]
    public void Drained_stays_drained() =>
        StageLaws.Quiet(NewB, Sequences.Cut(StreamToB, RandomSource.Seeded(2), 5000), WireText.Of);

    [Fact]
    public void Early_does_nothing_and_due_moves_the_deadline()
    {
        StageLaws.Timeout(NewB, WireText.Of, isTimed: true);
        StageLaws.Timeout(() => LinkPair.Connected().A, WireText.Of, isTimed: true);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes() => StageLaws.Replay(random =>
    {
        using var pair = new LinkPair(seed: random.NextUInt64());
        pair.Pump();
        return [.. pair.SentByA, .. pair.SentByB];
    });

    private static Link NewB() => new(
        new LinkOptions(), isInitiator: false, Keys(2), new FixedRandom(Seed(4), new byte[24]), Start);

    // All that an initiator says to NewB(): the answers of any two such links are the same.
    private static byte[] MakeStream()
    {
        using var a = new Link(new LinkOptions(), isInitiator: true, Keys(1), new FixedRandom(Seed(3), new byte[24]), Start);
        using Link b = NewB();
        var toB = new ArrayBufferWriter<byte>();
        Assert.True(a.TryOpen(new ChannelSpec("foo", default), "hand"u8, out ulong channel));
        for (int i = 0; i < 4; i++)
        {
            Carry(a, b, toB);
            Carry(b, a, new ArrayBufferWriter<byte>());
        }

        foreach (int size in (int[])[0, 1, 300, 70_000, 5])
        {
            a.Send(channel, LinkTests.Batch(new byte[size], [1], [2]));
        }

        a.TryOpen(new ChannelSpec("bar", default), default, out ulong other);
        a.Close(other);
        Carry(a, b, toB);
        return toB.WrittenSpan.ToArray();
    }

    private static void Carry(Link from, Link to, ArrayBufferWriter<byte> log)
    {
        foreach (byte[] bytes in StageLaws.Transmit(from, Start))
        {
            log.Write(bytes);
            StageLaws.Hear(to, new ReadOnlySequence<byte>(bytes), WireText.Of, Start);
        }
    }

    private static KeyPair Keys(byte seed) => KeyPair.FromSeed(Seed(seed));

    private static byte[] Seed(byte seed) => [.. Enumerable.Repeat(seed, 32)];
}
