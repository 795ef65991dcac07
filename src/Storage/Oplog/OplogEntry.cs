using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

/// <summary>A new version of the feed, of which so many blocks stay what they were.</summary>
internal readonly record struct OplogUpgrade(ulong Fork, ulong Ancestors, ulong Length, byte[] Signature);

/// <summary>Blocks that are held from now on, or no more.</summary>
internal readonly record struct OplogBits(bool IsDrop, ulong Start, ulong Length);

/// <summary>One change of a feed since its last checkpoint.</summary>
/// <remarks>
/// <code>
/// | flags: uint8 | [1] key: string, value: buffer | [2] n x (index: uint, size: uint, hash 32)
/// | [4] fork: uint, ancestors: uint, length: uint, signature: buffer | [8] drop: uint8, start: uint, length: uint |
/// </code>
/// See docs/storage.md#entries.
/// </remarks>
internal sealed record OplogEntry
{
    /// <summary>Nodes in one entry, at most: JavaScript reads no longer list.</summary>
    public const int MaxNodes = 0x100000;

    /// <summary>An empty value deletes.</summary>
    public KeyValuePair<string, byte[]>? UserData { get; init; }

    public ReadOnlyMemory<TreeNode>? Nodes { get; init; }

    public OplogUpgrade? Upgrade { get; init; }

    public OplogBits? Bits { get; init; }

    public void Encode(IBufferWriter<byte> output)
    {
        var writer = new CompactWriter(output);
        int flags = (UserData is null ? 0 : 1) | (Nodes is null ? 0 : 2) | (Upgrade is null ? 0 : 4) | (Bits is null ? 0 : 8);
        writer.WriteUInt8((byte)flags);
        if (UserData is { } pair)
        {
            writer.WriteString(pair.Key);
            writer.WriteBuffer(pair.Value);
        }

        if (Nodes is { } nodes)
        {
            writer.WriteUInt((ulong)nodes.Length);
            WriteNodes(output, nodes.Span);
        }

        if (Upgrade is { } upgrade)
        {
            writer.WriteUInt(upgrade.Fork);
            writer.WriteUInt(upgrade.Ancestors);
            writer.WriteUInt(upgrade.Length);
            writer.WriteBuffer(upgrade.Signature);
        }

        if (Bits is { } bits)
        {
            writer.WriteUInt8(bits.IsDrop ? (byte)1 : (byte)0);
            writer.WriteUInt(bits.Start);
            writer.WriteUInt(bits.Length);
        }
    }

    public static bool TryDecode(ReadOnlySpan<byte> input, out OplogEntry? entry)
    {
        var reader = new CompactReader(input);
        ulong flags = reader.ReadUInt();
        KeyValuePair<string, byte[]>? userData = null;
        if ((flags & 1) != 0)
        {
            userData = new(reader.ReadString(), reader.ReadBuffer().ToArray());
        }

        TreeNode[]? nodes = null;
        if ((flags & 2) != 0)
        {
            TreeNode.TryDecodeList(ref reader, MaxNodes, out nodes);
        }

        OplogUpgrade? upgrade = null;
        if ((flags & 4) != 0)
        {
            upgrade = new(reader.ReadUInt(), reader.ReadUInt(), reader.ReadUInt(), reader.ReadBuffer().ToArray());
        }

        OplogBits? bits = null;
        if ((flags & 8) != 0)
        {
            bits = new((reader.ReadUInt() & 1) != 0, reader.ReadUInt(), reader.ReadUInt());
        }

        entry = reader.Succeeded
            ? new OplogEntry
            {
                UserData = userData,
                Nodes = nodes is null ? null : (ReadOnlyMemory<TreeNode>?)nodes,
                Upgrade = upgrade,
                Bits = bits,
            }
            : null;
        return entry is not null;
    }

    // A large batch has a hundred thousand of them: straight into spans, a few hundred at a time.
    private static void WriteNodes(IBufferWriter<byte> output, ReadOnlySpan<TreeNode> nodes)
    {
        const int Stretch = 256;
        const int MaxNodeSize = 9 + 9 + Hash.Size;
        while (nodes.Length > 0)
        {
            int count = Math.Min(Stretch, nodes.Length);
            Span<byte> span = output.GetSpan(count * MaxNodeSize);
            int size = 0;
            foreach (ref readonly TreeNode node in nodes[..count])
            {
                size += CompactSize.WriteUInt(span[size..], node.Index);
                size += CompactSize.WriteUInt(span[size..], node.Size);
                node.Hash.CopyTo(span[size..]);
                size += Hash.Size;
            }

            output.Advance(size);
            nodes = nodes[count..];
        }
    }
}
