using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

// What peers prove: checked against the committed tree and what the same batch proved before, stored in one commit.
public sealed partial class FeedLog
{
    /// <summary>
    /// Checks proofs and stores what is new: as one commit, as far as none of them moves the feed to a higher fork.
    /// Answered by <see cref="FeedLogEvent.Applied"/>.
    /// </summary>
    /// <param name="id">Names the request.</param>
    /// <param name="proofs">The proofs, each climbed by <see cref="ProofVerifier.Climb(Proof, out ClimbedProof?)"/>; their blocks untouched until the answer.</param>
    /// <param name="owner">Disposed when the blocks are written, or refused.</param>
    public void Apply(long id, IReadOnlyList<ClimbedProof> proofs, IDisposable? owner = null)
    {
        Register(id);
        Enqueue(new ApplyOperation(id, proofs, owner));
    }

    private void CommitProofs() => Run(new ApplyRun(this));

    private void Run(ApplyRun run)
    {
        if (IsFailed)
        {
            return;
        }

        while (run.TryNext(_writes, _options.MaxCommitBytes, out ApplyOperation? operation, out ClimbedProof? proof))
        {
            switch (run.Check(proof))
            {
                case null:
                    WaitForPages(() => Run(run));
                    return;
                case { } outcome:
                    operation.Outcomes.Add(outcome);
                    break;
            }
        }

        List<ApplyOperation> done = run.Done;
        Action answer = () =>
        {
            foreach (ApplyOperation operation in done)
            {
                Answer(operation.Id, new FeedLogEvent.Applied(operation.Id, operation.Outcomes));
            }
        };
        Commit commit = run.ToCommit() with { Answer = answer, Refused = () => DropUnfinished(run, done) };
        if (run.HasChanges)
        {
            Carry(commit);
        }
        else
        {
            Committed(commit, default);
        }
    }

    // No room: an operation of which only a part was in the commit is refused as a whole.
    private void DropUnfinished(ApplyRun run, List<ApplyOperation> done)
    {
        if (run.Unfinished is { } operation && !done.Contains(operation))
        {
            Invariant.Hold(_writes.Dequeue() == operation);
            operation.Owner?.Dispose();
            Refuse(operation.Id, Refusal.DiskFull);
        }
    }

    private sealed class ApplyOperation(long id, IReadOnlyList<ClimbedProof> proofs, IDisposable? owner)
        : WriteOperation(id, owner)
    {
        public IReadOnlyList<ClimbedProof> Proofs { get; } = proofs;

        /// <summary>One for each proof that was looked at.</summary>
        public List<ApplyOutcome> Outcomes { get; } = new(proofs.Count);
    }

    /// <summary>Proofs on their way into one commit: the tree as it will be, in front of the tree as it is.</summary>
    private sealed class ApplyRun : INodeSource
    {
        private static readonly ApplyOutcome Fine = new(ApplyStatus.Applied);

        private readonly FeedLog _log;
        private readonly Dictionary<ulong, TreeNode> _nodes = [];
        private readonly SortedDictionary<ulong, (long Offset, ReadOnlyMemory<byte> Value)> _blocks = [];
        private TreeHead _head;
        private byte[]? _signature;
        private Manifest? _newManifest;
        private ulong? _ancestors;
        private ClimbedProof? _checked;
        private long _bytes;

        public ApplyRun(FeedLog log)
        {
            _log = log;
            _head = log.Head;
        }

        /// <summary>Operations of which all proofs were looked at.</summary>
        public List<ApplyOperation> Done { get; } = [];

        /// <summary>The operation of which some proofs were.</summary>
        public ApplyOperation? Unfinished { get; private set; }

        public bool HasChanges => _nodes.Count > 0 || _blocks.Count > 0 || _newManifest is not null || _ancestors is not null;

        private Manifest? KnownManifest => _log.Manifest ?? _newManifest;

        /// <summary>The next proof; none when the commit is full, or a new fork must be committed first.</summary>
        public bool TryNext(
            Queue<WriteOperation> queue,
            long maxBytes,
            [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ApplyOperation? operation,
            [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ClimbedProof? proof)
        {
            proof = null;
            while (queue.TryPeek(out WriteOperation? next) && (operation = next as ApplyOperation) is not null)
            {
                if (operation.Outcomes.Count == operation.Proofs.Count)
                {
                    Done.Add(operation);
                    queue.Dequeue();
                    Unfinished = null;
                    continue;
                }

                if (_ancestors is not null || _bytes >= maxBytes)
                {
                    Unfinished = operation.Outcomes.Count > 0 ? operation : null;
                    return false;
                }

                proof = operation.Proofs[operation.Outcomes.Count];
                return true;
            }

            operation = null;
            return false;
        }

        public NodeLookup TryGet(ulong index, out TreeNode node) =>
            _nodes.TryGetValue(index, out node) ? NodeLookup.Found : _log._tree.TryGet(index, out node);

        /// <summary>Checks one proof; null when pages must be fetched first.</summary>
        public ApplyOutcome? Check(ClimbedProof climbed)
        {
            Proof proof = climbed.Proof;
            if (_checked != climbed)
            {
                if (CheckManifest(proof) is { } bad)
                {
                    return bad;
                }

                if (proof.Fork != _head.Fork)
                {
                    return proof is { Block: null, Hash: null, Seek: null, Upgrade: null } ? Fine : CheckFork(climbed);
                }

                if (proof.Upgrade is { Start: 0 } upgrade && _head.Length > 0 && upgrade.Length <= _head.Length)
                {
                    ApplyOutcome? checkedPrefix = CheckConflict(climbed, upgrade);
                    return checkedPrefix == Fine && proof.Block is { } block && !Holds(block.Index)
                        ? new ApplyOutcome(ApplyStatus.Stale)
                        : checkedPrefix;
                }

                ApplyOutcome? outcome = CheckTree(climbed);
                if (outcome is not { Status: ApplyStatus.Applied } || proof.Block is null)
                {
                    return outcome;
                }

                _checked = climbed;
            }

            NodeLookup place = TryPlace(proof.Block!.Value);
            if (place == NodeLookup.Pending)
            {
                return null;
            }

            // A store of another make may lack nodes on the way to the block's place: a proof with its whole path brings them.
            _checked = null;
            return place == NodeLookup.Found ? Fine : new ApplyOutcome(ApplyStatus.Unverifiable);
        }

        private ApplyOutcome? CheckManifest(Proof proof)
        {
            if (proof.Manifest is not { } manifest || KnownManifest is not null)
            {
                return null;
            }

            if (!manifest.Describes(_log.Key))
            {
                return Invalid(ProofError.BadManifest);
            }

            _newManifest = manifest;
            return null;
        }

        private ApplyOutcome? CheckTree(ClimbedProof climbed)
        {
            ProofError error = ProofVerifier.Verify(climbed, _head, KnownManifest?.Prologue, out VerifiedProof? verified);
            if (error != ProofError.None)
            {
                return climbed.Proof.Upgrade is { } upgrade && upgrade.Start != _head.Length
                    ? new ApplyOutcome(ApplyStatus.Stale)
                    : Invalid(error);
            }

            if (verified!.Anchor is { } anchor)
            {
                if (anchor.Index > FlatTree.MaxIndex || FlatTree.RightSpan(anchor.Index) >= 2 * _head.Length)
                {
                    return Invalid(ProofError.BadChecksum);
                }

                NodeLookup lookup = TryGet(anchor.Index, out TreeNode stored);
                if (lookup == NodeLookup.Pending)
                {
                    return null;
                }

                if (lookup == NodeLookup.Absent)
                {
                    return new ApplyOutcome(ApplyStatus.Unverifiable);
                }

                if (stored.Hash != anchor.Hash)
                {
                    return Invalid(ProofError.BadChecksum);
                }
            }

            if (verified.Head is { } head)
            {
                ProofError signed = CheckSignature(head, climbed.Proof.Upgrade!.Value.Signature);
                if (signed != ProofError.None)
                {
                    return Invalid(signed);
                }

                Adopt(head, climbed.Proof.Upgrade.Value.Signature);
                Add(verified.UpgradeNodes);
            }

            ReadOnlySpan<TreeNode> nodes = climbed.Nodes;
            Add(verified.Anchor is null ? nodes : nodes[..^1]);
            return Fine;
        }

        /// <summary>A proof of the whole of a higher fork: the feed moves there, and keeps what both have in common.</summary>
        private ApplyOutcome? CheckFork(ClimbedProof climbed)
        {
            Proof proof = climbed.Proof;
            if (proof.Fork < _head.Fork || proof.Upgrade is not { Start: 0 } upgrade)
            {
                return new ApplyOutcome(ApplyStatus.WrongFork);
            }

            // Committed alone: what was proven of the old fork comes before it.
            ProofError error = ProofVerifier.Verify(
                climbed, TreeHead.Empty(proof.Fork), KnownManifest?.Prologue, out VerifiedProof? verified);
            if (error != ProofError.None || verified!.Head is not { } head || verified.Anchor is not null)
            {
                return Invalid(error == ProofError.None ? ProofError.BadNodes : error);
            }

            ulong ancestors = 0;
            foreach (ref readonly TreeNode root in head.Roots)
            {
                if (FlatTree.RightSpan(root.Index) >= 2 * _head.Length)
                {
                    break;
                }

                NodeLookup lookup = TryGet(root.Index, out TreeNode stored);
                if (lookup == NodeLookup.Pending)
                {
                    return null;
                }

                if (lookup == NodeLookup.Absent || stored.Hash != root.Hash)
                {
                    break;
                }

                ancestors = (FlatTree.RightSpan(root.Index) / 2) + 1;
            }

            ProofError signed = CheckSignature(head, upgrade.Signature);
            if (signed != ProofError.None)
            {
                return Invalid(signed);
            }

            // Blocks and nodes of the same batch behind the common part go the way of the old fork's.
            foreach (ulong block in _blocks.Keys.Where(block => block >= ancestors).ToArray())
            {
                _blocks.Remove(block);
            }

            foreach (ulong index in _nodes.Keys.Where(index => FlatTree.RightSpan(index) >= 2 * ancestors).ToArray())
            {
                _nodes.Remove(index);
            }

            _ancestors = ancestors;
            Adopt(head, upgrade.Signature);
            Add(verified.UpgradeNodes);
            Add(climbed.Nodes);
            return new ApplyOutcome(ApplyStatus.Reorganized);
        }

        /// <summary>A proof of a prefix that we hold: it must be ours, or the writer has signed two.</summary>
        private ApplyOutcome? CheckConflict(ClimbedProof climbed, UpgradeProof upgrade)
        {
            Proof proof = climbed.Proof;
            TreeHead empty = TreeHead.Empty(proof.Fork);
            ProofError error = ProofVerifier.Verify(climbed, empty, KnownManifest?.Prologue, out VerifiedProof? verified);
            if (error != ProofError.None || verified!.Head is not { } head)
            {
                return Invalid(error == ProofError.None ? ProofError.BadNodes : error);
            }

            ProofError signed = CheckSignature(head, upgrade.Signature);
            if (signed != ProofError.None)
            {
                return Invalid(signed);
            }

            // The prefix alone, without the additional nodes.
            ProofVerifier.Verify(
                Without(climbed, upgrade), empty, null, out VerifiedProof? prefix);
            foreach (ref readonly TreeNode root in prefix!.Head!.Roots)
            {
                NodeLookup lookup = TryGet(root.Index, out TreeNode stored);
                if (lookup == NodeLookup.Pending)
                {
                    return null;
                }

                if (lookup == NodeLookup.Found && stored.Hash != root.Hash)
                {
                    return new ApplyOutcome(ApplyStatus.Conflict);
                }
            }

            return Fine;
        }

        private static ClimbedProof Without(ClimbedProof climbed, UpgradeProof upgrade) =>
            climbed.With(upgrade with { AdditionalNodes = [] });

        private ProofError CheckSignature(TreeHead head, ReadOnlyMemory<byte> signature)
        {
            // A feed of the old kind needs no manifest: its key signs.
            Manifest manifest = KnownManifest ?? Manifest.ForSigner(new PublicKey(_log.Key.AsSpan()));
            if (!FeedSignature.Verify(_log.Key, manifest, head, signature.Span))
            {
                return KnownManifest is null ? ProofError.BadManifest : ProofError.BadSignature;
            }

            if (KnownManifest is null)
            {
                _newManifest = manifest;
            }

            return ProofError.None;
        }

        private void Adopt(TreeHead head, ReadOnlyMemory<byte> signature)
        {
            _head = head;
            _signature = signature.ToArray();
        }

        private void Add(ReadOnlySpan<TreeNode> nodes)
        {
            foreach (ref readonly TreeNode node in nodes)
            {
                _nodes[node.Index] = node;
            }
        }

        private bool Holds(ulong block) => _log._bitfield[block] || _blocks.ContainsKey(block);

        /// <summary>Finds the place of a block in the data file.</summary>
        private NodeLookup TryPlace(BlockProof block)
        {
            if (Holds(block.Index))
            {
                return NodeLookup.Found;
            }

            long offset;
            if (block.Index > 0 && _blocks.TryGetValue(block.Index - 1, out (long Offset, ReadOnlyMemory<byte> Value) last))
            {
                offset = last.Offset + last.Value.Length;
            }
            else
            {
                NodeLookup lookup = ByteOffsets.TryFind(_head, 2 * block.Index, this, out ulong found);
                if (lookup != NodeLookup.Found)
                {
                    return lookup;
                }

                offset = (long)found;
            }

            _blocks.Add(block.Index, (offset, block.Value));
            _bytes += block.Value.Length;
            return NodeLookup.Found;
        }

        public Commit ToCommit()
        {
            var runs = new List<BlockRange>();
            var data = new List<(long Offset, List<ReadOnlyMemory<byte>> Segments)>();
            foreach ((ulong index, (long offset, ReadOnlyMemory<byte> value)) in _blocks)
            {
                if (runs.Count > 0 && runs[^1].Start + runs[^1].Count == index)
                {
                    runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
                }
                else
                {
                    runs.Add(new BlockRange(index, 1));
                    data.Add((offset, []));
                }

                if (value.Length > 0)
                {
                    data[^1].Segments.Add(value);
                }
            }

            ulong ancestors = _ancestors ?? _log.Head.Length;
            bool hasNewHead = _signature is not null;
            return new Commit(Done)
            {
                Head = hasNewHead ? _head : null,
                Signature = _signature,
                NewManifest = _log.Manifest is null ? _newManifest : null,
                Nodes = _nodes.Values.ToArray(),
                Upgrade = hasNewHead ? new OplogUpgrade(_head.Fork, ancestors, _head.Length, _signature!) : null,
                Drop = ancestors < _log.Head.Length ? new OplogBits(true, ancestors, _log.Head.Length - ancestors) : null,
                Runs = runs,
                Data = data,
            };
        }

        private static ApplyOutcome Invalid(ProofError error) => new(ApplyStatus.Invalid, error);
    }
}
