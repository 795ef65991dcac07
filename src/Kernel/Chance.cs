namespace HyperActors.Kernel;

/// <summary>Numbers from a seed: SplitMix64, the same on every machine. Not for secrets.</summary>
internal sealed class Chance(ulong seed)
{
    private readonly Lock _lock = new();
    private ulong _state = seed;

    public ulong Next()
    {
        lock (_lock)
        {
            ulong z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }

    /// <summary>A number below <paramref name="bound"/>.</summary>
    public int Next(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>A number from 0 to 1, without 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));
}
