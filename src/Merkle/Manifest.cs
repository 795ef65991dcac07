using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>One who may sign a feed, with Ed25519.</summary>
public readonly record struct Signer(Hash Namespace, PublicKey PublicKey);

/// <summary>A prefix of a feed that is fixed by the manifest instead of a signature.</summary>
public readonly record struct Prologue(Hash Hash, ulong Length);

/// <summary>Says who signs a feed; its hash is the feed's key.</summary>
/// <remarks>
/// Version 1 and later:
/// <code>
/// | version: uint | flags: uint (1 allow patch, 2 prologue, 4 linked, 8 user data) | hash: uint (0 BLAKE2b) | quorum: uint
/// | n x (0: uint | namespace: 32 | public key: 32) | [2] hash 32, length: uint | [4] n x 32 | [8] buffer |
/// </code>
/// Version 0:
/// <code>
/// | 0: uint | hash: uint | type: uint | 0: prologue hash 32; 1: a signer; 2: flags: uint, quorum: uint, n x signer |
/// </code>
/// See docs/merkle.md#manifest.
/// </remarks>
public sealed class Manifest : IEncodable, IEquatable<Manifest>
{
    /// <summary>The newest version that is understood.</summary>
    public const int MaxVersion = 3;

    /// <summary>Signers, and linked keys, at most: beyond what a feed on disk could carry in its header anyway.</summary>
    public const int MaxSigners = 1024;

    public int Version { get; init; } = 1;

    /// <summary>Whether a signer may sign a longer tree than the one that is proven.</summary>
    public bool AllowPatch { get; init; }

    /// <summary>How many signers it takes.</summary>
    public ulong Quorum { get; init; }

    public IReadOnlyList<Signer> Signers { get; init; } = [];

    public Prologue? Prologue { get; init; }

    /// <summary>Keys of feeds that belong to this one; null when there is no such list (version 2 and later).</summary>
    public IReadOnlyList<FeedKey>? Linked { get; init; }

    /// <summary>Whatever the feed's maker put there; null when there is none (version 2 and later).</summary>
    public ReadOnlyMemory<byte>? UserData { get; init; }

    /// <summary>The manifest that a feed of one writer has when nobody says otherwise: version 1, quorum 1.</summary>
    public static Manifest ForSigner(PublicKey publicKey, int version = 1) => new()
    {
        Version = version,
        Quorum = 1,
        Signers = [new Signer(new Hash(Namespaces.DefaultNamespace), publicKey)],
    };

    /// <summary>The key of the feed that this manifest describes.</summary>
    public FeedKey ToKey()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CompactWriter(buffer);
        writer.WriteFixed(Namespaces.Manifest);
        Encode(ref writer);
        Span<byte> key = stackalloc byte[FeedKey.Size];
        Blake2b.Hash(buffer.WrittenSpan, key);
        return new FeedKey(key);
    }

    /// <summary>Whether the feed is of the old kind, whose key is its only signer's public key.</summary>
    public bool IsCompat(in FeedKey key) =>
        Signers.Count == 1 && Signers[0].PublicKey.AsSpan().SequenceEqual(key.AsSpan());

    /// <summary>Whether this is the manifest of the feed with that key, be it of the new kind or the old.</summary>
    public bool Describes(in FeedKey key) => IsCompat(key) || ToKey() == key;

    public byte[] ToArray()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CompactWriter(buffer);
        Encode(ref writer);
        return buffer.WrittenSpan.ToArray();
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt((ulong)Version);
        if (Version == 0)
        {
            EncodeVersion0(ref writer);
            return;
        }

        ulong flags = (AllowPatch ? 1u : 0) | (Prologue is null ? 0 : 2u) | (Linked is null ? 0 : 4u) | (UserData is null ? 0 : 8u);
        writer.WriteUInt(flags);
        writer.WriteUInt(0);
        writer.WriteUInt(Quorum);
        EncodeSigners(ref writer);
        if (Prologue is { } prologue)
        {
            writer.WriteFixed(prologue.Hash.AsSpan());
            writer.WriteUInt(prologue.Length);
        }

        if (Linked is { } linked)
        {
            writer.WriteUInt((ulong)linked.Count);
            foreach (FeedKey key in linked)
            {
                writer.WriteFixed(key.AsSpan());
            }
        }

        if (UserData is { } userData)
        {
            writer.WriteBuffer(userData.Span);
        }
    }

    private void EncodeVersion0(ref CompactWriter writer)
    {
        writer.WriteUInt(0);
        if (Prologue is { } prologue && Signers.Count == 0)
        {
            writer.WriteUInt(0);
            writer.WriteFixed(prologue.Hash.AsSpan());
        }
        else if (Quorum == 1 && Signers.Count == 1 && !AllowPatch)
        {
            writer.WriteUInt(1);
            EncodeSigner(ref writer, Signers[0]);
        }
        else
        {
            writer.WriteUInt(2);
            writer.WriteUInt(AllowPatch ? 1u : 0);
            writer.WriteUInt(Quorum);
            EncodeSigners(ref writer);
        }
    }

    private void EncodeSigners(ref CompactWriter writer)
    {
        writer.WriteUInt((ulong)Signers.Count);
        foreach (Signer signer in Signers)
        {
            EncodeSigner(ref writer, signer);
        }
    }

    private static void EncodeSigner(ref CompactWriter writer, Signer signer)
    {
        writer.WriteUInt(0);
        writer.WriteFixed(signer.Namespace.AsSpan());
        writer.WriteFixed(signer.PublicKey.AsSpan());
    }

    public static bool TryDecode(ref CompactReader reader, out Manifest? manifest)
    {
        ulong version = reader.ReadUInt();
        manifest = version switch
        {
            0 => DecodeVersion0(ref reader),
            <= MaxVersion => DecodeVersion1(ref reader, (int)version),
            _ => null,
        };
        if (manifest is null)
        {
            reader.Fail();
        }

        manifest = reader.Succeeded ? manifest : null;
        return reader.Succeeded;
    }

    private static Manifest? DecodeVersion1(ref CompactReader reader, int version)
    {
        ulong flags = reader.ReadUInt();
        if (reader.ReadUInt() != 0)
        {
            return null;
        }

        ulong quorum = reader.ReadUInt();
        Signer[] signers = DecodeSigners(ref reader);
        return new Manifest
        {
            Version = version,
            AllowPatch = (flags & 1) != 0,
            Quorum = quorum,
            Signers = signers,
            Prologue = (flags & 2) != 0 ? new Prologue(ReadHash(ref reader), reader.ReadUInt()) : null,
            Linked = (flags & 4) != 0 ? DecodeKeys(ref reader) : null,
            UserData = (flags & 8) != 0 ? (ReadOnlyMemory<byte>?)reader.ReadBuffer().ToArray() : null,
        };
    }

    private static Manifest? DecodeVersion0(ref CompactReader reader)
    {
        if (reader.ReadUInt() != 0)
        {
            return null;
        }

        switch (reader.ReadUInt())
        {
            case 0:
                return new Manifest { Version = 0, Prologue = new Prologue(ReadHash(ref reader), 0) };
            case 1:
                return new Manifest { Version = 0, Quorum = 1, Signers = [DecodeSigner(ref reader)] };
            case 2:
                ulong flags = reader.ReadUInt();
                ulong quorum = reader.ReadUInt();
                return new Manifest
                {
                    Version = 0,
                    AllowPatch = (flags & 1) != 0,
                    Quorum = quorum,
                    Signers = DecodeSigners(ref reader),
                };
            default:
                return null;
        }
    }

    private static Signer[] DecodeSigners(ref CompactReader reader)
    {
        var signers = new Signer[reader.ReadCount(Math.Min(MaxSigners, reader.Remaining.Length / 65))];
        for (int i = 0; i < signers.Length; i++)
        {
            signers[i] = DecodeSigner(ref reader);
        }

        return signers;
    }

    private static Signer DecodeSigner(ref CompactReader reader)
    {
        if (reader.ReadUInt() != 0)
        {
            reader.Fail();
        }

        Hash signerNamespace = ReadHash(ref reader);
        ReadOnlySpan<byte> key = reader.ReadFixed(PublicKey.Size);
        return reader.Succeeded ? new Signer(signerNamespace, new PublicKey(key)) : default;
    }

    private static FeedKey[] DecodeKeys(ref CompactReader reader)
    {
        var keys = new FeedKey[reader.ReadCount(Math.Min(MaxSigners, reader.Remaining.Length / FeedKey.Size))];
        for (int i = 0; i < keys.Length; i++)
        {
            ReadOnlySpan<byte> key = reader.ReadFixed(FeedKey.Size);
            keys[i] = reader.Succeeded ? new FeedKey(key) : default;
        }

        return keys;
    }

    private static Hash ReadHash(ref CompactReader reader)
    {
        ReadOnlySpan<byte> hash = reader.ReadFixed(Hash.Size);
        return reader.Succeeded ? new Hash(hash) : default;
    }

    public bool Equals(Manifest? other) => other is not null && ToArray().AsSpan().SequenceEqual(other.ToArray());

    public override bool Equals(object? obj) => Equals(obj as Manifest);

    public override int GetHashCode() => ToKey().GetHashCode();
}
