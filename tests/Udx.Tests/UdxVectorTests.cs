using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Udx.Tests;

/// <summary>Conversations of udx-native with itself: we read its packets, and in its place we answer the same.</summary>
public sealed class UdxVectorTests
{
    private const uint UpstreamWindow = 4 * 1024 * 1024;

    private static readonly JsonElement _vectors = Vectors.Load("udx.json");

    public static TheoryData<string> Conversations() =>
        [.. _vectors.GetProperty("conversations").EnumerateObject().Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Conversations))]
    public void Headers_are_read_and_written_as_upstream_writes_them(string name)
    {
        foreach (JsonElement packet in Packets(name))
        {
            byte[] bytes = packet.Hex("hex");
            Assert.True(PacketHeader.TryDecode(bytes, out PacketHeader header));
            byte[] written = new byte[PacketHeader.Size];
            header.Encode(written);
            Assert.Equal(bytes[..PacketHeader.Size], written);
            ulong id = packet.Text("from") == "client" ? _vectors.Number("serverId") : _vectors.Number("clientId");
            Assert.Equal(id, header.StreamId);
        }
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("wrap")]
    [InlineData("gaps")]
    [InlineData("probes")]
    [InlineData("message")]
    [InlineData("heartbeat")]
    [InlineData("destroy")]
    public void In_the_place_of_the_server_we_answer_byte_by_byte_the_same(string name)
    {
        List<JsonElement> packets = Packets(name);
        TimeSpan now = TimeSpan.FromSeconds(1);
        UdxAddress client = UdxAddress.FromIPv4(0x7f000001, 5000);
        var stream = new UdxStream((uint)_vectors.Number("serverId"), new UdxOptions(), now);
        stream.StartAt(0, packets[0].Hex("hex").Header().Sequence);
        stream.Connect(0, (uint)_vectors.Number("clientId"), client, now);
        var answers = new List<string>();
        foreach (JsonElement packet in packets.Where(p => p.Text("from") == "client" && !p.GetProperty("dropped").GetBoolean()))
        {
            now += TimeSpan.FromMicroseconds(10);
            stream.HandleDatagram(packet.Hex("hex"), 0, client, now);
            bool echoes = false;
            bool ends = false;
            while (stream.TryPollEvent(out UdxEvent e))
            {
                echoes |= e.Kind == UdxEventKind.Data && name is "echo" or "wrap";
                ends |= e.Kind == UdxEventKind.RemoteEnded;
                if (e.Kind == UdxEventKind.Data)
                {
                    stream.Consumed(e.Data.Length);
                }
            }

            answers.AddRange(stream.Transmit(now).Select(p => ToText(p, stream.Statistics.BytesHeld)));
            if (echoes)
            {
                stream.Write("world"u8);
            }

            if (ends)
            {
                stream.End();
            }

            answers.AddRange(stream.Transmit(now).Select(p => ToText(p, 0)));
        }

        // Upstream's script aborts both sides when it is done with them.
        IEnumerable<string> expected = packets
            .Where(p => p.Text("from") == "server" && p.Hex("hex").Header().Flags != PacketFlags.Destroy)
            .Select(p => p.Text("hex"));
        Assert.Equal(expected, answers, StringComparer.Ordinal);
    }

    /// <summary>The packet in hex; a window that was lowered for what waits beyond a gap counts as upstream's, which never is.</summary>
    private static string ToText(byte[] packet, long held)
    {
        PacketHeader header = packet.Header();
        if (header.Flags == PacketFlags.Sack)
        {
            Assert.Equal(UpstreamWindow - held, header.Window);
            (header with { Window = UpstreamWindow }).Encode(packet);
        }

        return Convert.ToHexStringLower(packet);
    }

    private static List<JsonElement> Packets(string name) =>
        [.. _vectors.GetProperty("conversations").Items(name)];
}
