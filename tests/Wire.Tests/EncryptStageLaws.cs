using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class EncryptStageLaws
{
    private static readonly TimeSpan Start = TimeSpan.FromHours(1);

    [Fact]
    public void Decryption_undoes_encryption() => Check.That<byte[][]>(messages =>
    {
        (EncryptStage a, EncryptStage b) = EncryptStageTests.Opened();
        return messages.All(message => StageLaws.Hear(
                b, new System.Buffers.ReadOnlySequence<byte>(EncryptStageTests.Encrypt(a, message)), WireText.Of)
            .SequenceEqual(message.Length == 0 ? [] : [WireText.Of(message)], StringComparer.Ordinal));
    });

    [Fact]
    public void No_bytes_make_it_throw_in_any_state()
    {
        StageLaws.Totality(New, WireText.Of, WireText.Failure, cases: 50);
        StageLaws.Totality(() => EncryptStageTests.GivenKeys().A, WireText.Of, WireText.Failure);
        StageLaws.Totality(() => EncryptStageTests.Opened().A, WireText.Of, WireText.Failure);
        StageLaws.TotalityNear(New, Transcript(), WireText.Of, cases: 100);
    }

    [Fact]
    public void How_a_message_lies_in_memory_makes_no_difference() =>
        StageLaws.Segmenting(New, Transcript(), WireText.Of, cases: 20);

    [Fact]
    public void Drained_stays_drained() => StageLaws.Quiet(New, Transcript(), WireText.Of);

    [Fact]
    public void Early_does_nothing_and_due_moves_the_deadline()
    {
        StageLaws.Timeout(New, WireText.Of, isTimed: true);
        StageLaws.Timeout(() => EncryptStageTests.Opened().A, WireText.Of, isTimed: true);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes() => StageLaws.Replay(random =>
    {
        var stage = new EncryptStage(new LinkOptions(), true, Keys(1), random, Start);
        return StageLaws.Transmit(stage, Start).Single();
    });

    // What an initiator sends to New().
    private static List<byte[]> Transcript()
    {
        EncryptStage responder = New();
        var initiator = new EncryptStage(new LinkOptions(), true, Keys(1), RandomSource.Seeded(3), Start);
        var sent = new List<byte[]>();
        while (!initiator.IsOpen)
        {
            Carry(initiator, responder, sent);
            Carry(responder, initiator, []);
        }

        foreach (int size in (int[])[1, 0, 100, 70_000])
        {
            sent.Add(EncryptStageTests.Encrypt(initiator, new byte[size]));
        }

        return sent;
    }

    private static void Carry(EncryptStage from, EncryptStage to, List<byte[]> log)
    {
        foreach (byte[] message in StageLaws.Transmit(from, Start))
        {
            log.Add(message);
            StageLaws.Hear(to, new System.Buffers.ReadOnlySequence<byte>(message), WireText.Of, Start);
        }
    }

    private static EncryptStage New() => new(new LinkOptions(), false, Keys(2), RandomSource.Seeded(2), Start);

    private static KeyPair Keys(byte seed) => KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray());
}
