using System.Runtime.CompilerServices;
using HyperActors.TestKit;

namespace HyperActors.Crypto.Tests;

public class KeyTests
{
    [Fact]
    public void A_key_parses_from_what_it_prints_and_from_hex() => Check.That<ulong>(seed =>
    {
        byte[] bytes = new byte[FeedKey.Size];
        RandomSource.Seeded(seed).Fill(bytes);
        var key = new FeedKey(bytes);
        return FeedKey.Parse(key.ToString()) == key
            && FeedKey.Parse(key.ToHex()) == key
            && FeedKey.Parse(key.ToHex().ToUpperInvariant()) == key
            && DiscoveryKey.Parse(new DiscoveryKey(bytes).ToString()) == new DiscoveryKey(bytes)
            && PublicKey.Parse(new PublicKey(bytes).ToString()) == new PublicKey(bytes)
            && key.ToString().Length == 52
            && key.AsSpan().SequenceEqual(bytes)
            && key.ToArray().AsSpan().SequenceEqual(bytes);
    });

    [Theory]
    [InlineData("")]
    [InlineData("notes")]
    [InlineData("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")]
    [InlineData("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")]
    [InlineData("vyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")]
    [InlineData("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyb")]
    [InlineData("g8ejkmcpqxot1uwisza345h769ybndrfg8ejkmcpqxot1uwisza345h769ybndrf")]
    public void What_is_no_key_is_refused_and_told_how_a_key_looks(string text)
    {
        Assert.False(FeedKey.TryParse(text, out FeedKey key));
        Assert.True(key.IsZero);
        Assert.False(PublicKey.TryParse(text, out _));
        Assert.False(DiscoveryKey.TryParse(text, out _));

        FormatException refusal = Assert.Throws<FormatException>(() => FeedKey.Parse(text));
        Assert.Contains("52 characters of z-base-32", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("64 hex digits", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_that_is_far_too_long_is_not_repeated_whole()
    {
        FormatException refusal = Assert.Throws<FormatException>(() => FeedKey.Parse(new string('y', 100_000)));
        Assert.True(refusal.Message.Length < 300);
    }

    [Fact]
    public void Keys_are_equal_by_value()
    {
        byte[] bytes = new byte[32];
        bytes[31] = 1;
        var key = new PublicKey(bytes);
        var same = new PublicKey(bytes);

        Assert.True(key == same && key.Equals((object)same) && key.GetHashCode() == same.GetHashCode());
        Assert.True(key != default && !key.IsZero && default(PublicKey).IsZero);
        Assert.Equal(32, Unsafe.SizeOf<PublicKey>());
        Assert.Equal(new Hash(bytes), new Hash(key.AsSpan()));
        Assert.NotEqual(default, new Hash(bytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_key_of_another_size_is_refused(int size)
    {
        Assert.Throws<ArgumentException>(() => new FeedKey(new byte[size]));
        Assert.Throws<ArgumentException>(() => new Hash(new byte[size]));
        Assert.Throws<ArgumentException>(() => KeyPair.FromSeed(new byte[size]));
        Assert.Throws<ArgumentException>(() => new SecretKey(new byte[size]));
    }

    [Fact]
    public void A_secret_key_prints_nothing_and_is_wiped_when_disposed()
    {
        var key = new SecretKey(KeyPair.FromSeed(new byte[32]).SecretKey.AsSpan());
        ReadOnlySpan<byte> bytes = key.AsSpan();
        Assert.Equal("***", key.ToString());
        Assert.Equal("***", $"{key}");
        Assert.True(bytes.IndexOfAnyExcept((byte)0) >= 0);

        key.Dispose();
        Assert.Equal(-1, bytes.IndexOfAnyExcept((byte)0));
        Assert.Throws<ObjectDisposedException>(() => key.AsSpan().Length);
    }

    [Fact]
    public void A_pair_made_by_chance_signs_and_no_two_are_the_same()
    {
        using KeyPair first = KeyPair.Generate(RandomSource.System);
        using KeyPair second = KeyPair.Generate(RandomSource.System);
        byte[] signature = new byte[Ed25519.SignatureSize];
        first.Sign("message"u8, signature);

        Assert.NotEqual(first.PublicKey, second.PublicKey);
        Assert.True(Ed25519.Verify(signature, "message"u8, first.PublicKey));
        Assert.False(Ed25519.Verify(signature, "message"u8, second.PublicKey));
    }
}
