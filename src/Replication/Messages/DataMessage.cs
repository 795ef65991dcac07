using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>Answers a request with a proof.</summary>
/// <param name="Request">The id of the request; 0 for what nobody asked for.</param>
/// <param name="Proof">The proof; a block in it lies in the memory from which the message was decoded.</param>
/// <remarks>
/// <code>
/// | flags: uint | request: uint | fork: uint | [1] block | [2] hash | [4] seek | [8] upgrade | [16] manifest |
/// </code>
/// </remarks>
public sealed record DataMessage(ulong Request, Proof Proof) : ReplicationMessage
{
    private const int NodeSize = 48;

    private ClimbedProof? _climbed;
    private ProofError? _error;

    public override MessageType Type => MessageType.Data;

    /// <summary>The proof with its hashes computed; null before <see cref="Climb()"/> and when that found it false.</summary>
    public ClimbedProof? Climbed => _climbed;

    public override int ApproximateSize =>
        64 + (Proof.Block is { } block ? block.Value.Length + (NodeSize * block.Nodes.Length) : 0)
        + (NodeSize * (Proof.Hash?.Nodes.Length ?? 0))
        + (NodeSize * (Proof.Seek?.Nodes.Length ?? 0))
        + (Proof.Upgrade is { } upgrade
            ? upgrade.Signature.Length + (NodeSize * (upgrade.Nodes.Length + upgrade.AdditionalNodes.Length))
            : 0)
        + (Proof.Manifest is null ? 0 : 128);

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(
            (Proof.Block is null ? 0 : 1u) | (Proof.Hash is null ? 0 : 2u) | (Proof.Seek is null ? 0 : 4u)
            | (Proof.Upgrade is null ? 0 : 8u) | (Proof.Manifest is null ? 0 : 16u));
        writer.WriteUInt(Request);
        writer.WriteUInt(Proof.Fork);
        Proof.Block?.Encode(ref writer);
        Proof.Hash?.Encode(ref writer);
        Proof.Seek?.Encode(ref writer);
        Proof.Upgrade?.Encode(ref writer);
        Proof.Manifest?.Encode(ref writer);
    }

    /// <summary>Computes the hashes of the proof, once: the costly part of verification, which needs nothing else.</summary>
    /// <remarks>Whoever decodes may call it, beside others who do the same for their peers; the replicator makes sure.</remarks>
    public ProofError Climb() => _error ??= ProofVerifier.Climb(Proof, out _climbed);

    /// <summary>The same for a block that is hashed already, beside others.</summary>
    public ProofError Climb(Hash leaf) => _error ??= ProofVerifier.Climb(Proof, leaf, out _climbed);

    public bool Equals(DataMessage? other) => other is not null && Request == other.Request && Proof.Equals(other.Proof);

    public override int GetHashCode() => HashCode.Combine(Request, Proof);

    /// <summary>Decodes without copying the block.</summary>
    /// <param name="reader">A reader that started at the first byte of <paramref name="input"/>.</param>
    /// <param name="input">The same bytes: whoever keeps the message keeps them.</param>
    /// <param name="message">What was decoded; null when the result is false.</param>
    public static bool TryDecode(
        ref CompactReader reader, ReadOnlyMemory<byte> input, [NotNullWhen(true)] out DataMessage? message)
    {
        ulong flags = reader.ReadUInt();
        ulong request = reader.ReadUInt();
        ulong fork = reader.ReadUInt();
        BlockProof block = default;
        HashProof hash = default;
        SeekProof seek = default;
        UpgradeProof upgrade = default;
        Manifest? manifest = null;
        bool read = ((flags & 1) == 0 || BlockProof.TryDecode(ref reader, input, out block))
            && ((flags & 2) == 0 || HashProof.TryDecode(ref reader, out hash))
            && ((flags & 4) == 0 || SeekProof.TryDecode(ref reader, out seek))
            && ((flags & 8) == 0 || UpgradeProof.TryDecode(ref reader, out upgrade))
            && ((flags & 16) == 0 || Manifest.TryDecode(ref reader, out manifest));
        message = read && reader.Succeeded
            ? new DataMessage(request, new Proof
            {
                Fork = fork,
                Block = (flags & 1) != 0 ? block : null,
                Hash = (flags & 2) != 0 ? hash : null,
                Seek = (flags & 4) != 0 ? seek : null,
                Upgrade = (flags & 8) != 0 ? upgrade : null,
                Manifest = manifest,
            })
            : null;
        return message is not null;
    }
}
