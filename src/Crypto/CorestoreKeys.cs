using System.Security.Cryptography;
using System.Text;

namespace HyperActors.Crypto;

/// <summary>Named key pairs that grow from one primary key, as Corestore grows them (docs/crypto.md#corestore-derivation).</summary>
public static class CorestoreKeys
{
    /// <summary>The size of a primary key and of a namespace in bytes.</summary>
    public const int PrimaryKeySize = 32;

    /// <summary>The namespace of a store that names none: 32 zero bytes.</summary>
    public static Hash RootNamespace => default;

    /// <summary>The namespace called <paramref name="name"/> below another.</summary>
    public static Hash ChildNamespace(in Hash parent, string name)
    {
        Span<byte> digest = stackalloc byte[Hash.Size];
        Blake2b.Concat(parent.AsSpan(), Encoding.UTF8.GetBytes(name), digest);
        return new Hash(digest);
    }

    /// <summary>The key pair called <paramref name="name"/>: the same for the same primary key, namespace and name.</summary>
    public static KeyPair Derive(ReadOnlySpan<byte> primaryKey, in Hash ns, string name)
    {
        Invariant.Hold(primaryKey.Length == PrimaryKeySize);
        Span<byte> seed = stackalloc byte[KeyPair.SeedSize];
        Blake2b.Concat(primaryKey, Namespaces.Corestore, ns.AsSpan(), Encoding.UTF8.GetBytes(name), seed);
        KeyPair pair = KeyPair.FromSeed(seed);
        CryptographicOperations.ZeroMemory(seed);
        return pair;
    }
}
