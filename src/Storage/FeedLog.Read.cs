using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

// What only reads: blocks, proofs, and which nodes are missing.
public sealed partial class FeedLog
{
    /// <summary>
    /// Reads blocks from one on, as far as they are held and <see cref="FeedOptions.MaxReadBytes"/> allow.
    /// Answered by <see cref="FeedLogEvent.BlocksRead"/>.
    /// </summary>
    public void Read(long id, ulong start, int count)
    {
        Register(id);
        Run(new ReadOperation(id, start, count));
    }

    /// <summary>Builds proofs for peers. Answered by <see cref="FeedLogEvent.Proved"/>.</summary>
    public void Prove(long id, IReadOnlyList<ProofRequest> requests)
    {
        Register(id);
        Run(new ProveOperation(id, requests));
    }

    /// <summary>
    /// Counts how many levels up from each tree node no node is stored: what a request for it has to say.
    /// Answered by <see cref="FeedLogEvent.MissingCounted"/>.
    /// </summary>
    public void CountMissing(long id, IReadOnlyList<ulong> nodes)
    {
        Register(id);
        Run(id, nodes, []);
    }

    private void Run(ReadOperation read)
    {
        if (IsFailed)
        {
            return;
        }

        int cuts = _cuts;
        if (!Has(read.Start) || read.Count <= 0)
        {
            Refuse(read.Id, Refusal.BlockMissing);
            return;
        }

        var sizes = new List<int>();
        var leaves = new List<Hash>();
        NodeLookup lookup = ByteOffsets.TryFind(Head, 2 * read.Start, _tree, out ulong offset);
        ulong bytes = 0;
        for (ulong block = read.Start; lookup == NodeLookup.Found && sizes.Count < read.Count && Has(block); block++)
        {
            lookup = _tree.TryGet(2 * block, out TreeNode leaf);
            if (lookup == NodeLookup.Found && (bytes + leaf.Size > (ulong)_options.MaxReadBytes && sizes.Count > 0))
            {
                break;
            }

            if (lookup == NodeLookup.Found && leaf.Size <= int.MaxValue)
            {
                bytes += leaf.Size;
                sizes.Add((int)leaf.Size);
                leaves.Add(leaf.Hash);
            }
        }

        // A page that must be fetched ends a long range: the pages of its beginning might not stay until its end is there.
        if (lookup == NodeLookup.Pending && sizes.Count < 4096)
        {
            WaitForPages(() => Run(read));
            return;
        }

        if (sizes.Count == 0)
        {
            Refuse(read.Id, Refusal.Failed, MissingNode());
            return;
        }

        var batch = BlockBatch.Rent(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sizes));
        ReadBlocks(batch, [((long)offset, 0, batch.ByteLength)], error =>
        {
            if (error is null && cuts == _cuts)
            {
                error = Check(batch, leaves);
                if (error is null)
                {
                    Answer(read.Id, new FeedLogEvent.BlocksRead(read.Id, read.Start, batch));
                    return;
                }
            }

            // Cut off while the bytes were on their way: they may be those of other blocks.
            batch.Dispose();
            if (error is null)
            {
                Run(read);
            }
            else
            {
                Refuse(read.Id, Refusal.Failed, error);
            }
        });
    }

    /// <summary>Holds blocks against the tree: a data file of another feed, or a disk that forgets, must not speak for the writer.</summary>
    private FeedCorruptException? Check(BlockBatch batch, List<Hash> leaves)
    {
        if (!_options.VerifyReads)
        {
            return null;
        }

        var hashes = new Hash[leaves.Count];
        TreeHash.Leaves([.. batch], hashes);
        return hashes.AsSpan().SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(leaves))
            ? null
            : Corrupt(
                FeedFile.Data,
                "holds bytes that are not the feed's",
                "restore it from a copy, or remove the feed's folder and download it again");
    }

    /// <summary>Fills a batch from runs of the data file.</summary>
    private void ReadBlocks(BlockBatch batch, List<(long Offset, int Start, int Length)> runs, Action<Exception?> done)
    {
        runs.RemoveAll(run => run.Length == 0);
        int left = runs.Count;
        if (left == 0)
        {
            done(null);
            return;
        }

        Exception? error = null;
        foreach ((long offset, int start, int length) in runs)
        {
            IoRequest request = new()
            {
                Id = ++_lastIoId,
                Kind = IoKind.Read,
                File = FeedFile.Data,
                Offset = offset,
                Buffer = batch.Bytes.Slice(start, length),
            };
            Submit(request, (result, _) =>
            {
                error ??= result.Error;
                if (error is null && result.Count < length)
                {
                    error = Corrupt(
                        FeedFile.Data,
                        $"ends at {offset + result.Count} where block bytes go on",
                        "restore it from a copy, or remove the feed's folder and download it again");
                }

                if (--left == 0)
                {
                    done(error);
                }
            });
        }
    }

    private void Run(ProveOperation prove)
    {
        if (IsFailed)
        {
            return;
        }

        if (prove.Cuts != _cuts)
        {
            prove.Restart(_cuts);
        }

        while (prove.Answers.Count < prove.Requests.Count)
        {
            ProofRequest request = prove.Requests[prove.Answers.Count];
            if (!TryProve(prove, request, out ProofAnswer answer))
            {
                WaitForPages(() => Run(prove));
                return;
            }

            prove.Answers.Add(answer);
        }

        var batch = BlockBatch.Rent(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(prove.Sizes));
        ReadBlocks(batch, prove.Runs(), error =>
        {
            if (error is null && prove.Cuts == _cuts)
            {
                Answer(prove.Id, new FeedLogEvent.Proved(prove.Id, prove.Finish(batch), batch));
                return;
            }

            batch.Dispose();
            if (error is null)
            {
                Run(prove);
            }
            else
            {
                Refuse(prove.Id, Refusal.Failed, error);
            }
        });
    }

    /// <returns>False when pages must be fetched first.</returns>
    private bool TryProve(ProveOperation prove, ProofRequest request, out ProofAnswer answer)
    {
        answer = new ProofAnswer(ProofStatus.Unavailable, null);
        if (request.Fork != Head.Fork || (request.Block is { } wanted && !Has(wanted.Index)))
        {
            return true;
        }

        ProofBuild build = ProofBuilder.Build(Head, _signature, Manifest?.Prologue, request, _tree, out Proof? proof);
        if (build != ProofBuild.Done)
        {
            answer = new ProofAnswer(build == ProofBuild.Invalid ? ProofStatus.Invalid : ProofStatus.Unavailable, null);
            return build != ProofBuild.Pending;
        }

        if (proof!.Block is { } block)
        {
            NodeLookup place = prove.TryFollow(block.Index, out ulong offset)
                ? NodeLookup.Found
                : ByteOffsets.TryFind(Head, 2 * block.Index, _tree, out offset);
            NodeLookup size = _tree.TryGet(2 * block.Index, out TreeNode leaf);
            if (place == NodeLookup.Pending || size == NodeLookup.Pending)
            {
                return false;
            }

            if (place == NodeLookup.Absent || size == NodeLookup.Absent || leaf.Size > int.MaxValue)
            {
                return true;
            }

            if (!prove.TryAdd(block.Index, offset, (int)leaf.Size, _options.MaxReadBytes))
            {
                answer = new ProofAnswer(ProofStatus.Later, null);
                return true;
            }
        }

        answer = new ProofAnswer(ProofStatus.Done, request.Manifest ? proof with { Manifest = Manifest } : proof);
        return true;
    }

    private void Run(long id, IReadOnlyList<ulong> nodes, List<int> levels)
    {
        while (levels.Count < nodes.Count)
        {
            if (IsFailed)
            {
                return;
            }

            if (!TryCountMissing(nodes[levels.Count], out int count))
            {
                WaitForPages(() => Run(id, nodes, levels));
                return;
            }

            levels.Add(count);
        }

        Answer(id, new FeedLogEvent.MissingCounted(id, levels));
    }

    private bool TryCountMissing(ulong node, out int count)
    {
        count = 0;
        ulong head = 2 * Head.Length;
        if (node > FlatTree.MaxIndex || FlatTree.RightSpan(node) >= head)
        {
            return true;
        }

        for (; !FlatTree.Spans(node, head); node = FlatTree.Parent(node), count++)
        {
            switch (_tree.TryGet(node, out _))
            {
                case NodeLookup.Found:
                    return true;
                case NodeLookup.Pending:
                    return false;
            }
        }

        return true;
    }

    private sealed record ReadOperation(long Id, ulong Start, int Count);

    private sealed class ProveOperation(long id, IReadOnlyList<ProofRequest> requests)
    {
        private readonly List<ulong> _offsets = [];
        private ulong _nextBlock = ulong.MaxValue;
        private long _bytes;

        public long Id { get; } = id;

        public IReadOnlyList<ProofRequest> Requests { get; } = requests;

        public int Cuts { get; private set; } = -1;

        public List<ProofAnswer> Answers { get; } = [];

        public List<int> Sizes { get; } = [];

        public void Restart(int cuts)
        {
            Cuts = cuts;
            Answers.Clear();
            Sizes.Clear();
            _offsets.Clear();
            _bytes = 0;
            _nextBlock = ulong.MaxValue;
        }

        /// <summary>Peers ask for block after block: the next one begins where the last one ended.</summary>
        public bool TryFollow(ulong block, out ulong offset)
        {
            offset = block == _nextBlock ? _offsets[^1] + (ulong)Sizes[^1] : 0;
            return block == _nextBlock;
        }

        public bool TryAdd(ulong block, ulong offset, int size, int maxBytes)
        {
            if (_bytes + size > maxBytes && Sizes.Count > 0)
            {
                return false;
            }

            _offsets.Add(offset);
            Sizes.Add(size);
            _bytes += size;
            _nextBlock = block + 1;
            return true;
        }

        /// <summary>As few reads as may be.</summary>
        public List<(long Offset, int Start, int Length)> Runs()
        {
            var runs = new List<(long Offset, int Start, int Length)>();
            int start = 0;
            for (int i = 0; i < Sizes.Count; i++)
            {
                if (runs.Count > 0 && runs[^1].Offset + runs[^1].Length == (long)_offsets[i])
                {
                    runs[^1] = runs[^1] with { Length = runs[^1].Length + Sizes[i] };
                }
                else
                {
                    runs.Add(((long)_offsets[i], start, Sizes[i]));
                }

                start += Sizes[i];
            }

            return runs;
        }

        public List<ProofAnswer> Finish(BlockBatch batch)
        {
            int next = 0;
            for (int i = 0; i < Answers.Count; i++)
            {
                if (Answers[i].Proof is { Block: { } block } proof)
                {
                    proof = proof with { Block = block with { Value = batch[next++] } };
                    Answers[i] = new ProofAnswer(ProofStatus.Done, proof);
                }
            }

            return Answers;
        }
    }
}
