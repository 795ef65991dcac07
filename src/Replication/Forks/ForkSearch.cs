using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>What a fork search needs next.</summary>
internal enum ForkStep
{
    /// <summary>A signed upgrade from nothing, from a peer of that fork.</summary>
    AskProof,

    /// <summary>Our own nodes, to compare with.</summary>
    Compare,

    /// <summary>The path from some block to <see cref="ForkSearch.Different"/>.</summary>
    AskPath,

    /// <summary>Nothing: the last common block is known.</summary>
    Done,
}

/// <summary>Looks for the last block that a new fork and our feed have in common.</summary>
/// <remarks>
/// States: asked for the proof; comparing its roots with ours; then down from the first root that differs, by paths that
/// peers send, each compared with our nodes, until the lowest node that differs is known. Its left end is the number of
/// common blocks. Pure: nodes of ours come as arguments.
/// </remarks>
internal sealed class ForkSearch(ulong fork)
{
    private readonly List<TreeNode> _nodes = [];
    private TreeNode[] _toCompare = [];
    private ulong _localLength;
    private TimeSpan _askedAt;

    public ulong Fork { get; } = fork;

    public ForkStep Step { get; private set; } = ForkStep.AskProof;

    /// <summary>Whom the request in flight was sent to.</summary>
    public PeerState? Asked { get; private set; }

    public TreeHead? Head { get; private set; }

    public ReadOnlyMemory<byte> Signature { get; private set; }

    /// <summary>The manifest that came with the proof, if ours was not known.</summary>
    public Manifest? Manifest { get; private set; }

    /// <summary>Blocks that are known to be common.</summary>
    public ulong Ancestors { get; private set; }

    /// <summary>The lowest node known to differ.</summary>
    public TreeNode Different { get; private set; }

    /// <summary>The blocks below <see cref="Different"/> that we might have: <c>[Start, End)</c>.</summary>
    public (ulong Start, ulong End) Wanted { get; private set; }

    public IReadOnlyList<TreeNode> Nodes => _nodes;

    /// <summary>A request for the present step went to a peer.</summary>
    public void Ask(PeerState peer, TimeSpan now)
    {
        Asked = peer;
        _askedAt = now;
    }

    /// <summary>The request is answered, or will not be.</summary>
    public void Release(PeerState peer)
    {
        if (Asked == peer)
        {
            Asked = null;
        }
    }

    /// <summary>Whether a peer may be asked: nobody else is, or has been for too long.</summary>
    public bool MayAsk(PeerState peer, TimeSpan now, TimeSpan patience) =>
        Asked is null || (Asked != peer && now - _askedAt >= patience);

    /// <summary>Whether a request belongs to the present step; the answer to an earlier one comes too late.</summary>
    public bool IsCurrent(OutRequest request) => request.Kind == RequestKind.ForkProof
        ? Step == ForkStep.AskProof
        : Step == ForkStep.AskPath && FlatTree.Spans(Different.Index, request.Index)
            && FlatTree.Depth(Different.Index) == request.Nodes;

    /// <summary>Takes a signed upgrade from nothing.</summary>
    /// <returns>False when it proves nothing.</returns>
    public bool TryTakeProof(DataMessage data, in FeedKey key, Manifest? known, ulong localLength)
    {
        if (data.Proof.Upgrade is not { Start: 0 } upgrade
            || !TryVerify(data, key, known, out VerifiedProof? verified, out Manifest? manifest))
        {
            return false;
        }

        Head = verified!.Head!;
        Signature = upgrade.Signature;
        Manifest = known is null ? manifest : null;
        _localLength = localLength;
        _nodes.AddRange(verified.UpgradeNodes);
        _toCompare = [.. Head.Roots];
        Step = ForkStep.Compare;
        return true;
    }

    /// <summary>Takes the path from a leaf to <see cref="Different"/>.</summary>
    public bool TryTakePath(DataMessage data)
    {
        if (Step != ForkStep.AskPath || data.Climb() != ProofError.None || data.Climbed!.Root is not { } root
            || root.Index != Different.Index || root.Hash != Different.Hash || root.Size != Different.Size)
        {
            return false;
        }

        _toCompare = [.. data.Climbed.Nodes];
        _nodes.AddRange(_toCompare);
        Step = ForkStep.Compare;
        return true;
    }

    /// <summary>The indices of our nodes to compare with.</summary>
    public ulong[] ToCompare() => [.. _toCompare.Select(node => node.Index)];

    /// <summary>Takes our nodes, in the order of <see cref="ToCompare"/>; null for those that are not stored.</summary>
    public void TakeLocal(IReadOnlyList<TreeNode?> local)
    {
        Invariant.Hold(Step == ForkStep.Compare && local.Count == _toCompare.Length);
        if (Different == default)
        {
            CompareRoots(local);
        }
        else
        {
            Descend(local);
        }

        _toCompare = [];
    }

    /// <summary>Verifies an upgrade from nothing, signature included.</summary>
    public static bool TryVerify(
        DataMessage data, in FeedKey key, Manifest? known, out VerifiedProof? verified, out Manifest? manifest)
    {
        verified = null;
        manifest = known ?? data.Proof.Manifest ?? Merkle.Manifest.ForSigner(new PublicKey(key.AsSpan()));
        return data.Proof.Upgrade is { } upgrade
            && manifest.Describes(key)
            && data.Climb() == ProofError.None
            && ProofVerifier.Verify(data.Climbed!, TreeHead.Empty(data.Proof.Fork), manifest.Prologue, out verified)
                == ProofError.None
            && verified!.Anchor is null
            && verified.Head is { } head
            && FeedSignature.Verify(key, manifest, head, upgrade.Signature.Span);
    }

    private void CompareRoots(IReadOnlyList<TreeNode?> local)
    {
        for (int i = 0; i < _toCompare.Length; i++)
        {
            if (local[i] is not { } ours || ours.Hash != _toCompare[i].Hash)
            {
                Narrow(_toCompare[i]);
                return;
            }
        }

        Ancestors = Head!.Length;
        Step = ForkStep.Done;
    }

    private void Descend(IReadOnlyList<TreeNode?> local)
    {
        var theirs = new Dictionary<ulong, (TreeNode Node, TreeNode? Ours)>(_toCompare.Length);
        for (int i = 0; i < _toCompare.Length; i++)
        {
            theirs[_toCompare[i].Index] = (_toCompare[i], local[i]);
        }

        TreeNode different = Different;
        while (!FlatTree.IsLeaf(different.Index)
            && theirs.TryGetValue(FlatTree.LeftChild(different.Index), out (TreeNode Node, TreeNode? Ours) left)
            && theirs.TryGetValue(FlatTree.RightChild(different.Index), out (TreeNode Node, TreeNode? Ours) right))
        {
            different = left.Ours is { } ours && ours.Hash == left.Node.Hash ? right.Node : left.Node;
        }

        Narrow(different);
    }

    private void Narrow(TreeNode different)
    {
        ulong start = FlatTree.LeftSpan(different.Index) / 2;
        ulong end = Math.Min(_localLength, (FlatTree.RightSpan(different.Index) / 2) + 1);
        Different = different;
        Ancestors = Math.Min(start, _localLength);
        Wanted = (start, end);
        Step = FlatTree.IsLeaf(different.Index) || start >= end ? ForkStep.Done : ForkStep.AskPath;
    }
}
