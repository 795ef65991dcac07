using System.Buffers.Binary;
using System.Numerics;
using HyperActors.Crypto.Interop;

namespace HyperActors.Crypto;

/// <summary>The door to chance: the system's, or a run that a seed decides.</summary>
public abstract class RandomSource
{
    /// <summary>Random bytes of the operating system, fit for keys. Safe for use from any thread.</summary>
    public static RandomSource System { get; } = new SystemSource();

    /// <summary>A sequence that the seed decides, for simulation and tests; never for keys. One thread at a time.</summary>
    public static RandomSource Seeded(ulong seed) => new SeededSource(seed);

    /// <summary>Fills all of <paramref name="output"/>.</summary>
    public abstract void Fill(Span<byte> output);

    /// <summary>Sixty-four random bits.</summary>
    public virtual ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>A number from 0 to <paramref name="maxExclusive"/> - 1, each as likely as the others to within 2^-32.</summary>
    public int NextInt32(int maxExclusive)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxExclusive);
        return (int)Math.BigMul(NextUInt64(), (ulong)maxExclusive, out _);
    }

    /// <summary>A number from 0 to <paramref name="maxExclusive"/> - 1.</summary>
    public ulong NextUInt64(ulong maxExclusive)
    {
        ArgumentOutOfRangeException.ThrowIfZero(maxExclusive);
        return Math.BigMul(NextUInt64(), maxExclusive, out _);
    }

    /// <summary>A number from 0 up to, but not including, 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    private sealed class SystemSource : RandomSource
    {
        public override unsafe void Fill(Span<byte> output)
        {
            fixed (byte* o = output)
            {
                Libsodium.RandomBytes(o, (nuint)output.Length);
            }
        }
    }

    /// <summary>xoshiro256** (Blackman and Vigna), its state filled by SplitMix64.</summary>
    private sealed class SeededSource : RandomSource
    {
        private ulong _s0;
        private ulong _s1;
        private ulong _s2;
        private ulong _s3;

        public SeededSource(ulong seed)
        {
            _s0 = SplitMix(ref seed);
            _s1 = SplitMix(ref seed);
            _s2 = SplitMix(ref seed);
            _s3 = SplitMix(ref seed);
        }

        public override ulong NextUInt64()
        {
            ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
            ulong t = _s1 << 17;
            _s2 ^= _s0;
            _s3 ^= _s1;
            _s1 ^= _s2;
            _s0 ^= _s3;
            _s2 ^= t;
            _s3 = BitOperations.RotateLeft(_s3, 45);
            return result;
        }

        public override void Fill(Span<byte> output)
        {
            while (output.Length >= 8)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(output, NextUInt64());
                output = output[8..];
            }

            if (output.IsEmpty)
            {
                return;
            }

            Span<byte> last = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(last, NextUInt64());
            last[..output.Length].CopyTo(output);
        }

        private static ulong SplitMix(ref ulong state)
        {
            state += 0x9e37_79b9_7f4a_7c15;
            ulong z = state;
            z = (z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9;
            z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
            return z ^ (z >> 31);
        }
    }
}
