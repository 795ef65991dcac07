using HyperActors.TestKit;

namespace HyperActors.Crypto.Tests;

public class RandomSourceTests
{
    [Fact]
    public void The_same_seed_gives_the_same_sequence() => Check.That<ulong, int>((seed, length) =>
    {
        byte[] first = new byte[Math.Abs(length % 100)];
        byte[] second = new byte[first.Length];
        RandomSource a = RandomSource.Seeded(seed);
        RandomSource b = RandomSource.Seeded(seed);
        a.Fill(first);
        b.Fill(second);
        return first.AsSpan().SequenceEqual(second) && a.NextUInt64() == b.NextUInt64() && a.NextInt32(7) == b.NextInt32(7);
    });

    [Fact]
    public void The_sequence_of_a_seed_never_changes()
    {
        RandomSource random = RandomSource.Seeded(42);
        Assert.Equal(
            [0x15780b2e0c2ec716, 0x6104d9866d113a7e, 0xae17533239e499a1],
            new[] { random.NextUInt64(), random.NextUInt64(), random.NextUInt64() });
    }

    [Fact]
    public void Numbers_stay_below_their_bound() => Check.That<ulong, int>((seed, bound) =>
    {
        RandomSource random = RandomSource.Seeded(seed);
        int max = (bound & int.MaxValue) | 1;
        int number = random.NextInt32(max);
        double share = random.NextDouble();
        return number >= 0 && number < max && random.NextUInt64((ulong)max) < (ulong)max && share >= 0 && share < 1;
    });

    [Fact]
    public void A_bound_of_nothing_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomSource.System.NextInt32(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomSource.System.NextUInt64(0));
    }

    [Fact]
    public void The_system_fills_every_byte()
    {
        // A byte that 64 draws leave at zero every time would have a chance of 2^-512.
        byte[] seen = new byte[100];
        byte[] draw = new byte[100];
        for (int i = 0; i < 64; i++)
        {
            RandomSource.System.Fill(draw);
            for (int j = 0; j < draw.Length; j++)
            {
                seen[j] |= draw[j];
            }
        }

        Assert.DoesNotContain((byte)0, seen);
    }
}
