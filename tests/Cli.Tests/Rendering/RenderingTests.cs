using HyperActors.Abstractions;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Tests.Rendering;

public sealed class RenderingTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(150 << 10, "150 KiB")]
    [InlineData(ulong.MaxValue, "16 EiB")]
    public void Bytes_have_a_unit(ulong count, string expected) => Assert.Equal(expected, Words.Bytes(count));

    [Fact]
    public void Figures_stand_at_the_right_and_words_at_the_left()
    {
        var table = new TextTable("NAME", "LENGTH", "KEY") { RightAligned = [1] };
        table.Add("a", "1000000", "x");
        table.Add("longer", "7", "y");
        Assert.Equal(["NAME     LENGTH  KEY", "a       1000000  x", "longer        7  y"], table.Lines());
    }

    [Fact]
    public void An_exception_becomes_an_exit_code_and_one_line_also_inside_another()
    {
        Assert.Equal(ExitCode.Locked, Failure.Explain(new StoreLockedException("x")).ExitCode);
        Assert.Equal(ExitCode.NotWritable, Failure.Explain(new FeedNotWritableException("x")).ExitCode);
        Assert.Equal(ExitCode.Peer, Failure.Explain(new AggregateException(new ConnectionFailedException("x"))).ExitCode);
        Assert.Equal((ExitCode.Failed, "disk"), Failure.Explain(new IOException("disk")));
    }

    [Fact]
    public void A_missing_libsodium_says_how_to_install_it()
    {
        var missing = new TypeInitializationException("x", new DllNotFoundException("Unable to load shared library 'libsodium'"));
        Assert.Contains("apt-get install libsodium23", Failure.Explain(missing).Message, StringComparison.Ordinal);
    }
}
