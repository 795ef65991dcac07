using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace HyperActors.TestKit;

/// <summary>Laws over generated values: a law that fails says for which values, and the seed that repeats it.</summary>
/// <remarks>
/// <c>HYPERACTORS_SEED=seed,gamma</c> (the two numbers that a failure prints) repeats a run,
/// <c>HYPERACTORS_CASES=n</c> makes runs longer.
/// </remarks>
public static class Check
{
    /// <summary>Holds a law over values of one type.</summary>
    public static void That<T>(Func<T, bool> law, int cases = 100) => Run(Prop.ForAll(law), cases);

    /// <summary>Holds a law over values of two types.</summary>
    public static void That<T1, T2>(Func<T1, T2, bool> law, int cases = 100) => Run(Prop.ForAll(law), cases);

    /// <summary>Holds a law over values of three types.</summary>
    public static void That<T1, T2, T3>(Func<T1, T2, T3, bool> law, int cases = 100) => Run(Prop.ForAll(law), cases);

    /// <summary>Holds a law over the values of a generator.</summary>
    public static void That<T>(Gen<T> values, Func<T, bool> law, int cases = 100) =>
        Run(Prop.ForAll(values.ToArbitrary(), law), cases);

    private static void Run(Property law, int cases)
    {
        Config config = Config.QuickThrowOnFailure.WithMaxTest(CasesFromEnvironment() ?? cases);
        if (SeedFromEnvironment() is { } seed)
        {
            config = config.WithReplay(seed);
        }

        FsCheck.Check.One(config, law);
    }

    private static int? CasesFromEnvironment() =>
        Environment.GetEnvironmentVariable("HYPERACTORS_CASES") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : null;

    private static Replay? SeedFromEnvironment()
    {
        if (Environment.GetEnvironmentVariable("HYPERACTORS_SEED") is not { Length: > 0 } text)
        {
            return null;
        }

        string[] parts = text.Split(',');
        return new Replay(
            new Rnd(ulong.Parse(parts[0], CultureInfo.InvariantCulture), ulong.Parse(parts[1], CultureInfo.InvariantCulture)),
            Microsoft.FSharp.Core.FSharpOption<int>.None);
    }
}
