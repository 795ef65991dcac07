namespace HyperActors.Simulation.Tests;

/// <summary>What lives after hours of traffic is what lived after the first.</summary>
public sealed class SoakTests
{
    [Theory]
    [InlineData(1, 24)]
    [InlineData(2, 6)]
    public void After_hours_of_traffic_no_more_lives_than_after_the_first(int seed, int hours)
    {
        // In a process of its own: the heap and the pools of this one are shared with other tests.
        string report = ReplayLaws.RunInAProcess("soak", seed, "--hours", $"{hours}");

        Assert.Matches($"at 1:[45][0-9] h +at {hours + 1}:[0-9]{{2}} h", report);
        Assert.Contains("live heap", report, StringComparison.Ordinal);
        Assert.Contains("buffers out", report, StringComparison.Ordinal);
    }
}
