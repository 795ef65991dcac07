using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace HyperActors.Simulation;

/// <summary>A story by its name, told anew for each seed.</summary>
public static class Scenario
{
    /// <summary>Every name that <see cref="Run"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["copy", "copy-udx", "feed-small", "feed-large", "dht", "dht-small", "soak"];

    private static DhtScenarioOptions Small { get; } = new()
    {
        Nodes = 150,
        Churn = TimeSpan.FromMinutes(10),
        Lookups = 40,
        SmallNetwork = 100,
    };

    /// <summary>Tells one story to its end.</summary>
    /// <param name="name">Which.</param>
    /// <param name="seed">What decides it.</param>
    /// <param name="trace">Hears a line for each thing that happens.</param>
    /// <param name="hours">How long a soak is; null for as long as its file says.</param>
    public static SeedResult Run(string name, ulong seed, Action<string>? trace = null, int? hours = null)
    {
        if (name == "copy")
        {
            return Run(name, seed, new WorldOptions(), world => new CopyScenario(world).RunAsync(), trace);
        }

        if (name == "copy-udx")
        {
            var datagrams = new DatagramOptions { Loss = 0.03, Reordering = 0.05, Duplication = 0.02, BytesPerSecond = 2_000_000 };
            return Run(
                name, seed, new WorldOptions { Datagrams = datagrams }, world => new CopyScenario(world, isOverUdx: true).RunAsync(), trace);
        }

        if (name is "dht" or "dht-small")
        {
            using var dht = new DhtScenario(seed, name == "dht" ? new DhtScenarioOptions() : Small);
            return dht.Run(name);
        }

        if (name == "soak")
        {
            SoakScenarioOptions soak = Load(name, ScenarioJson.Default.SoakScenarioOptions) with { KillsPercent = seed % 2 == 0 ? 50 : 0 };
            return Run(name, seed, hours is { } said ? soak with { Hours = said } : soak, trace);
        }

        FeedScenarioOptions options = Load(name, ScenarioJson.Default.FeedScenarioOptions);
        return Run(name, seed, options, FeedScenario.Vary(options, seed), trace);
    }

    /// <summary>Tells a story of a feed in a world of the caller's choice.</summary>
    public static SeedResult Run(
        string name, ulong seed, FeedScenarioOptions options, WorldOptions worldOptions, Action<string>? trace = null) =>
        Run(name, seed, worldOptions, world => new FeedScenario(world, options).RunAsync(), trace);

    /// <summary>Tells of a day, or as long as the options say.</summary>
    public static SeedResult Run(string name, ulong seed, SoakScenarioOptions options, Action<string>? trace = null)
    {
        SoakScenario? soak = null;
        try
        {
            SeedResult result = Run(
                name,
                seed,
                SoakScenario.World,
                world =>
                {
                    soak = new SoakScenario(world, options);
                    return soak.RunAsync();
                },
                trace,
                TimeSpan.FromHours(options.Hours * 2));
            return result with { Report = soak?.Report };
        }
        finally
        {
            soak?.Dispose();
        }
    }

    private static SeedResult Run(
        string name, ulong seed, WorldOptions options, Func<World, Task> story, Action<string>? trace, TimeSpan? within = null)
    {
        using var world = new World(seed, options, trace);
        string? failure = null;
        try
        {
            world.Run(() => story(world), within);
        }
        catch (SimulationFailedException e)
        {
            failure = e.Message;
        }
        catch (Exception e)
        {
            failure = e.ToString();
        }

        return new SeedResult(name, seed, world.Hash, world.Engine.Journal.Steps, world.Now, failure);
    }

    private static T Load<T>(string name, JsonTypeInfo<T> type)
    {
        using Stream json = typeof(Scenario).Assembly.GetManifestResourceStream($"{name}.json")
            ?? throw new ArgumentException($"there is no scenario '{name}'; there are {string.Join(", ", Names)}", nameof(name));
        return JsonSerializer.Deserialize(json, type)!;
    }
}

/// <summary>How one story ended.</summary>
/// <param name="Scenario">Its name.</param>
/// <param name="Seed">What decided it.</param>
/// <param name="Hash">SHA-256 over every delivery, every byte on a wire, every write to a disk.</param>
/// <param name="Steps">How many of those there were.</param>
/// <param name="VirtualTime">How long it took in its own time.</param>
/// <param name="Failure">What happened that must not; null when all was well.</param>
public sealed record SeedResult(string Scenario, ulong Seed, string Hash, long Steps, TimeSpan VirtualTime, string? Failure)
{
    /// <summary>What was measured, for people to read; null for stories that measure nothing.</summary>
    public string? Report { get; init; }
}
