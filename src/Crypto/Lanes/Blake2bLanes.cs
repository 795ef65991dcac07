using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HyperActors.Crypto.Lanes;

/// <summary>BLAKE2b-256 (RFC 7693, unkeyed) of several messages of one length at the same time, a message a lane.</summary>
internal static unsafe class Blake2bLanes<TLanes, TVector>
    where TLanes : ILanes<TVector>
    where TVector : struct
{
    private const int ChunkSize = 128;
    private const int Words = 16;
    private const int Rounds = 12;

    // Digest of 32 bytes, no key, fanout and depth 1: the first word of the parameter block.
    private const ulong Parameters = 0x0101_0020;

    private static ReadOnlySpan<ulong> Iv =>
    [
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    ];

    private static ReadOnlySpan<byte> Sigma =>
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
        11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
        7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
        9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
        2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
        12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
        13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
        6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
        10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
    ];

    /// <summary>Hashes the same prefix (shorter than a chunk) followed by a body of each lane.</summary>
    /// <param name="prefixes">Where the prefix of each lane starts.</param>
    /// <param name="prefixLength">The length of a prefix, 0 to 127 bytes.</param>
    /// <param name="bodies">Where the body of each lane starts.</param>
    /// <param name="bodyLength">The length of every body, in bytes.</param>
    /// <param name="output">Room for a digest a lane.</param>
    public static void Hash(byte** prefixes, int prefixLength, byte** bodies, int bodyLength, Span<Hash> output)
    {
        int lanes = TLanes.Count;
        ulong total = (ulong)prefixLength + (ulong)bodyLength;
        State h = default;
        for (int i = 0; i < 8; i++)
        {
            h[i] = TLanes.Splat(i == 0 ? Iv[0] ^ Parameters : Iv[i]);
        }

        Message m = default;
        var words = (ulong*)Unsafe.AsPointer(ref Unsafe.As<Message, ulong>(ref m));
        byte* edge = stackalloc byte[ChunkSize];

        ulong done = 0;
        do
        {
            ulong end = Math.Min(done + ChunkSize, total);
            bool isWhole = done >= (ulong)prefixLength && end - done == ChunkSize;
            for (int lane = 0; lane < lanes; lane++)
            {
                byte* chunk;
                if (isWhole)
                {
                    chunk = bodies[lane] + (done - (ulong)prefixLength);
                }
                else
                {
                    chunk = edge;
                    FillEdge(edge, done, end, prefixes[lane], prefixLength, bodies[lane]);
                }

                for (int word = 0; word < Words; word++)
                {
                    words[(word * lanes) + lane] = Unsafe.ReadUnaligned<ulong>(chunk + (word * 8));
                }
            }

            Compress(ref h, ref m, end, isLast: end == total);
            done = end;
        }
        while (done < total);

        var digest = (ulong*)Unsafe.AsPointer(ref Unsafe.As<State, ulong>(ref h));
        Span<ulong> one = stackalloc ulong[4];
        for (int lane = 0; lane < lanes; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                one[i] = digest[(i * lanes) + lane];
            }

            output[lane] = new Hash(MemoryMarshal.AsBytes(one));
        }
    }

    // The first chunk holds the prefix, the last one zeros behind the end.
    private static void FillEdge(byte* edge, ulong from, ulong end, byte* prefix, int prefixLength, byte* body)
    {
        var chunk = new Span<byte>(edge, ChunkSize);
        chunk.Clear();
        int filled = 0;
        if (from < (ulong)prefixLength)
        {
            filled = (int)(Math.Min(end, (ulong)prefixLength) - from);
            new ReadOnlySpan<byte>(prefix + from, filled).CopyTo(chunk);
        }

        int rest = (int)(end - from) - filled;
        new ReadOnlySpan<byte>(body + (from + (ulong)filled - (ulong)prefixLength), rest).CopyTo(chunk[filled..]);
    }

    private static void Compress(ref State h, ref Message m, ulong counter, bool isLast)
    {
        TVector v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
        TVector v8 = TLanes.Splat(Iv[0]), v9 = TLanes.Splat(Iv[1]), v10 = TLanes.Splat(Iv[2]), v11 = TLanes.Splat(Iv[3]);
        TVector v12 = TLanes.Splat(Iv[4] ^ counter), v13 = TLanes.Splat(Iv[5]);
        TVector v14 = TLanes.Splat(isLast ? ~Iv[6] : Iv[6]), v15 = TLanes.Splat(Iv[7]);

        ref byte s = ref MemoryMarshal.GetReference(Sigma);
        ref TVector w = ref Unsafe.As<Message, TVector>(ref m);
        for (int round = 0; round < Rounds; round++)
        {
            Mix(ref v0, ref v4, ref v8, ref v12, Unsafe.Add(ref w, s), Unsafe.Add(ref w, Unsafe.Add(ref s, 1)));
            Mix(ref v1, ref v5, ref v9, ref v13, Unsafe.Add(ref w, Unsafe.Add(ref s, 2)), Unsafe.Add(ref w, Unsafe.Add(ref s, 3)));
            Mix(ref v2, ref v6, ref v10, ref v14, Unsafe.Add(ref w, Unsafe.Add(ref s, 4)), Unsafe.Add(ref w, Unsafe.Add(ref s, 5)));
            Mix(ref v3, ref v7, ref v11, ref v15, Unsafe.Add(ref w, Unsafe.Add(ref s, 6)), Unsafe.Add(ref w, Unsafe.Add(ref s, 7)));
            Mix(ref v0, ref v5, ref v10, ref v15, Unsafe.Add(ref w, Unsafe.Add(ref s, 8)), Unsafe.Add(ref w, Unsafe.Add(ref s, 9)));
            Mix(ref v1, ref v6, ref v11, ref v12, Unsafe.Add(ref w, Unsafe.Add(ref s, 10)), Unsafe.Add(ref w, Unsafe.Add(ref s, 11)));
            Mix(ref v2, ref v7, ref v8, ref v13, Unsafe.Add(ref w, Unsafe.Add(ref s, 12)), Unsafe.Add(ref w, Unsafe.Add(ref s, 13)));
            Mix(ref v3, ref v4, ref v9, ref v14, Unsafe.Add(ref w, Unsafe.Add(ref s, 14)), Unsafe.Add(ref w, Unsafe.Add(ref s, 15)));
            s = ref Unsafe.Add(ref s, Words);
        }

        h[0] = TLanes.Xor(h[0], TLanes.Xor(v0, v8));
        h[1] = TLanes.Xor(h[1], TLanes.Xor(v1, v9));
        h[2] = TLanes.Xor(h[2], TLanes.Xor(v2, v10));
        h[3] = TLanes.Xor(h[3], TLanes.Xor(v3, v11));
        h[4] = TLanes.Xor(h[4], TLanes.Xor(v4, v12));
        h[5] = TLanes.Xor(h[5], TLanes.Xor(v5, v13));
        h[6] = TLanes.Xor(h[6], TLanes.Xor(v6, v14));
        h[7] = TLanes.Xor(h[7], TLanes.Xor(v7, v15));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref TVector a, ref TVector b, ref TVector c, ref TVector d, TVector x, TVector y)
    {
        a = TLanes.Add(TLanes.Add(a, b), x);
        d = TLanes.RotateRight32(TLanes.Xor(d, a));
        c = TLanes.Add(c, d);
        b = TLanes.RotateRight24(TLanes.Xor(b, c));
        a = TLanes.Add(TLanes.Add(a, b), y);
        d = TLanes.RotateRight16(TLanes.Xor(d, a));
        c = TLanes.Add(c, d);
        b = TLanes.RotateRight63(TLanes.Xor(b, c));
    }

    [InlineArray(8)]
    private struct State
    {
        private TVector _first;
    }

    [InlineArray(Words)]
    private struct Message
    {
        private TVector _first;
    }
}
