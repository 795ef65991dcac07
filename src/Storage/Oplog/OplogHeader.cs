using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

/// <summary>A cut that the feed went through: from one fork to another, with so many blocks in common.</summary>
internal readonly record struct ReorgHint(ulong From, ulong To, ulong Ancestors);

/// <summary>The state of a feed as of its last checkpoint.</summary>
/// <remarks>
/// <code>
/// | 1: uint | flags: uint (1 external, 2 manifest, 4 key pair) | [1] start: uint, length: uint in the file header, and no more
/// | key 32 | [2] manifest | [4] public key: buffer, secret key: buffer | user data: n x (string, buffer)
/// | tree: fork: uint, length: uint, root hash: buffer, signature: buffer
/// | hints: n x (from: uint, to: uint, ancestors: uint), contiguous length: uint |
/// </code>
/// Version 0 has names of algorithms in place of flags, key and manifest, and its key pair behind the tree.
/// See docs/storage.md#header.
/// </remarks>
internal sealed record OplogHeader : IEncodable
{
    private const int MaxUserData = 4096;

    /// <summary>Where in the file header the rest is; null when the rest is here.</summary>
    public (ulong Start, ulong Length)? External { get; init; }

    public FeedKey Key { get; init; }

    public Manifest? Manifest { get; init; }

    public byte[] PublicKey { get; init; } = [];

    /// <summary>64 bytes, or none.</summary>
    public byte[] SecretKey { get; init; } = [];

    public IReadOnlyList<KeyValuePair<string, byte[]>> UserData { get; init; } = [];

    public ulong Fork { get; init; }

    public ulong Length { get; init; }

    /// <summary>The tree hash, none for an empty feed.</summary>
    public byte[] RootHash { get; init; } = [];

    public byte[] Signature { get; init; } = [];

    public IReadOnlyList<ReorgHint> Reorgs { get; init; } = [];

    public ulong ContiguousLength { get; init; }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(1);
        if (External is var (start, length))
        {
            writer.WriteUInt(1);
            writer.WriteUInt(start);
            writer.WriteUInt(length);
            return;
        }

        writer.WriteUInt((Manifest is null ? 0 : 2ul) | (PublicKey.Length == 0 ? 0 : 4ul));
        writer.WriteFixed(Key.AsSpan());
        Manifest?.Encode(ref writer);
        if (PublicKey.Length > 0)
        {
            writer.WriteBuffer(PublicKey);
            writer.WriteBuffer(SecretKey);
        }

        writer.WriteUInt((ulong)UserData.Count);
        foreach ((string key, byte[] value) in UserData)
        {
            writer.WriteString(key);
            writer.WriteBuffer(value);
        }

        writer.WriteUInt(Fork);
        writer.WriteUInt(Length);
        writer.WriteBuffer(RootHash);
        writer.WriteBuffer(Signature);
        writer.WriteUInt((ulong)Reorgs.Count);
        foreach (ReorgHint hint in Reorgs)
        {
            writer.WriteUInt(hint.From);
            writer.WriteUInt(hint.To);
            writer.WriteUInt(hint.Ancestors);
        }

        writer.WriteUInt(ContiguousLength);
    }

    public static bool TryDecode(ref CompactReader reader, out OplogHeader? header)
    {
        header = reader.ReadUInt() switch
        {
            0 => DecodeVersion0(ref reader),
            1 => DecodeVersion1(ref reader),
            _ => null,
        };
        header = reader.Succeeded ? header : null;
        return header is not null;
    }

    private static OplogHeader? DecodeVersion1(ref CompactReader reader)
    {
        ulong flags = reader.ReadUInt();
        if ((flags & 1) != 0)
        {
            return new OplogHeader { External = (reader.ReadUInt(), reader.ReadUInt()) };
        }

        ReadOnlySpan<byte> key = reader.ReadFixed(FeedKey.Size);
        Manifest? manifest = null;
        if ((flags & 2) != 0 && !Manifest.TryDecode(ref reader, out manifest))
        {
            return null;
        }

        bool hasKeyPair = (flags & 4) != 0;
        byte[] publicKey = hasKeyPair ? reader.ReadBuffer().ToArray() : [];
        byte[] secretKey = hasKeyPair ? reader.ReadBuffer().ToArray() : [];
        if (!reader.Succeeded)
        {
            return null;
        }

        return DecodeRest(ref reader, new OplogHeader
        {
            Key = new FeedKey(key),
            Manifest = manifest,
            PublicKey = publicKey,
            SecretKey = secretKey,
            UserData = DecodeUserData(ref reader),
        });
    }

    private static OplogHeader? DecodeVersion0(ref CompactReader reader)
    {
        // Tree, bitfield and signer: there was never a choice.
        reader.ReadString(64);
        reader.ReadString(64);
        reader.ReadString(64);
        IReadOnlyList<KeyValuePair<string, byte[]>> userData = DecodeUserData(ref reader);
        var tree = DecodeTree(ref reader);
        byte[] publicKey = reader.ReadBuffer().ToArray();
        byte[] secretKey = reader.ReadBuffer().ToArray();
        if (!reader.Succeeded || publicKey.Length != FeedKey.Size)
        {
            return null;
        }

        return DecodeHints(ref reader, tree with
        {
            Key = new FeedKey(publicKey),
            Manifest = Manifest.ForSigner(new PublicKey(publicKey), version: 0),
            PublicKey = secretKey.Length == 0 ? [] : publicKey,
            SecretKey = secretKey,
            UserData = userData,
        });
    }

    private static OplogHeader DecodeRest(ref CompactReader reader, OplogHeader header)
    {
        OplogHeader tree = DecodeTree(ref reader);
        return DecodeHints(ref reader, header with
        {
            Fork = tree.Fork,
            Length = tree.Length,
            RootHash = tree.RootHash,
            Signature = tree.Signature,
        });
    }

    private static OplogHeader DecodeTree(ref CompactReader reader) => new()
    {
        Fork = reader.ReadUInt(),
        Length = reader.ReadUInt(),
        RootHash = reader.ReadBuffer().ToArray(),
        Signature = reader.ReadBuffer().ToArray(),
    };

    private static OplogHeader DecodeHints(ref CompactReader reader, OplogHeader header)
    {
        var reorgs = new ReorgHint[reader.ReadCount(Math.Min(1024, reader.Remaining.Length / 3))];
        for (int i = 0; i < reorgs.Length; i++)
        {
            reorgs[i] = new ReorgHint(reader.ReadUInt(), reader.ReadUInt(), reader.ReadUInt());
        }

        // The first versions did not write the contiguous length.
        ulong contiguous = reader.IsAtEnd ? 0 : reader.ReadUInt();
        return header with { Reorgs = reorgs, ContiguousLength = contiguous };
    }

    private static IReadOnlyList<KeyValuePair<string, byte[]>> DecodeUserData(ref CompactReader reader)
    {
        int count = reader.ReadCount(Math.Min(MaxUserData, reader.Remaining.Length / 2));
        var list = new List<KeyValuePair<string, byte[]>>(count);
        for (int i = 0; i < count && reader.Succeeded; i++)
        {
            list.Add(new(reader.ReadString(), reader.ReadBuffer().ToArray()));
        }

        return list;
    }
}
