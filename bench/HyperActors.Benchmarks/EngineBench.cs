using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace HyperActors.Benchmarks;

/// <summary>The engine beside two bare mailboxes that do nothing else: what names, supervision and timers cost.</summary>
/// <remarks>
/// Plain runs in one process, medians of them. The bare ones have no lifecycle, no failure handling and no sender:
/// the work-item mailbox is the least that can be written on .NET, so it is the limit, not a competitor.
/// </remarks>
public static class EngineBench
{
    private const int Runs = 7;
    private const int WarmUps = 3;
    private const int Tells = 4_000_000;
    private const int Hops = 1_000_000;
    private const int IdleActors = 100_000;
    private const int RingSize = 10;

    /// <summary>Prints the table; with <c>--json</c> prints it for machines. Arguments name the rows to run.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        bool json = args.Contains("--json", StringComparer.Ordinal);
        string[] wanted = [.. args.Where(a => !a.StartsWith('-'))];
        IEngine[] engines = [new KernelEngine(), new WorkItemEngine(), new ChannelEngine()];
        Row[] rows =
        [
            new("tell", "M/s", e => Rate(Tells, e.Tell(Tells, fresh: false))),
            new("tell, a new message each", "M/s", e => Rate(Tells, e.Tell(Tells, fresh: true))),
            new("ping-pong, 1 in flight", "M/s", e => Rate(Hops, e.PingPong(Hops, 1))),
            new("ping-pong, 100 in flight", "M/s", e => Rate(Hops * 4, e.PingPong(Hops * 4, 100))),
            new("ring of ten, 1 in flight", "M/s", e => Rate(Hops, e.Ring(RingSize, Hops, 1))),
            new("ring of ten, 100 in flight", "M/s", e => Rate(Hops * 4, e.Ring(RingSize, Hops * 4, 100))),
            new("idle actor", "B", e => e.BytesPerIdle(IdleActors)),
            new("spawn", "k/s", e => IdleActors / e.Spawn(IdleActors).TotalSeconds / 1000),
            new("allocated per tell", "B", e => e.BytesPerTell(Tells)),
        ];
        if (!json)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} cores, median of {Runs}"));
            Console.WriteLine();
            Console.WriteLine($"| {"row",-27} | {"unit",4} | {"engine",8} | {"work item",9} | {"channel",8} | engine / work item |");
            Console.WriteLine($"|{new string('-', 29)}|{new string('-', 6)}|{new string('-', 10)}|{new string('-', 11)}|{new string('-', 10)}|{new string('-', 20)}|");
        }

        foreach (Row row in rows)
        {
            if (wanted.Length > 0 && !wanted.Any(w => row.Name.Contains(w, StringComparison.Ordinal)))
            {
                continue;
            }

            double[] medians = Medians(row, engines);
            Print(row, medians, json);
        }

        if (wanted.Length == 0 || wanted.Any(w => MetersBench.RowName.Contains(w, StringComparison.Ordinal)))
        {
            await MetersBench.RunAsync(json);
        }

        return 0;
    }

    /// <summary>The engines take turns, so that a machine that slows down slows them all.</summary>
    private static double[] Medians(Row row, IEngine[] engines)
    {
        double[][] figures = [.. engines.Select(_ => new double[Runs])];
        for (int run = 0; run < WarmUps; run++)
        {
            foreach (IEngine engine in engines)
            {
                row.Measure(engine);
            }
        }

        for (int run = 0; run < Runs; run++)
        {
            for (int e = 0; e < engines.Length; e++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                figures[e][run] = row.Measure(engines[e]);
            }
        }

        return [.. figures.Select(f => f.Order().ElementAt(Runs / 2))];
    }

    private static void Print(Row row, double[] medians, bool json)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (json)
        {
            Console.WriteLine(string.Create(
                culture,
                $"{{\"row\":\"{row.Name}\",\"unit\":\"{row.Unit}\",\"engine\":{medians[0]:F2},\"workItem\":{medians[1]:F2},\"channel\":{medians[2]:F2}}}"));
        }
        else
        {
            string ratio = medians[1] > 0 ? (medians[0] / medians[1]).ToString("P0", culture) : "-";
            Console.WriteLine(string.Create(
                culture,
                $"| {row.Name,-27} | {row.Unit,4} | {medians[0],8:F2} | {medians[1],9:F2} | {medians[2],8:F2} | {ratio,18} |"));
        }
    }

    private static double Rate(int count, TimeSpan time) => count / time.TotalSeconds / 1e6;

    private sealed record Row(string Name, string Unit, Func<IEngine, double> Measure);
}

/// <summary>What every row asks of a mailbox.</summary>
internal interface IEngine
{
    /// <summary>One producer, one receiver: from the first tell to the last message handled.</summary>
    TimeSpan Tell(int count, bool fresh);

    TimeSpan PingPong(int hops, int inFlight);

    TimeSpan Ring(int size, int hops, int inFlight);

    double BytesPerIdle(int count);

    TimeSpan Spawn(int count);

    double BytesPerTell(int count);
}

/// <summary>A message that carries how often it is to be passed on.</summary>
internal sealed class Token(int left)
{
    public int Left = left;
}

/// <summary>Waits until so many have come.</summary>
internal sealed class Finish(int count)
{
    private readonly ManualResetEventSlim _done = new();
    private int _left = count;

    public void One()
    {
        if (Interlocked.Decrement(ref _left) == 0)
        {
            _done.Set();
        }
    }

    public void Wait() => _done.Wait();
}

/// <summary>A stretch of time, and of memory.</summary>
internal static class Measure
{
    public static TimeSpan Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start);
    }

    public static double BytesKept(int count, Func<object> make)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        object kept = make();
        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(kept);
        return (after - before) / (double)count;
    }
}
