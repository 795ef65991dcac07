namespace HyperActors.Udx.Tests;

/// <summary>Packets made by hand, and what a stream answers to them.</summary>
internal static class Packets
{
    public const uint LocalId = 1;
    public const uint RemoteId = 2;
    public const int FullPayload = 1152;

    public static readonly UdxAddress Remote = UdxAddress.FromIPv4(0x0a000002, 4000);
    public static readonly TimeSpan Start = TimeSpan.FromSeconds(10);

    public static UdxStream Connected(UdxOptions? options = null)
    {
        var stream = new UdxStream(LocalId, options ?? new UdxOptions(), Start);
        stream.Connect(0, RemoteId, Remote, Start);
        return stream;
    }

    public static byte[] Packet(
        PacketFlags flags,
        uint sequence = 0,
        uint acknowledged = 0,
        uint window = 4 * 1024 * 1024,
        byte[]? payload = null,
        byte dataOffset = 0,
        uint id = LocalId)
    {
        payload ??= [];
        byte[] packet = new byte[PacketHeader.Size + payload.Length];
        new PacketHeader(flags, dataOffset, id, window, sequence, acknowledged).Encode(packet);
        payload.CopyTo(packet, PacketHeader.Size);
        return packet;
    }

    public static byte[] Data(uint sequence, params byte[] payload) =>
        Packet(PacketFlags.Data, sequence, payload: payload);

    public static byte[] Sack(uint acknowledged, params (uint Start, uint End)[] blocks) => Packet(
        PacketFlags.Sack,
        0,
        acknowledged,
        payload: [.. blocks.SelectMany(b => BitConverter.GetBytes(b.Start).Concat(BitConverter.GetBytes(b.End)))]);

    /// <summary>Hands a packet in and drains the events as text.</summary>
    public static List<string> Receive(this UdxStream stream, byte[] packet, TimeSpan? now = null, int socket = 0)
    {
        stream.HandleDatagram(packet, socket, Remote, now ?? Start);
        return stream.Events();
    }

    public static List<string> Events(this UdxStream stream)
    {
        var events = new List<string>();
        while (stream.TryPollEvent(out UdxEvent e))
        {
            events.Add(e.Kind switch
            {
                UdxEventKind.Data => "data " + Convert.ToHexString(e.Data.Span),
                UdxEventKind.Message => "message " + Convert.ToHexString(e.Data.Span),
                UdxEventKind.Closed => "closed " + e.Reason,
                _ => e.Kind.ToString(),
            });
            if (e.Kind == UdxEventKind.Data)
            {
                stream.Consumed(e.Data.Length);
            }
        }

        return events;
    }

    /// <summary>Every datagram that leaves now.</summary>
    public static List<byte[]> Transmit(this UdxStream stream, TimeSpan? now = null)
    {
        var datagrams = new List<byte[]>();
        byte[] buffer = new byte[UdxTransmit.MaxLength];
        while (stream.TryPollTransmit(buffer, now ?? Start, out UdxTransmit transmit))
        {
            for (int offset = 0; offset < transmit.Length; offset += transmit.SegmentSize)
            {
                datagrams.Add(buffer[offset..Math.Min(transmit.Length, offset + transmit.SegmentSize)]);
            }
        }

        return datagrams;
    }

    public static PacketHeader Header(this byte[] packet)
    {
        Assert.True(PacketHeader.TryDecode(packet, out PacketHeader header));
        return header;
    }
}
