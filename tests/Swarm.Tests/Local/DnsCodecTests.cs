using System.Net;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Swarm.Tests;

public sealed class DnsCodecTests
{
    private static readonly JsonElement _vectors = Vectors.Load("mdns.json");

    private static string Instance => _vectors.Text("instance");

    private static string Subtype => _vectors.Text("subtype");

    [Fact]
    public void An_announcement_of_another_encoder_is_read_whole()
    {
        DnsMessage message = Decode("announcement");
        Assert.True(message.IsResponse);
        DnsRecord.Ptr ptr = Assert.IsType<DnsRecord.Ptr>(message.Answers[0]);
        Assert.Equal((Subtype, Instance, TimeSpan.FromSeconds(4500), false), (ptr.Name, ptr.Target, ptr.TimeToLive, ptr.IsUnique));
        DnsRecord.Srv srv = Assert.IsType<DnsRecord.Srv>(message.Answers[1]);
        Assert.Equal((49737, _vectors.Text("host"), true), (srv.Port, srv.Target, srv.IsUnique));
        Assert.Equal(["txtvers=1", "v=1", "pk=" + _vectors.Text("key")], Assert.IsType<DnsRecord.Txt>(message.Answers[2]).Strings);
        Assert.Equal(IPAddress.Parse("192.168.7.9"), Assert.IsType<DnsRecord.Host>(message.Answers[3]).Address);
        Assert.Equal(DnsType.Aaaa, Assert.Single(message.Additionals).Type);
    }

    [Fact]
    public void Questions_and_what_a_prober_claims_are_read()
    {
        DnsMessage probe = Decode("probe");
        Assert.Equal([Instance, _vectors.Text("host")], probe.Questions.Select(q => q.Name));
        Assert.All(probe.Questions, q => Assert.Equal(DnsType.Any, q.Type));
        Assert.Equal(3, probe.Authorities.Count);
        Assert.Single(Decode("query").Answers);
        Assert.Equal(TimeSpan.Zero, Decode("goodbye").Answers[0].TimeToLive);
    }

    [Theory]
    [InlineData("query")]
    [InlineData("probe")]
    [InlineData("announcement")]
    [InlineData("goodbye")]
    public void What_was_read_is_written_shorter_and_read_again_the_same(string name)
    {
        DnsMessage message = Decode(name);
        byte[] bytes = DnsCodec.Encode(message);
        Assert.True(bytes.Length <= _vectors.GetProperty("packets").Hex(name).Length);
        Assert.True(DnsCodec.TryDecode(bytes, out DnsMessage again));
        AssertEqual(message, again);
    }

    [Fact]
    public void Hyperswarm_2_is_understood_though_its_records_break_the_rules()
    {
        var source = new IPEndPoint(IPAddress.Parse("192.168.7.20"), 5353);
        LegacyDiscovery found = Assert.Single(LegacyDiscovery.Read(Decode("legacyAnswer"), source));
        Assert.Equal(_vectors.Text("legacyTopic"), found.TopicPrefix);
        Assert.Equal(new IPEndPoint(source.Address, 49737), found.Address);
        Assert.Equal(_vectors.Hex("legacyId"), found.Id.ToArray());
        Assert.Equal([_vectors.Text("legacyTopic")], LegacyDiscovery.ReadQuestions(Decode("legacyQuery")));
        Assert.Empty(LegacyDiscovery.Read(Decode("announcement"), source));
    }

    [Theory]
    [InlineData("a pointer to itself", "000084000000000100000000c00c00010001000000780004c0a80709")]
    [InlineData("a pointer forward", "000084000000000100000000c01000010001000000780004c0a80709")]
    [InlineData("a pointer into the header", "000084000000000100000000c00000010001000000780004c0a80709")]
    [InlineData("a label longer than any", "0000840000000001000000004061")]
    [InlineData("data longer than the packet", "0000840000000001000000000161000001000100000078000ac0a80709")]
    [InlineData("an address of three bytes", "0000840000000001000000000161000001000100000078000301020300")]
    [InlineData("fewer records than promised", "000084000000000500000000")]
    [InlineData("a text that ends in the middle", "000084000000000100000000016100001000010000007800020561")]
    public void Nonsense_is_refused(string what, string hex)
    {
        Assert.NotEmpty(what);
        Assert.False(DnsCodec.TryDecode(Convert.FromHexString(hex), out _));
    }

    [Fact]
    public void Names_that_go_round_through_each_others_pointers_end()
    {
        // In the data of a record that nobody reads, each label points to the one before; the next record's name is the last.
        const int links = 2000;
        var packet = new List<byte>(Convert.FromHexString("000084000000000200000000" + "00" + "03e7" + "0001" + "00000000" + "0000"));
        int start = packet.Count;
        packet.AddRange([1, (byte)'a', 0]);
        for (int i = 0; i < links; i++)
        {
            int target = i == 0 ? start : packet.Count - 4;
            packet.AddRange([1, (byte)'b', (byte)(0xc0 | (target >> 8)), (byte)target]);
        }

        int length = packet.Count - start;
        (packet[start - 2], packet[start - 1]) = ((byte)(length >> 8), (byte)length);
        Assert.False(DnsCodec.TryDecode([.. packet, .. NameAt(packet.Count - 4)], out _));
        Assert.True(DnsCodec.TryDecode([.. packet, .. NameAt(start + 3 + (4 * 100))], out DnsMessage message));
        Assert.Equal(string.Concat(Enumerable.Repeat("b.", 101)) + "a", Assert.Single(message.Answers).Name);

        static byte[] NameAt(int offset) =>
            [(byte)(0xc0 | (offset >> 8)), (byte)offset, .. Convert.FromHexString("00010001000000780004c0a80709")];
    }

    [Fact]
    public void No_bytes_make_it_throw_and_what_is_read_can_be_written() => Check.That<byte[], ushort>(
        (noise, cut) =>
        {
            byte[] packet = [.. _vectors.GetProperty("packets").Hex("announcement")];
            for (int i = 0; i + 1 < noise.Length; i += 2)
            {
                packet[noise[i] % packet.Length] = noise[i + 1];
            }

            return Survives(packet) && Survives(packet.AsSpan(0, cut % packet.Length)) && Survives(noise);
        },
        cases: 2000);

    private static bool Survives(ReadOnlySpan<byte> packet)
    {
        if (!DnsCodec.TryDecode(packet, out DnsMessage message))
        {
            return true;
        }

        _ = LegacyDiscovery.Read(message, new IPEndPoint(IPAddress.Loopback, 1));
        byte[] bytes = DnsCodec.Encode(message);
        return DnsCodec.TryDecode(bytes, out DnsMessage again) && again.Answers.SequenceEqual(message.Answers);
    }

    private static DnsMessage Decode(string name)
    {
        Assert.True(DnsCodec.TryDecode(_vectors.GetProperty("packets").Hex(name), out DnsMessage message));
        return message;
    }

    private static void AssertEqual(DnsMessage expected, DnsMessage actual)
    {
        Assert.Equal(expected.IsResponse, actual.IsResponse);
        Assert.Equal(expected.Questions, actual.Questions);
        Assert.Equal(expected.Answers, actual.Answers);
        Assert.Equal(expected.Authorities, actual.Authorities);
        Assert.Equal(expected.Additionals, actual.Additionals);
    }
}
