using System.Diagnostics;
using System.Globalization;
using HyperActors.Benchmarks.Harness;

namespace HyperActors.Benchmarks;

/// <summary>What the engine's meters cost while nobody listens: a tell with them, and with them compiled out.</summary>
/// <remarks>
/// In processes of their own, in turns: the switch is read once, and the compiler leaves out what it forbids. On one core: what
/// a process gets of two differs by a third from one process to the next. Each says its best run: both do the same work, so whatever
/// is slower than the best was somebody else's doing.
/// </remarks>
internal static class MetersBench
{
    public const string RowName = "tell, nobody listens";
    public const string ChildName = "engine-tell";

    private const string Switch = "HyperActors.Kernel.Meters";
    private const string Off = "without-meters";
    private const int Pairs = 11;
    private const int WarmUps = 5;
    private const int Runs = 15;
    private const int Tells = 2_000_000;

    /// <summary>Measures tells in this process.</summary>
    public static int RunChild(string[] arguments)
    {
        AppContext.SetSwitch(Switch, !arguments.Contains(Off, StringComparer.Ordinal));
        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
        {
            using var self = Process.GetCurrentProcess();
            self.ProcessorAffinity = 1 << Math.Min(Environment.ProcessorCount - 1, 30);
        }

        var engine = new KernelEngine();
        var times = new List<TimeSpan>();
        for (int run = 0; run < WarmUps + Runs; run++)
        {
            TimeSpan time = engine.Tell(Tells, fresh: false);
            if (run >= WarmUps)
            {
                times.Add(time);
            }
        }

        Console.WriteLine(new Measurement(Tells, 0, times.Min().TotalSeconds).ToLine());
        return 0;
    }

    /// <summary>Prints the row.</summary>
    public static async Task RunAsync(bool isJson)
    {
        var with = new List<Measurement>();
        var without = new List<Measurement>();
        for (int pair = 0; pair < Pairs; pair++)
        {
            with.Add(await MeasureAsync(ChildName));
            without.Add(await MeasureAsync(ChildName, Off));
        }

        double ours = Measurement.Median(with).BlocksPerSecond / 1e6;
        double bare = Measurement.Median(without).BlocksPerSecond / 1e6;
        CultureInfo culture = CultureInfo.InvariantCulture;
        Console.WriteLine(isJson
            ? string.Create(culture, $"{{\"row\":\"{RowName}\",\"unit\":\"M/s\",\"engine\":{ours:F2},\"withoutMeters\":{bare:F2}}}")
            : string.Create(culture, $"\n{RowName}: {ours:F2} M/s; without meters: {bare:F2} M/s; {ours / bare:P1}"));
    }

    private static async Task<Measurement> MeasureAsync(params string[] arguments)
    {
        await using Child child = Child.HyperActors(arguments);
        return await child.MeasurementAsync();
    }
}
