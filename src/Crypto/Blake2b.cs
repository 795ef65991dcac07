using HyperActors.Crypto.Interop;

namespace HyperActors.Crypto;

/// <summary>BLAKE2b (RFC 7693), digests of 16 to 64 bytes.</summary>
/// <remarks>The digest length is part of what is hashed: 32 bytes are not the first half of 64.</remarks>
public static unsafe class Blake2b
{
    /// <summary>Below this many bytes a hash takes well under a microsecond, and the runtime's bookkeeping would show.</summary>
    internal const int ShortInput = 512;

    /// <summary>Hashes <paramref name="input"/> into all of <paramref name="output"/> (16 to 64 bytes).</summary>
    public static void Hash(ReadOnlySpan<byte> input, Span<byte> output) => Keyed(default, input, output);

    /// <summary>Hashes under a key of at most 64 bytes.</summary>
    public static void Keyed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input, Span<byte> output)
    {
        Invariant.Hold(output.Length is >= 16 and <= 64);
        Invariant.Hold(key.Length <= 64);
        fixed (byte* o = output, i = input, k = key)
        {
            int result = input.Length <= ShortInput
                ? Libsodium.GenericHashShort(o, (nuint)output.Length, i, (ulong)input.Length, k, (nuint)key.Length)
                : Libsodium.GenericHash(o, (nuint)output.Length, i, (ulong)input.Length, k, (nuint)key.Length);
            Invariant.Hold(result == 0);
        }
    }

    /// <summary>Hashes two inputs as if they were one, without joining them in memory.</summary>
    public static void Concat(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> output) =>
        Concat(default, first, second, default, output);

    /// <summary>Hashes up to three inputs as if they were one, under a key of at most 64 bytes when one is given.</summary>
    public static void Concat(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, Span<byte> output)
    {
        Invariant.Hold(output.Length is >= 16 and <= 64);
        Invariant.Hold(key.Length <= 64);

        // libsodium wants its state on a 64-byte boundary.
        byte* room = stackalloc byte[Libsodium.GenericHashStateSize + Libsodium.GenericHashStateAlignment];
        const nuint Mask = Libsodium.GenericHashStateAlignment - 1;
        var state = (byte*)(((nuint)room + Mask) & ~Mask);
        fixed (byte* k = key, o = output)
        {
            Invariant.Hold(Libsodium.GenericHashInit(state, k, (nuint)key.Length, (nuint)output.Length) == 0);
            Update(state, first);
            Update(state, second);
            Update(state, third);
            Invariant.Hold(Libsodium.GenericHashFinal(state, o, (nuint)output.Length) == 0);
        }
    }

    /// <summary>BLAKE2b-256 by value.</summary>
    public static Hash Hash256(ReadOnlySpan<byte> input)
    {
        Span<byte> output = stackalloc byte[Crypto.Hash.Size];
        Hash(input, output);
        return new Hash(output);
    }

    private static void Update(byte* state, ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        fixed (byte* i = input)
        {
            int result = input.Length <= ShortInput
                ? Libsodium.GenericHashUpdateShort(state, i, (ulong)input.Length)
                : Libsodium.GenericHashUpdate(state, i, (ulong)input.Length);
            Invariant.Hold(result == 0);
        }
    }
}
