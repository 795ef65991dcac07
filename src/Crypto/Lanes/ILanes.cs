using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HyperActors.Crypto.Lanes;

/// <summary>Several 64-bit words side by side, one of each message that is hashed at the same time.</summary>
internal interface ILanes<TVector>
    where TVector : struct
{
    static abstract bool IsSupported { get; }

    static abstract int Count { get; }

    static abstract TVector Splat(ulong value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Xor(TVector a, TVector b);

    static abstract TVector RotateRight32(TVector a);

    static abstract TVector RotateRight24(TVector a);

    static abstract TVector RotateRight16(TVector a);

    static abstract TVector RotateRight63(TVector a);
}

/// <summary>Eight lanes of AVX-512.</summary>
internal readonly struct EightLanes : ILanes<Vector512<ulong>>
{
    public static bool IsSupported => Avx512F.IsSupported;

    public static int Count => 8;

    public static Vector512<ulong> Splat(ulong value) => Vector512.Create(value);

    public static Vector512<ulong> Add(Vector512<ulong> a, Vector512<ulong> b) => a + b;

    public static Vector512<ulong> Xor(Vector512<ulong> a, Vector512<ulong> b) => a ^ b;

    public static Vector512<ulong> RotateRight32(Vector512<ulong> a) => Avx512F.RotateRight(a, 32);

    public static Vector512<ulong> RotateRight24(Vector512<ulong> a) => Avx512F.RotateRight(a, 24);

    public static Vector512<ulong> RotateRight16(Vector512<ulong> a) => Avx512F.RotateRight(a, 16);

    public static Vector512<ulong> RotateRight63(Vector512<ulong> a) => Avx512F.RotateRight(a, 63);
}

/// <summary>Four lanes of AVX2, which turns by whole bytes through shuffles and by 63 through an addition.</summary>
internal readonly struct FourLanes : ILanes<Vector256<ulong>>
{
    private static readonly Vector256<byte> s_rotate24 = Vector256.Create(
        (byte)3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);

    private static readonly Vector256<byte> s_rotate16 = Vector256.Create(
        (byte)2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);

    public static bool IsSupported => Avx2.IsSupported;

    public static int Count => 4;

    public static Vector256<ulong> Splat(ulong value) => Vector256.Create(value);

    public static Vector256<ulong> Add(Vector256<ulong> a, Vector256<ulong> b) => a + b;

    public static Vector256<ulong> Xor(Vector256<ulong> a, Vector256<ulong> b) => a ^ b;

    public static Vector256<ulong> RotateRight32(Vector256<ulong> a) =>
        Avx2.Shuffle(a.AsUInt32(), 0b10_11_00_01).AsUInt64();

    public static Vector256<ulong> RotateRight24(Vector256<ulong> a) => Avx2.Shuffle(a.AsByte(), s_rotate24).AsUInt64();

    public static Vector256<ulong> RotateRight16(Vector256<ulong> a) => Avx2.Shuffle(a.AsByte(), s_rotate16).AsUInt64();

    public static Vector256<ulong> RotateRight63(Vector256<ulong> a) => (a + a) ^ Vector256.ShiftRightLogical(a, 63);
}
