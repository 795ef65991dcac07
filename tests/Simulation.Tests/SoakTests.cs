namespace HyperActors.Simulation.Tests;

/// <summary>What lives after hours of traffic is what lived after the first.</summary>
public sealed class SoakTests
{
    [Fact]
    public void After_a_day_of_traffic_no_more_lives_than_after_its_first_hour()
    {
        // In a process of its own: the heap and the pools of this one are shared with other tests.
        string report = ReplayLaws.RunInAProcess("soak", 1);

        Assert.Matches("at 1:4[0-9] h +at 2[5-9]:[0-9]{2} h", report);
        Assert.Contains("live heap", report, StringComparison.Ordinal);
        Assert.Contains("buffers out", report, StringComparison.Ordinal);
    }
}
