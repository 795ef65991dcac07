using System.Buffers;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.TestKit;

/// <summary>What holds for every stage of a connection, whatever it carries.</summary>
/// <remarks>
/// Events are compared as lines of text, so that a stage may lend or own what it reports, and may report one thing at a
/// time or many together.
/// </remarks>
public static class StageLaws
{
    private static readonly TimeSpan Start = TimeSpan.FromHours(1);

    /// <summary>Says in lines what an event reports, and lets go of what it owns.</summary>
    public delegate IEnumerable<string> Describe<in TEvent>(TEvent stageEvent)
        where TEvent : allows ref struct;

    /// <summary>Inverse: what one stage sends, the other reports.</summary>
    /// <param name="create">A sender and a receiver that understand one another.</param>
    /// <param name="send">Gives a message to the sender.</param>
    /// <param name="expect">How the receiver will describe that message.</param>
    /// <param name="describe">Describes the receiver's events.</param>
    public static void Inverse<TStage, TEvent>(
        Func<(TStage Sender, TStage Receiver)> create,
        Action<TStage, byte[]> send,
        Func<byte[], string> expect,
        Describe<TEvent> describe)
        where TStage : IStage<TEvent>
        where TEvent : allows ref struct => Check.That<byte[][]>(messages =>
    {
        (TStage sender, TStage receiver) = create();
        var heard = new List<string>();
        foreach (byte[] message in messages)
        {
            send(sender, message);
            foreach (byte[] bytes in Transmit(sender, Start))
            {
                heard.AddRange(Hear(receiver, new ReadOnlySequence<byte>(bytes), describe));
            }
        }

        return heard.SequenceEqual(messages.Select(expect), StringComparer.Ordinal);
    });

    /// <summary>Totality: no bytes at no time make it throw, and a stage that reported a failure reports nothing more.</summary>
    public static void Totality<TEvent>(Func<IStage<TEvent>> create, Describe<TEvent> describe, string failure, int cases = 300)
        where TEvent : allows ref struct => Check.That<byte[][], int>(
            (inputs, pause) =>
            {
                IStage<TEvent> stage = create();
                TimeSpan now = Start;
                bool failed = false;
                foreach (byte[] input in inputs)
                {
                    List<string> lines = [.. Hear(stage, new ReadOnlySequence<byte>(input), describe, now)];
                    if (failed && lines.Count > 0)
                    {
                        return false;
                    }

                    failed |= lines.Exists(line => line.StartsWith(failure, StringComparison.Ordinal));
                    _ = Transmit(stage, now).Count();
                    if (failed && (stage.Deadline is not null || Transmit(stage, now).Any()))
                    {
                        return false;
                    }

                    now += TimeSpan.FromMilliseconds(Math.Abs((long)pause) % 3000);
                    stage.HandleTimeout(now);
                    lines = [.. Poll(stage, describe)];
                    if (failed && lines.Count > 0)
                    {
                        return false;
                    }

                    failed |= lines.Exists(line => line.StartsWith(failure, StringComparison.Ordinal));
                }

                return true;
            },
            cases);

    /// <summary>Totality near the truth: a good input with a few bytes changed, cut or repeated makes it throw neither.</summary>
    public static void TotalityNear<TEvent>(
        Func<IStage<TEvent>> create, IReadOnlyList<byte[]> good, Describe<TEvent> describe, int cases = 300)
        where TEvent : allows ref struct => Check.That<uint, uint>(
            (seed, more) =>
            {
                RandomSource random = RandomSource.Seeded(((ulong)more << 32) | seed);
                IStage<TEvent> stage = create();
                int changed = random.NextInt32(good.Count);
                for (int i = 0; i < good.Count; i++)
                {
                    byte[] input = [.. good[i]];
                    if (i >= changed && input.Length > 0)
                    {
                        input[random.NextInt32(input.Length)] = (byte)random.NextInt32(256);
                        input = random.NextInt32(4) == 0 ? input[..random.NextInt32(input.Length + 1)] : input;
                    }

                    _ = Hear(stage, new ReadOnlySequence<byte>(input), describe).Count();
                    _ = Transmit(stage, Start).Count();
                }

                return true;
            },
            cases);

    /// <summary>Chunking: a stream in any pieces gives the same events and the same answers.</summary>
    public static void Chunking<TEvent>(Func<IStage<TEvent>> create, byte[] stream, Describe<TEvent> describe, int cases = 50)
        where TEvent : allows ref struct
    {
        List<string> whole = Run([stream]);
        Assert.NotEmpty(whole);
        Check.That<uint, byte>(
            (seed, size) =>
            {
                RandomSource random = RandomSource.Seeded(seed);
                return Run(Sequences.Cut(stream, random, 1 + (size * size))).SequenceEqual(whole, StringComparer.Ordinal);
            },
            cases);

        List<string> Run(List<byte[]> pieces)
        {
            IStage<TEvent> stage = create();
            var lines = new List<string>();
            var answers = new List<byte>();
            foreach (byte[] piece in pieces)
            {
                lines.AddRange(Hear(stage, new ReadOnlySequence<byte>(piece), describe));
            }

            foreach (byte[] bytes in Transmit(stage, Start))
            {
                answers.AddRange(bytes);
            }

            return [.. lines, Convert.ToHexString([.. answers])];
        }
    }

    /// <summary>Chunking for a stage of messages: how one lies in memory makes no difference.</summary>
    public static void Segmenting<TEvent>(
        Func<IStage<TEvent>> create, IReadOnlyList<byte[]> messages, Describe<TEvent> describe, int cases = 50)
        where TEvent : allows ref struct
    {
        List<string> whole = Run(message => new ReadOnlySequence<byte>(message));
        Assert.NotEmpty(whole);
        Check.That<uint, byte>(
            (seed, size) =>
            {
                RandomSource random = RandomSource.Seeded(seed);
                return Run(message => Sequences.Of(Sequences.Cut(message, random, 1 + size)))
                    .SequenceEqual(whole, StringComparer.Ordinal);
            },
            cases);

        List<string> Run(Func<byte[], ReadOnlySequence<byte>> lay)
        {
            IStage<TEvent> stage = create();
            var lines = new List<string>();
            foreach (byte[] message in messages)
            {
                lines.AddRange(Hear(stage, lay(message), describe));
                lines.AddRange(Transmit(stage, Start).Select(Convert.ToHexString));
            }

            return lines;
        }
    }

    /// <summary>Quiet: a drained stage stays drained until something happens.</summary>
    public static void Quiet<TEvent>(Func<IStage<TEvent>> create, IReadOnlyList<byte[]> inputs, Describe<TEvent> describe)
        where TEvent : allows ref struct
    {
        IStage<TEvent> stage = create();
        AssertQuiet();
        foreach (byte[] input in inputs)
        {
            _ = Hear(stage, new ReadOnlySequence<byte>(input), describe).Count();
            AssertQuiet();
        }

        void AssertQuiet()
        {
            _ = Poll(stage, describe).Count();
            _ = Transmit(stage, Start).Count();
            for (int i = 0; i < 3; i++)
            {
                Assert.Empty(Poll(stage, describe));
                Assert.Empty(Transmit(stage, Start));
            }
        }
    }

    /// <summary>Timeout: early does nothing, on time moves the deadline; a stage that is never late has none.</summary>
    public static void Timeout<TEvent>(Func<IStage<TEvent>> create, Describe<TEvent> describe, bool isTimed)
        where TEvent : allows ref struct
    {
        IStage<TEvent> stage = create();
        _ = Poll(stage, describe).Count();
        _ = Transmit(stage, Start).Count();
        Assert.Equal(isTimed, stage.Deadline is not null);
        for (int i = 0; i < 10 && stage.Deadline is { } deadline; i++)
        {
            stage.HandleTimeout(deadline - TimeSpan.FromTicks(1));
            Assert.Equal(deadline, stage.Deadline);
            Assert.Empty(Poll(stage, describe));
            Assert.Empty(Transmit(stage, deadline - TimeSpan.FromTicks(1)));

            stage.HandleTimeout(deadline);
            Assert.NotEqual(deadline, stage.Deadline);
            _ = Poll(stage, describe).Count();
            _ = Transmit(stage, deadline).Count();
            Assert.True(stage.Deadline is null || stage.Deadline > deadline);
        }
    }

    /// <summary>Replay: the same seed gives the same bytes, another seed others.</summary>
    public static void Replay(Func<RandomSource, byte[]> run) => Check.That<uint>(
        seed => run(RandomSource.Seeded(seed)).SequenceEqual(run(RandomSource.Seeded(seed)))
            && !run(RandomSource.Seeded(seed)).SequenceEqual(run(RandomSource.Seeded(seed + 1UL))),
        cases: 10);

    /// <summary>Gives a stage its input and drains its events.</summary>
    public static IEnumerable<string> Hear<TEvent>(
        IStage<TEvent> stage, ReadOnlySequence<byte> input, Describe<TEvent> describe, TimeSpan? now = null)
        where TEvent : allows ref struct
    {
        stage.HandleInput(input, now ?? Start);
        return Poll(stage, describe);
    }

    /// <summary>Drains the events of a stage, told in lines.</summary>
    public static List<string> Poll<TEvent>(IStage<TEvent> stage, Describe<TEvent> describe)
        where TEvent : allows ref struct
    {
        var lines = new List<string>();
        while (stage.TryPollEvent(out TEvent? stageEvent))
        {
            lines.AddRange(describe(stageEvent));
        }

        return lines;
    }

    /// <summary>Drains the bytes of a stage, one array for each time that it wrote.</summary>
    public static List<byte[]> Transmit<TEvent>(IStage<TEvent> stage, TimeSpan now)
        where TEvent : allows ref struct
    {
        var written = new List<byte[]>();
        var output = new ArrayBufferWriter<byte>();
        while (stage.TryPollTransmit(output, now))
        {
            written.Add(output.WrittenSpan.ToArray());
            output.ResetWrittenCount();
        }

        return written;
    }
}
