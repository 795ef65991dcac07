using System.Diagnostics;

namespace HyperActors.Simulation.Tests;

/// <summary>Same seed, same run, to the byte: whatever process it runs in.</summary>
public sealed class ReplayLaws
{
    [Theory]
    [InlineData("copy", 1)]
    [InlineData("copy", 20_260_101)]
    [InlineData("copy-udx", 3)]
    [InlineData("feed-small", 7)]
    [InlineData("feed-small", 11)]
    public void The_same_seed_in_two_processes_gives_the_same_hash(string scenario, int seed)
    {
        string first = RunInAProcess(scenario, seed);
        string second = RunInAProcess(scenario, seed);

        Assert.True(first == second, $"seed {seed} of {scenario}:\n{first}\n{second}");
        Assert.Matches("sha256 [0-9a-f]{64}", first);
    }

    [Fact]
    public void Runs_that_went_before_in_the_same_process_change_nothing()
    {
        SeedResult first = Scenario.Run("copy", 5);
        Scenario.Run("copy", 6);
        SeedResult second = Scenario.Run("copy", 5);

        Assert.Null(first.Failure);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Another_seed_gives_another_run() =>
        Assert.NotEqual(Scenario.Run("copy", 5).Hash, Scenario.Run("copy", 6).Hash);

    internal static string RunInAProcess(string scenario, int seed, params string[] more)
    {
        string assembly = typeof(Scenario).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", [assembly, "--scenario", scenario, "--seed", $"{seed}", .. more])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output + errors.Result);
        return output;
    }
}
