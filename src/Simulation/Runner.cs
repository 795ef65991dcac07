using System.Diagnostics;
using System.Globalization;

namespace HyperActors.Simulation;

/// <summary>The command line: one seed with its hash, or many until one fails.</summary>
internal static class Runner
{
    private const string Help = """
        simulation [--scenario NAME] --seed N [--trace]     tells one story, prints the hash over all that happened
        simulation [--scenario NAME] --seeds N [--from N]   tells many, stops at the first that fails

        --scenario   feed-small (the default), feed-large, copy, copy-udx, dht, dht-small, soak
        --trace      a line for each delivery, each piece on a wire, each write to a disk
        --hours      how long a soak is; 24 when not said
        --jobs       stories at a time; one a processor when not said
        """;

    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter errors)
    {
        string scenario = "feed-small";
        ulong? seed = null;
        ulong from = 1;
        ulong? seeds = null;
        int? hours = null;
        int jobs = Environment.ProcessorCount;
        bool traces = false;
        try
        {
            for (int i = 0; i < args.Count; i++)
            {
                switch (args[i])
                {
                    case "--scenario":
                        scenario = args[++i];
                        break;
                    case "--seed":
                        seed = ulong.Parse(args[++i], CultureInfo.InvariantCulture);
                        break;
                    case "--seeds":
                        seeds = ulong.Parse(args[++i], CultureInfo.InvariantCulture);
                        break;
                    case "--from":
                        from = ulong.Parse(args[++i], CultureInfo.InvariantCulture);
                        break;
                    case "--hours":
                        hours = int.Parse(args[++i], CultureInfo.InvariantCulture);
                        break;
                    case "--jobs":
                        jobs = int.Parse(args[++i], CultureInfo.InvariantCulture);
                        break;
                    case "--trace":
                        traces = true;
                        break;
                    case "--help" or "-h":
                        output.WriteLine(Help);
                        return 0;
                    default:
                        throw new FormatException($"'{args[i]}' is not known");
                }
            }

            if (!Scenario.Names.Contains(scenario, StringComparer.Ordinal) || (seed is null) == (seeds is null) || jobs < 1 || hours < 2)
            {
                throw new FormatException("either --seed or --seeds, and a scenario that there is");
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentOutOfRangeException)
        {
            errors.WriteLine($"simulation: {e.Message}");
            errors.WriteLine(Help);
            return 2;
        }

        return seed is { } one ? RunOne(scenario, one, hours, traces, output) : RunMany(scenario, from, seeds!.Value, hours, jobs, output);
    }

    private static int RunOne(string scenario, ulong seed, int? hours, bool traces, TextWriter output)
    {
        SeedResult result = Scenario.Run(scenario, seed, traces ? output.WriteLine : null, hours);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario} seed {seed}: {result.Steps} steps in {result.VirtualTime.TotalSeconds:F3} s of virtual time, sha256 {result.Hash}"));
        output.Write(result.Report);
        return Report(result, output);
    }

    private static int RunMany(string scenario, ulong from, ulong count, int? hours, int jobs, TextWriter output)
    {
        SeedResult? failure = null;
        ulong next = from;
        ulong done = 0;
        var gate = new Lock();
        var watch = Stopwatch.StartNew();
        TimeSpan told = TimeSpan.Zero;
        Thread[] threads = [.. Enumerable.Range(0, jobs).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Tell();
        return failure is null ? 0 : Report(failure, output);

        void Work()
        {
            while (true)
            {
                ulong seed;
                lock (gate)
                {
                    if (failure is not null || next - from >= count)
                    {
                        return;
                    }

                    seed = next++;
                }

                SeedResult result = Scenario.Run(scenario, seed, null, hours);
                lock (gate)
                {
                    done++;
                    failure ??= result.Failure is null ? null : result;
                    if (watch.Elapsed - told > TimeSpan.FromSeconds(10))
                    {
                        told = watch.Elapsed;
                        Tell();
                    }
                }
            }
        }

        void Tell() => output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario}: {done} of {count} seeds from {from} in {watch.Elapsed.TotalSeconds:F1} s, {done / watch.Elapsed.TotalMinutes:F0} seeds a minute"));
    }

    private static int Report(SeedResult result, TextWriter output)
    {
        if (result.Failure is null)
        {
            return 0;
        }

        output.WriteLine($"FAILED: {result.Failure}");
        output.WriteLine($"repeat with: ./build.sh simulate --scenario {result.Scenario} --seed {result.Seed}");
        return 1;
    }
}
