using HyperActors.Compact;

namespace HyperActors.Merkle;

/// <summary>Asks for a block and the hashes that prove it.</summary>
/// <param name="Index">Which block.</param>
/// <param name="Nodes">How many levels up the asker has no node: the proof ends below the first one that it has.</param>
/// <remarks><code>| index: uint | nodes: uint |</code></remarks>
public readonly record struct BlockRequest(ulong Index, ulong Nodes) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Index);
        writer.WriteUInt(Nodes);
    }

    public static bool TryDecode(ref CompactReader reader, out BlockRequest request)
    {
        request = new BlockRequest(reader.ReadUInt(), reader.ReadUInt());
        return reader.Succeeded;
    }
}

/// <summary>Asks for a tree node and the hashes that prove it.</summary>
/// <remarks><code>| index: uint | nodes: uint |</code></remarks>
public readonly record struct HashRequest(ulong Index, ulong Nodes) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Index);
        writer.WriteUInt(Nodes);
    }

    public static bool TryDecode(ref CompactReader reader, out HashRequest request)
    {
        request = new HashRequest(reader.ReadUInt(), reader.ReadUInt());
        return reader.Succeeded;
    }
}

/// <summary>Asks which block holds a byte; <paramref name="Padding"/> bytes of each block don't count.</summary>
/// <remarks><code>| bytes: uint | padding: uint |</code></remarks>
public readonly record struct SeekRequest(ulong Bytes, ulong Padding) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Bytes);
        writer.WriteUInt(Padding);
    }

    public static bool TryDecode(ref CompactReader reader, out SeekRequest request)
    {
        request = new SeekRequest(reader.ReadUInt(), reader.ReadUInt());
        return reader.Succeeded;
    }
}

/// <summary>Asks for the nodes that grow a tree of <paramref name="Start"/> blocks by <paramref name="Length"/>.</summary>
/// <remarks><code>| start: uint | length: uint |</code></remarks>
public readonly record struct UpgradeRequest(ulong Start, ulong Length) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Start);
        writer.WriteUInt(Length);
    }

    public static bool TryDecode(ref CompactReader reader, out UpgradeRequest request)
    {
        request = new UpgradeRequest(reader.ReadUInt(), reader.ReadUInt());
        return reader.Succeeded;
    }
}

/// <summary>What one peer asks another to prove about a feed, at one fork.</summary>
public sealed record ProofRequest
{
    public ulong Fork { get; init; }

    public BlockRequest? Block { get; init; }

    public HashRequest? Hash { get; init; }

    public SeekRequest? Seek { get; init; }

    public UpgradeRequest? Upgrade { get; init; }

    /// <summary>Whether the manifest is wanted too.</summary>
    public bool Manifest { get; init; }
}
