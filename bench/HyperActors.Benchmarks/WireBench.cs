using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Benchmarks;

/// <summary>How fast does one core carry messages from one link to another, encryption and decryption included?</summary>
/// <remarks>
/// Everything is in memory: written into a batch, encrypted where it lies, handed over as owned bytes, decrypted once,
/// read out of the batch that the receiver is given. The baseline is the cipher alone over the same bytes.
/// </remarks>
public static class WireBench
{
    private const int BatchBytes = 256 * 1024;

    public static int Run(string[] args)
    {
        double seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 2;
        Console.WriteLine("message      messages/s     MB/s   bytes allocated/message   cipher alone MB/s");
        foreach (int size in (int[])[16, 1024, 64 * 1024])
        {
            Measure(size, TimeSpan.FromSeconds(seconds / 10)); // compiled and tiered before it counts
            Report(size, Measure(size, TimeSpan.FromSeconds(seconds)), MeasureCipher(size, TimeSpan.FromSeconds(seconds / 2)));
        }

        return 0;
    }

    private static void Report(int size, (double Rate, double Allocated) link, double cipher) => Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{size,7} B {link.Rate,14:N0} {link.Rate * size / 1e6,8:N0} {link.Allocated,25:N1} {cipher / 1e6,19:N0}"));

    private static (double Rate, double Allocated) Measure(int size, TimeSpan duration)
    {
        using KeyPair keysOfA = KeyPair.Generate(RandomSource.System);
        using KeyPair keysOfB = KeyPair.Generate(RandomSource.System);
        using var a = new Link(new LinkOptions(), isInitiator: true, keysOfA, RandomSource.System, TimeSpan.Zero);
        using var b = new Link(new LinkOptions(), isInitiator: false, keysOfB, RandomSource.System, TimeSpan.Zero);
        var spec = new ChannelSpec("bench", ReadOnlyMemory<byte>.Empty);
        a.TryOpen(spec, default, out ulong channel);
        b.TryOpen(spec, default, out _);
        for (int i = 0; i < 3; i++)
        {
            Carry(a, b);
            Carry(b, a);
        }

        using var writer = new MessageBatchWriter(initialSize: MessageBatchWriter.DefaultFrameSize);
        byte[] payload = new byte[size];
        RandomSource.System.Fill(payload);
        int perBatch = Math.Max(1, BatchBytes / Math.Max(size, 64));
        long messages = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            for (int i = 0; i < perBatch; i++)
            {
                writer.BeginMessage(3, size);
                payload.CopyTo(writer.GetSpan(size));
                writer.Advance(size);
                writer.EndMessage();
            }

            a.Send(channel, writer.Build()!);
            messages += Carry(a, b);
        }

        double elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return (messages / elapsed, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)messages);
    }

    private static long Carry(Link from, Link to)
    {
        long messages = 0;
        while (from.TryPollTransmit(BatchBytes, TimeSpan.Zero, out IMemoryOwner<byte>? bytes))
        {
            using (bytes)
            {
                to.HandleInput(new ReadOnlySequence<byte>(bytes.Memory), TimeSpan.Zero);
            }

            while (to.TryPollEvent(out LinkEvent? e))
            {
                if (e is LinkEvent.MessagesArrived arrived)
                {
                    foreach (Message message in arrived.Messages)
                    {
                        messages += message.Type == 3 ? 1 : 0;
                    }

                    arrived.Messages.Dispose();
                }
            }
        }

        return messages;
    }

    private static double MeasureCipher(int size, TimeSpan duration)
    {
        byte[] key = new byte[SecretStream.KeySize];
        byte[] header = new byte[SecretStream.HeaderSize];
        using var push = new SecretStreamPush(key, header);
        using var pull = new SecretStreamPull(key, header);
        byte[] plaintext = new byte[Math.Max(size, MessageBatchWriter.DefaultFrameSize)];
        byte[] ciphertext = new byte[plaintext.Length + SecretStream.Overhead];
        long bytes = 0;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            push.Push(plaintext, ciphertext);
            pull.TryPull(ciphertext, plaintext);
            bytes += plaintext.Length;
        }

        return bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
