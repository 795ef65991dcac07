using System.Globalization;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Proofs that a host receives what is sent to it: what it has to show before we store anything for it.</summary>
/// <remarks>
/// A token is BLAKE2b-256 over the dotted host, keyed with a secret. Of two secrets the second signs, both are believed;
/// every ten drains they swap places, and the one that signs next is hashed. So a token holds for 7.5 to 15 seconds.
/// </remarks>
internal sealed class TokenIssuer
{
    private readonly byte[] _secrets = new byte[2 * Hash.Size];
    private int _drainsUntilRotation = RotationDrains;

    /// <summary>Drains between rotations.</summary>
    public const int RotationDrains = 10;

    public TokenIssuer(RandomSource random) => random.Fill(_secrets);

    /// <summary>Takes over two secrets, older one first.</summary>
    internal TokenIssuer(ReadOnlySpan<byte> secrets) => secrets.CopyTo(_secrets);

    public Hash Create(uint host) => Create(host, 1);

    public bool IsValid(uint host, ReadOnlySpan<byte> token) =>
        token.SequenceEqual(Create(host, 1).AsSpan()) || token.SequenceEqual(Create(host, 0).AsSpan());

    /// <summary>Says that so many drains have passed.</summary>
    public void Drain(long drains)
    {
        // After three rotations nothing is left of what was issued: more would change nothing that anybody can see.
        drains = Math.Min(drains, 3 * RotationDrains);
        while (drains >= _drainsUntilRotation)
        {
            drains -= _drainsUntilRotation;
            _drainsUntilRotation = RotationDrains;
            Rotate();
        }

        _drainsUntilRotation -= (int)drains;
    }

    private void Rotate()
    {
        Span<byte> next = stackalloc byte[Hash.Size];
        Blake2b.Hash(_secrets.AsSpan(0, Hash.Size), next);
        _secrets.AsSpan(Hash.Size).CopyTo(_secrets);
        next.CopyTo(_secrets.AsSpan(Hash.Size));
    }

    private Hash Create(uint host, int slot)
    {
        Span<byte> text = stackalloc byte[15];
        int length = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            ((byte)(host >> shift)).TryFormat(text[length..], out int written, default, CultureInfo.InvariantCulture);
            length += written;
            if (shift > 0)
            {
                text[length++] = (byte)'.';
            }
        }

        Span<byte> token = stackalloc byte[Hash.Size];
        Blake2b.Keyed(_secrets.AsSpan(slot * Hash.Size, Hash.Size), text[..length], token);
        return new Hash(token);
    }
}
