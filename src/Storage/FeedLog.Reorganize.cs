using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

// What a replicator needs that finds out by itself how much two forks have in common: nodes to compare, and the move.
public sealed partial class FeedLog
{
    /// <summary>Reads tree nodes of the committed version. Answered by <see cref="FeedLogEvent.NodesRead"/>.</summary>
    public void ReadNodes(long id, IReadOnlyList<ulong> indices)
    {
        Register(id);
        RunRead(id, indices, []);
    }

    /// <summary>Moves the feed to a higher fork, and keeps what both have in common. Answered by <see cref="FeedLogEvent.Reorganized"/>.</summary>
    /// <param name="id">Names the request.</param>
    /// <param name="head">The version to move to; its signature is verified here once more.</param>
    /// <param name="ancestors">Blocks that both forks have in common.</param>
    /// <param name="nodes">Nodes of the new tree.</param>
    /// <param name="signature">The signature over <paramref name="head"/>.</param>
    /// <param name="manifest">The manifest, if it was not known before.</param>
    public void Reorganize(
        long id, TreeHead head, ulong ancestors, IReadOnlyList<TreeNode> nodes, ReadOnlyMemory<byte> signature, Manifest? manifest)
    {
        Register(id);
        Enqueue(new ReorganizeOperation(id, head, ancestors, nodes, signature, manifest));
    }

    private void RunRead(long id, IReadOnlyList<ulong> indices, List<TreeNode?> nodes)
    {
        while (nodes.Count < indices.Count)
        {
            if (IsFailed)
            {
                return;
            }

            ulong index = indices[nodes.Count];
            bool isInside = index <= FlatTree.MaxIndex && FlatTree.RightSpan(index) < 2 * Head.Length;
            TreeNode node = default;
            switch (isInside ? _tree.TryGet(index, out node) : NodeLookup.Absent)
            {
                case NodeLookup.Pending:
                    WaitForPages(() => RunRead(id, indices, nodes));
                    return;
                case NodeLookup.Found:
                    nodes.Add(node);
                    break;
                default:
                    nodes.Add(null);
                    break;
            }
        }

        Answer(id, new FeedLogEvent.NodesRead(id, nodes));
    }

    private void CommitReorganization(ReorganizeOperation operation)
    {
        TreeHead head = operation.Head;
        List<ReorganizeOperation> group = [operation];
        Manifest? manifest = Manifest ?? operation.Manifest ?? Merkle.Manifest.ForSigner(new PublicKey(Key.AsSpan()));
        bool isNext = head.Fork > Head.Fork && operation.Ancestors <= Math.Min(Head.Length, head.Length);
        if (!isNext || !manifest.Describes(Key) || !FeedSignature.Verify(Key, manifest, head, operation.Signature.Span))
        {
            RefuseAll(group, Refusal.OutOfBounds, null);
            return;
        }

        byte[] signature = operation.Signature.ToArray();
        bool isCut = operation.Ancestors < Head.Length;
        Carry(new Commit(group)
        {
            Head = head,
            Signature = signature,
            NewManifest = Manifest is null ? manifest : null,
            Nodes = operation.Nodes.ToArray(),
            Upgrade = new OplogUpgrade(head.Fork, operation.Ancestors, head.Length, signature),
            Drop = isCut ? new OplogBits(true, operation.Ancestors, Head.Length - operation.Ancestors) : null,
            Answer = () => Answer(operation.Id, new FeedLogEvent.Reorganized(operation.Id)),
        });
    }

    private sealed class ReorganizeOperation(
        long id, TreeHead head, ulong ancestors, IReadOnlyList<TreeNode> nodes, ReadOnlyMemory<byte> signature, Manifest? manifest)
        : WriteOperation(id, null)
    {
        public TreeHead Head { get; } = head;

        public ulong Ancestors { get; } = ancestors;

        public IReadOnlyList<TreeNode> Nodes { get; } = nodes;

        public ReadOnlyMemory<byte> Signature { get; } = signature;

        public Manifest? Manifest { get; } = manifest;
    }
}
