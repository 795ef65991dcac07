using System.Globalization;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class NatAnalyzerTests
{
    private static readonly DhtAddress _seen = new(0x01020304, 1000);

    [Fact]
    public void A_NAT_is_judged_as_in_JavaScript_after_each_sample()
    {
        foreach (JsonElement one in Vectors.Load("nat.json").Items("cases"))
        {
            var nat = new NatAnalyzer(one.GetProperty("firewalled").GetBoolean());
            foreach (JsonElement step in one.Items("steps"))
            {
                nat.Add(Parse(step.Text("seenAs")), Parse(step.Text("by")));
                Assert.Equal((Firewall)step.Number("firewall"), nat.Firewall);
                Assert.Equal((int)step.Number("sampled"), nat.Samples);
                JsonElement addresses = step.GetProperty("addresses");
                if (addresses.ValueKind == JsonValueKind.Null)
                {
                    Assert.Null(nat.Addresses);
                }
                else
                {
                    Assert.Equal(addresses.EnumerateArray().Select(a => Parse(a.GetString()!)), nat.Addresses!.Value);
                }
            }
        }
    }

    [Fact]
    public void What_a_peer_was_told_does_not_change_any_more()
    {
        var nat = new NatAnalyzer(isFirewalled: true);
        for (ushort i = 1; i <= 3; i++)
        {
            nat.Add(_seen, new DhtAddress(9, i));
        }

        nat.Freeze();
        for (ushort i = 4; i <= 20; i++)
        {
            nat.Add(new DhtAddress(7, i), new DhtAddress(9, i));
        }

        Assert.Equal(Firewall.Consistent, nat.Firewall);
        Assert.Equal(_seen, Assert.Single(nat.Addresses!.Value));
    }

    [Fact]
    public void A_node_that_everybody_reaches_is_open_before_anybody_was_asked()
    {
        var nat = new NatAnalyzer(isFirewalled: false);
        Assert.Equal(Firewall.Open, nat.Firewall);
        Assert.True(nat.IsDecided);
    }

    [Theory]
    [InlineData("192.168.1.7", "10.1.1.1 192.168.9.9 192.168.1.99", "192.168.1.99")]
    [InlineData("192.168.1.7", "10.1.1.1 192.168.9.9 192.168.8.8", "192.168.9.9")]
    [InlineData("192.168.1.7", "10.1.1.1 192.1.9.9", "192.1.9.9")]
    [InlineData("192.168.1.7", "10.1.1.1", null)]
    public void The_neighbour_is_the_address_that_shares_most_with_ours(string ours, string theirs, string? expected)
    {
        DhtAddress? match = SpecialAddresses.MatchLocal(
            [MemoryNet.Address(ours, 0).Host], [.. theirs.Split(' ').Select(a => MemoryNet.Address(a, 1))]);
        Assert.Equal(expected is null ? null : MemoryNet.Address(expected, 1), match);
    }

    [Theory]
    [InlineData("10.0.0.1", true, false)]
    [InlineData("100.64.0.1", true, false)]
    [InlineData("100.128.0.1", false, false)]
    [InlineData("127.0.0.1", true, false)]
    [InlineData("172.31.0.1", true, false)]
    [InlineData("172.32.0.1", false, false)]
    [InlineData("0.1.2.3", false, true)]
    [InlineData("192.0.2.1", false, true)]
    [InlineData("198.19.0.1", false, true)]
    [InlineData("198.20.0.1", false, false)]
    [InlineData("198.51.100.1", false, true)]
    [InlineData("203.0.113.1", false, true)]
    [InlineData("224.0.0.1", false, true)]
    [InlineData("8.8.8.8", false, false)]
    public void Special_hosts_are_those_that_the_internet_sets_aside(string host, bool isPrivate, bool isReserved)
    {
        DhtAddress address = MemoryNet.Address(host, 1);
        Assert.Equal((isPrivate, isReserved), (SpecialAddresses.IsPrivate(address.Host), SpecialAddresses.IsReserved(address.Host)));
        Assert.Equal(!isPrivate && !isReserved, SpecialAddresses.IsPublic(address));
    }

    private static DhtAddress Parse(string text)
    {
        string[] parts = text.Split(':');
        return MemoryNet.Address(parts[0], ushort.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}
