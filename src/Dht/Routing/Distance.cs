using System.Buffers.Binary;
using System.Numerics;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Kademlia's metric: two ids are as far apart as their exclusive or is large.</summary>
public static class Distance
{
    /// <summary>Buckets of a table: one per bit of an id.</summary>
    public const int Buckets = 256;

    /// <summary>How many leading bits two ids share, 255 at most: the bucket of one in the table of the other.</summary>
    public static int BucketOf(in Hash tableId, in Hash id)
    {
        ReadOnlySpan<byte> left = tableId.AsSpan();
        ReadOnlySpan<byte> right = id.AsSpan();
        for (int i = 0; i < Hash.Size; i += sizeof(ulong))
        {
            ulong difference = BinaryPrimitives.ReadUInt64BigEndian(left[i..]) ^ BinaryPrimitives.ReadUInt64BigEndian(right[i..]);
            if (difference != 0)
            {
                return (i * 8) + BitOperations.LeadingZeroCount(difference);
            }
        }

        return Buckets - 1;
    }

    /// <summary>Negative when <paramref name="left"/> is nearer to <paramref name="target"/> than <paramref name="right"/>.</summary>
    public static int Compare(in Hash target, in Hash left, in Hash right)
    {
        ReadOnlySpan<byte> t = target.AsSpan();
        ReadOnlySpan<byte> l = left.AsSpan();
        ReadOnlySpan<byte> r = right.AsSpan();
        for (int i = 0; i < Hash.Size; i += sizeof(ulong))
        {
            ulong center = BinaryPrimitives.ReadUInt64BigEndian(t[i..]);
            int order = (BinaryPrimitives.ReadUInt64BigEndian(l[i..]) ^ center)
                .CompareTo(BinaryPrimitives.ReadUInt64BigEndian(r[i..]) ^ center);
            if (order != 0)
            {
                return order;
            }
        }

        return 0;
    }

    internal static int CompareIds(in Hash left, in Hash right) => left.AsSpan().SequenceCompareTo(right.AsSpan());
}
