using System.Net;
using HyperActors.Cli.Parsing;

namespace HyperActors.Cli.Tests.Parsing;

public sealed class ParsingTests
{
    [Theory]
    [InlineData("100", 100)]
    [InlineData("1B", 1)]
    [InlineData("64KiB", 65536)]
    [InlineData("64kib", 65536)]
    [InlineData("64 KiB", 65536)]
    [InlineData("64K", 65536)]
    [InlineData("64KB", 64000)]
    [InlineData("1.5MiB", 1572864)]
    [InlineData("2MB", 2000000)]
    [InlineData("1GiB", 1073741824)]
    public void A_size_reads_with_and_without_a_unit(string text, long expected)
    {
        Assert.True(ByteSize.TryParse(text, out long bytes, out _));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("KiB")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("0.1KiB")]
    [InlineData("1e3")]
    [InlineData("64KiBs")]
    [InlineData("99999999999999999999GiB")]
    [InlineData("79228162514264337593543950336")]
    public void What_is_no_size_is_refused_with_a_word_on_how_one_looks(string text)
    {
        Assert.False(ByteSize.TryParse(text, out _, out string? error));
        Assert.Contains("64KiB", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:4000", "127.0.0.1", 4000)]
    [InlineData("localhost:0", "localhost", 0)]
    [InlineData("example.org:65535", "example.org", 65535)]
    [InlineData("[::1]:4000", "::1", 4000)]
    [InlineData("[2001:db8::7]:1", "2001:db8::7", 1)]
    public void An_address_reads_in_every_family(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out HostPort address, out _));
        Assert.Equal(new HostPort(host, port), address);
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData("127.0.0.1", "has no port")]
    [InlineData("[::1]", "has no port")]
    [InlineData("", "has no port")]
    [InlineData("127.0.0.1:", "is not a port")]
    [InlineData("127.0.0.1:65536", "is not a port")]
    [InlineData("127.0.0.1:-1", "is not a port")]
    [InlineData("127.0.0.1:http", "is not a port")]
    [InlineData(":4000", "0.0.0.0:4000")]
    [InlineData("::1:4000", "brackets")]
    [InlineData("[127.0.0.1]:4000", "is not a host")]
    [InlineData("a b:4000", "is not a host")]
    [InlineData("[:4000", "is not a host")]
    public void What_is_no_address_is_refused_with_a_reason(string text, string reason)
    {
        Assert.False(HostPort.TryParse(text, out _, out string? error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_resolves_to_an_address_to_listen_on()
    {
        Assert.True(HostPort.TryParse("localhost:4000", out HostPort address, out _));
        IPEndPoint resolved = await address.ResolveAsync(CancellationToken.None);
        Assert.True(IPAddress.IsLoopback(resolved.Address));
        Assert.Equal(4000, resolved.Port);
    }

    [Theory]
    [InlineData("0..100", 0UL, 100UL)]
    [InlineData("7..7", 7UL, 7UL)]
    [InlineData("..50", 0UL, 50UL)]
    [InlineData("100..", 100UL, null)]
    [InlineData("..", 0UL, null)]
    public void A_range_is_half_open_and_may_lack_an_end(string text, ulong from, ulong? to)
    {
        Assert.True(BlockRange.TryParse(text, out BlockRange range, out _));
        Assert.Equal(new BlockRange(from, to), range);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("5-7")]
    [InlineData("a..b")]
    [InlineData("1...3")]
    [InlineData("-1..3")]
    [InlineData("3..1")]
    [InlineData("0..18446744073709551616")]
    public void What_is_no_range_is_refused(string text) => Assert.False(BlockRange.TryParse(text, out _, out _));

    [Theory]
    [InlineData("30", 30_000)]
    [InlineData("30s", 30_000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5m", 90_000)]
    [InlineData("2h", 7_200_000)]
    public void A_time_reads_with_and_without_a_unit(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out TimeSpan duration, out _));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1s")]
    [InlineData("s")]
    [InlineData("1d")]
    [InlineData("NaN")]
    [InlineData("1e9h")]
    [InlineData("600h")]
    public void What_is_no_time_is_refused(string text) => Assert.False(Duration.TryParse(text, out _, out _));

    [Theory]
    [InlineData("notes")]
    [InlineData("2026/notes of März")]
    [InlineData("日記")]
    public void A_name_may_be_in_any_language(string name) => Assert.Null(FeedName.Refuse(name));

    [Theory]
    [InlineData("", "empty")]
    [InlineData(" notes", "space")]
    [InlineData("a\nb", "\\x0a")]
    [InlineData("-x", "'-'")]
    [InlineData("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "is a key")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000FF", "is a key")]
    public void A_name_that_would_be_trouble_is_refused(string name, string reason) =>
        Assert.Contains(reason, FeedName.Refuse(name), StringComparison.Ordinal);

    [Fact]
    public void A_name_has_a_length_that_every_disk_takes() =>
        Assert.Contains("at most 255", FeedName.Refuse(new string('n', 256)), StringComparison.Ordinal);
}
