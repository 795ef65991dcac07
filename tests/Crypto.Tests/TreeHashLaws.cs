using System.Runtime.Intrinsics;
using FsCheck.Fluent;
using HyperActors.Crypto.Lanes;
using HyperActors.TestKit;

namespace HyperActors.Crypto.Tests;

public class TreeHashLaws
{
    // Around the chunk of 128 bytes, of which the prefix takes nine in the first.
    private static readonly int[] Lengths = [0, 1, 2, 64, 118, 119, 120, 127, 128, 129, 246, 247, 248, 1024, 5000];

    private static readonly FsCheck.Gen<byte[][]> Blocks = Gen.Elements(Lengths)
        .SelectMany(length => Gen.Choose(0, 20).SelectMany(run => Gen.Choose(0, 1_000_000).Select(seed => MakeRun(length, run, seed))))
        .ListOf(4)
        .Select(runs => runs.SelectMany(run => run).ToArray());

    [Fact]
    public void Leaves_hashed_side_by_side_are_the_leaves_hashed_alone() => Check.That(Blocks, blocks =>
    {
        var output = new Hash[blocks.Length];
        TreeHash.Leaves(blocks.Select(b => (ReadOnlyMemory<byte>)b).ToArray(), output);
        return output.SequenceEqual(blocks.Select(b => TreeHash.Leaf(b)));
    });

    [Fact]
    public void Parents_hashed_side_by_side_are_the_parents_hashed_alone() => Check.That<ulong, byte>((seed, count) =>
    {
        RandomSource random = RandomSource.Seeded(seed);
        int parents = count % 40;
        ulong[] sizes = Enumerable.Range(0, 2 * parents).Select(_ => random.NextUInt64(1UL << 52)).ToArray();
        Hash[] hashes = Enumerable.Range(0, 2 * parents).Select(_ => RandomHash(random)).ToArray();
        var output = new Hash[parents];
        TreeHash.Parents(sizes, hashes, output);
        return Enumerable.Range(0, parents).All(i =>
            output[i] == TreeHash.Parent(sizes[2 * i], hashes[2 * i], sizes[(2 * i) + 1], hashes[(2 * i) + 1]));
    });

    [Fact]
    public void Eight_lanes_hash_as_libsodium_does()
    {
        if (EightLanes.IsSupported)
        {
            LanesAgree<EightLanes, Vector512<ulong>>();
        }
    }

    [Fact]
    public void Four_lanes_hash_as_libsodium_does()
    {
        if (FourLanes.IsSupported)
        {
            LanesAgree<FourLanes, Vector256<ulong>>();
        }
    }

    [Fact]
    public void The_order_of_the_children_counts()
    {
        Hash left = TreeHash.Leaf("left"u8);
        Hash right = TreeHash.Leaf("right"u8);
        Assert.NotEqual(TreeHash.Parent(4, left, 5, right), TreeHash.Parent(5, right, 4, left));
    }

    private static unsafe void LanesAgree<TLanes, TVector>()
        where TLanes : ILanes<TVector>
        where TVector : struct => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            int prefixLength = random.NextInt32(128);
            int bodyLength = random.NextInt32(1000);
            byte[] input = new byte[TLanes.Count * (prefixLength + bodyLength)];
            random.Fill(input);
            var output = new Hash[TLanes.Count];
            byte** prefixes = stackalloc byte*[TLanes.Count];
            byte** bodies = stackalloc byte*[TLanes.Count];
            fixed (byte* start = input)
            {
                for (int lane = 0; lane < TLanes.Count; lane++)
                {
                    prefixes[lane] = start + (lane * (prefixLength + bodyLength));
                    bodies[lane] = prefixes[lane] + prefixLength;
                }

                Blake2bLanes<TLanes, TVector>.Hash(prefixes, prefixLength, bodies, bodyLength, output);
            }

            return Enumerable.Range(0, TLanes.Count).All(lane =>
                output[lane] == Blake2b.Hash256(input.AsSpan(lane * (prefixLength + bodyLength), prefixLength + bodyLength)));
        },
        cases: 300);

    private static byte[][] MakeRun(int length, int run, int seed)
    {
        RandomSource random = RandomSource.Seeded((ulong)seed);
        return Enumerable.Range(0, run).Select(_ =>
        {
            byte[] block = new byte[length];
            random.Fill(block);
            return block;
        }).ToArray();
    }

    private static Hash RandomHash(RandomSource random)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        random.Fill(bytes);
        return new Hash(bytes);
    }
}
