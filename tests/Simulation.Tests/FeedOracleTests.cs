namespace HyperActors.Simulation.Tests;

/// <summary>The checker itself: it must see what is wrong, and nothing else.</summary>
public sealed class FeedOracleTests
{
    private readonly FeedOracle _oracle = new();

    [Fact]
    public void What_was_acknowledged_and_is_gone_is_seen()
    {
        _oracle.Appended(_oracle.Appending(Blocks(1, 2)), 2);

        Assert.Throws<SimulationFailedException>(() => _oracle.Reopened(0, 1, []));
        _oracle.Reopened(0, 2, []);
    }

    [Fact]
    public void What_was_never_answered_may_be_there_or_not_but_whole()
    {
        _oracle.Appending(Blocks(1, 2));
        _oracle.Appending(Blocks(3));

        Assert.Throws<SimulationFailedException>(() => _oracle.Reopened(0, 1, Blocks(1)));
        _oracle.Reopened(0, 1, Blocks(3));
        Assert.Equal(1ul, _oracle.Length);
    }

    [Fact]
    public void Bytes_that_nobody_appended_are_seen()
    {
        _oracle.Appending(Blocks(1));

        Assert.Throws<SimulationFailedException>(() => _oracle.Reopened(0, 1, Blocks(9)));
    }

    [Fact]
    public void Two_blocks_at_one_index_of_one_fork_are_seen()
    {
        _oracle.Saw("one", 0, 5, [1]);
        _oracle.Saw("two", 0, 5, [1]);
        _oracle.Saw("two", 1, 5, [2]);

        Assert.Throws<SimulationFailedException>(() => _oracle.Saw("two", 0, 5, [2]));
    }

    [Fact]
    public void A_cut_keeps_what_it_does_not_cut()
    {
        _oracle.Appended(_oracle.Appending(Blocks(1, 2, 3)), 3);
        _oracle.Cutting(2);
        _oracle.Reopened(1, 2, []);

        Assert.Equal(1ul, _oracle.Fork);
        Assert.Throws<SimulationFailedException>(() => _oracle.Saw("one", 1, 0, [9]));
        _oracle.Saw("one", 1, 2, [9]);
    }

    [Fact]
    public void A_fork_that_goes_back_is_seen()
    {
        _oracle.Cutting(0);
        _oracle.Cut(1);

        Assert.Throws<SimulationFailedException>(() => _oracle.Reopened(0, 0, []));
    }

    private static ReadOnlyMemory<byte>[] Blocks(params byte[] bytes) => [.. bytes.Select(b => (ReadOnlyMemory<byte>)new[] { b })];
}
