using FsCheck.Fluent;
using HyperActors.Crypto;
using HyperActors.TestKit;
using static HyperActors.Udx.Tests.Packets;

namespace HyperActors.Udx.Tests;

/// <summary>What holds whatever a peer sends.</summary>
public sealed class UdxStreamLaws
{
    private const int Megabyte = 1024 * 1024;

    private static readonly UdxOptions _small = new()
    {
        ReceiveWindow = 64 * 1024,
        MaxReorderDistance = 256,
        MaxReorderRuns = 64,
        MaxSendBuffer = 128 * 1024,
        MaxUnackedPackets = 200,
    };

    [Fact]
    public void Decode_undoes_encode() => Check.That<byte, byte, uint>((flags, offset, number) =>
    {
        var header = new PacketHeader((PacketFlags)flags, offset, number, ~number, number * 3, number ^ 0x5555);
        byte[] bytes = new byte[PacketHeader.Size];
        header.Encode(bytes);
        return PacketHeader.TryDecode(bytes, out PacketHeader decoded) && decoded == header;
    });

    [Fact]
    public void Garbage_is_no_header() => Check.That<byte[]>(bytes =>
        PacketHeader.TryDecode(bytes, out _) == (bytes.Length >= 20 && bytes[0] == 0xff && bytes[1] == 1));

    [Fact]
    public void No_packet_makes_a_stream_throw_or_hold_more_than_its_bounds() =>
        Check.That(Gen.Choose(0, int.MaxValue), seed => Survives((ulong)seed, count: 400), cases: 150);

    [Fact]
    public void What_is_answered_never_outweighs_what_was_received()
    {
        for (ulong seed = 0; seed < 100; seed++)
        {
            RandomSource chance = RandomSource.Seeded(seed);
            UdxStream stream = Connected(_small);
            TimeSpan now = Start;
            long received = 0;
            long sent = 0;
            for (int i = 0; i < 500; i++)
            {
                now += TimeSpan.FromMilliseconds(chance.NextInt32(50));
                byte[] packet = Hostile(chance, sent: 0);
                received += packet.Length;
                stream.Receive(packet, now);
                stream.HandleTimeout(now);
                sent += stream.Transmit(now).Sum(p => p.Length);
                Assert.True(sent <= received, $"{sent} bytes for {received}, seed {seed}");
            }
        }
    }

    [Fact]
    public void A_stream_of_sequence_jumps_holds_no_more_than_the_window()
    {
        UdxStream stream = Connected(_small);
        byte[] payload = new byte[1400];
        for (uint i = 1; i < 100_000; i += 2)
        {
            stream.Receive(Packet(PacketFlags.Data, i, payload: payload));
            stream.Transmit();
        }

        Assert.InRange(stream.Statistics.BytesHeld, 1, _small.ReceiveWindow + (17 * 2048));

        // What fell out of bounds was not acknowledged: the stream is intact.
        Assert.Equal(2, stream.Receive(Data(0, 0)).Count);
    }

    [Fact]
    public void A_peer_that_shuts_its_window_makes_us_hold_no_more_than_we_were_willing_to()
    {
        UdxStream stream = Connected(_small);
        stream.Receive(Packet(PacketFlags.None, 0, 0, window: uint.MaxValue));
        byte[] bytes = new byte[Megabyte];
        for (int i = 0; i < 20; i++)
        {
            stream.Write(bytes);
            stream.Transmit();
        }

        Assert.InRange(stream.Statistics.BytesHeld, 1, _small.MaxSendBuffer);
    }

    [Fact]
    public void Acknowledgements_in_whole_runs_cost_no_more_than_one_look_at_each_packet()
    {
        UdxStream stream = Connected(new UdxOptions { InitialWindow = 5000, PacingBurst = TimeSpan.FromSeconds(10) });
        for (int i = 0; i < 10; i++)
        {
            stream.Write(new byte[Megabyte]);
            stream.Transmit(Start + TimeSpan.FromSeconds(i));
        }

        int inFlight = stream.Statistics.InFlight;
        Assert.InRange(inFlight, 500, 5000);
        (uint, uint)[] overlapping = [.. Enumerable.Repeat((1u, (uint)inFlight), 200)];
        long rejected = stream.Statistics.Rejected;
        stream.Receive(Sack(0, overlapping), Start + TimeSpan.FromSeconds(11));
        Assert.Equal(199, stream.Statistics.Rejected - rejected);
    }

    private static bool Survives(ulong seed, int count)
    {
        RandomSource chance = RandomSource.Seeded(seed);
        UdxStream stream = Connected(_small);
        TimeSpan now = Start;
        byte[] bytes = new byte[5000];
        uint sent = 0;
        for (int i = 0; i < count; i++)
        {
            now += TimeSpan.FromMilliseconds(chance.NextInt32(30));
            stream.Receive(Hostile(chance, sent), now, socket: chance.NextInt32(20) == 0 ? 1 : 0);
            stream.HandleTimeout(now);
            Use(stream, chance, bytes);
            sent += (uint)stream.Transmit(now).Count;
            long bound = _small.MaxSendBuffer + _small.ReceiveWindow + (20 * 2048) + _small.MaxQueuedMessageBytes;
            if (stream.Statistics.BytesHeld > bound)
            {
                return false;
            }
        }

        return true;
    }

    private static void Use(UdxStream stream, RandomSource chance, byte[] bytes)
    {
        switch (chance.NextInt32(40))
        {
            case < 10:
                stream.Write(bytes.AsSpan(0, chance.NextInt32(bytes.Length)));
                break;
            case < 12:
                stream.SendMessage(bytes.AsSpan(0, chance.NextInt32(2000)));
                break;
            case 12 when chance.NextInt32(20) == 0:
                stream.End();
                break;
            case 13 when chance.NextInt32(50) == 0:
                stream.Destroy();
                break;
        }
    }

    // Near enough to the truth to reach deep, wrong enough to hurt.
    private static byte[] Hostile(RandomSource chance, uint sent)
    {
        byte[] payload = new byte[chance.NextInt32(chance.NextInt32(4) == 0 ? 2000 : 60)];
        chance.Fill(payload);
        uint Number(uint near) => chance.NextInt32(8) == 0 ? (uint)chance.NextUInt64() : near + (uint)chance.NextInt32(40) - 10;
        var flags = (PacketFlags)(chance.NextInt32(6) == 0 ? chance.NextInt32(256) : 1 << chance.NextInt32(4));
        if (flags.HasFlag(PacketFlags.Destroy) && chance.NextInt32(30) != 0)
        {
            flags = PacketFlags.Data;
        }

        if (flags.HasFlag(PacketFlags.Sack))
        {
            for (int i = 0; i + 4 <= payload.Length; i += 4)
            {
                BitConverter.TryWriteBytes(payload.AsSpan(i), Number(sent / 2));
            }
        }

        byte[] packet = Packet(
            flags,
            Number(10),
            Number(sent),
            (uint)chance.NextInt32(1 << 22),
            payload,
            (byte)(chance.NextInt32(3) == 0 ? chance.NextInt32(256) : 0));
        return chance.NextInt32(30) == 0 ? packet[..chance.NextInt32(packet.Length)] : packet;
    }
}
