namespace HyperActors.Simulation.Tests;

public class DhtScenarioTests
{
    [Fact]
    public void A_small_dht_holds_under_churn_partition_and_attack_and_its_story_is_told_twice_the_same()
    {
        SeedResult once = Scenario.Run("dht-small", 1);
        Assert.True(once.Failure is null, $"{once.Failure}{Environment.NewLine}{once.Report}");
        Assert.Equal(once.Hash, Scenario.Run("dht-small", 1).Hash);
    }
}
