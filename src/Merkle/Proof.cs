using HyperActors.Compact;

namespace HyperActors.Merkle;

/// <summary>A block and the siblings on its way up.</summary>
/// <remarks><code>| index: uint | value: buffer | nodes: n x node |</code></remarks>
public readonly record struct BlockProof(ulong Index, ReadOnlyMemory<byte> Value, TreeNode[] Nodes) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Index);
        writer.WriteBuffer(Value.Span);
        TreeNode.EncodeList(ref writer, Nodes);
    }

    /// <summary>Decodes without copying the block.</summary>
    /// <param name="reader">A reader that started at the first byte of <paramref name="input"/>.</param>
    /// <param name="input">The same bytes, from which the block's value is cut: whoever keeps the proof keeps them.</param>
    /// <param name="proof">What was decoded; means nothing when the result is false.</param>
    public static bool TryDecode(ref CompactReader reader, ReadOnlyMemory<byte> input, out BlockProof proof)
    {
        ulong index = reader.ReadUInt();
        int size = reader.ReadBuffer().Length;
        ReadOnlyMemory<byte> value = reader.Succeeded ? input.Slice(reader.Consumed - size, size) : default;
        TreeNode.TryDecodeList(ref reader, TreeNode.MaxListLength, out TreeNode[] nodes);
        proof = new BlockProof(index, value, nodes);
        return reader.Succeeded;
    }
}

/// <summary>A node (first in the list) and the siblings on its way up.</summary>
/// <remarks><code>| index: uint | nodes: n x node |</code></remarks>
public readonly record struct HashProof(ulong Index, TreeNode[] Nodes) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Index);
        TreeNode.EncodeList(ref writer, Nodes);
    }

    public static bool TryDecode(ref CompactReader reader, out HashProof proof)
    {
        ulong index = reader.ReadUInt();
        TreeNode.TryDecodeList(ref reader, TreeNode.MaxListLength, out TreeNode[] nodes);
        proof = new HashProof(index, nodes);
        return reader.Succeeded;
    }
}

/// <summary>The node that a byte position leads to (first in the list) and the siblings on its way up.</summary>
/// <remarks><code>| bytes: uint | nodes: n x node |</code></remarks>
public readonly record struct SeekProof(ulong Bytes, TreeNode[] Nodes) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Bytes);
        TreeNode.EncodeList(ref writer, Nodes);
    }

    public static bool TryDecode(ref CompactReader reader, out SeekProof proof)
    {
        ulong bytes = reader.ReadUInt();
        TreeNode.TryDecodeList(ref reader, TreeNode.MaxListLength, out TreeNode[] nodes);
        proof = new SeekProof(bytes, nodes);
        return reader.Succeeded;
    }
}

/// <summary>The nodes that grow a tree, and the signature of the tree that they and the additional nodes make.</summary>
/// <remarks><code>| start: uint | length: uint | nodes: n x node | additional nodes: n x node | signature: buffer |</code></remarks>
public readonly record struct UpgradeProof(
    ulong Start,
    ulong Length,
    TreeNode[] Nodes,
    TreeNode[] AdditionalNodes,
    ReadOnlyMemory<byte> Signature) : IEncodable
{
    /// <summary>Bytes of a signature, at most: many signers with their patches, and no more.</summary>
    public const int MaxSignatureSize = 256 * 1024;

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Start);
        writer.WriteUInt(Length);
        TreeNode.EncodeList(ref writer, Nodes);
        TreeNode.EncodeList(ref writer, AdditionalNodes);
        writer.WriteBuffer(Signature.Span);
    }

    public static bool TryDecode(ref CompactReader reader, out UpgradeProof proof)
    {
        ulong start = reader.ReadUInt();
        ulong length = reader.ReadUInt();
        TreeNode.TryDecodeList(ref reader, TreeNode.MaxListLength, out TreeNode[] nodes);
        TreeNode.TryDecodeList(ref reader, TreeNode.MaxListLength, out TreeNode[] additional);
        ReadOnlySpan<byte> signature = reader.ReadBuffer();
        if (signature.Length > MaxSignatureSize)
        {
            reader.Fail();
        }

        proof = reader.Succeeded ? new UpgradeProof(start, length, nodes, additional, signature.ToArray()) : default;
        return reader.Succeeded;
    }
}

/// <summary>What one peer proves to another about a feed, at one fork.</summary>
public sealed record Proof
{
    public ulong Fork { get; init; }

    public BlockProof? Block { get; init; }

    public HashProof? Hash { get; init; }

    public SeekProof? Seek { get; init; }

    public UpgradeProof? Upgrade { get; init; }

    public Manifest? Manifest { get; init; }
}
