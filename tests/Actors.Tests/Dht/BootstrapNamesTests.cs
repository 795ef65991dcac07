using HyperActors.Abstractions;
using HyperActors.Dht;

namespace HyperActors.Actors.Tests;

public sealed class BootstrapNamesTests
{
    private static readonly DhtAddress Address = new(0x7f000001, 4000);

    [Fact]
    public void Addresses_need_no_name_server() =>
        Assert.Equal(
            [new DhtBootstrap(null, Address), new DhtBootstrap(new DhtAddress(0x0a000001, 4001), Address with { Port = 4001 })],
            BootstrapNames.TryRead(["127.0.0.1:4000", "10.0.0.1@127.0.0.1:4001"]));

    [Fact]
    public void A_name_has_to_be_looked_up() => Assert.Null(BootstrapNames.TryRead(["127.0.0.1:4000", "node.example:4000"]));

    [Fact]
    public void What_stands_before_the_at_is_known_without_a_name_server() =>
        Assert.Equal(
            [new DhtBootstrap(Address, null)],
            BootstrapNames.Suggested(["127.0.0.1@node.example:4000", "other.example:4000"]));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:70000")]
    [InlineData(":4000")]
    [InlineData("name@127.0.0.1:4000")]
    public void What_is_written_wrongly_is_refused_with_the_right_way(string text)
    {
        HyperActorsException refused = Assert.Throws<HyperActorsException>(() => BootstrapNames.TryRead([text]));
        Assert.Contains("HOST:PORT", refused.Message, StringComparison.Ordinal);
    }
}
