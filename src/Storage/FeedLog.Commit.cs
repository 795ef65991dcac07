using System.Runtime.InteropServices;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

// What changes the feed: appends, cuts, user data. (What peers send: FeedLog.Apply.cs.)
public sealed partial class FeedLog
{
    private readonly OplogBuffer _oplogBuffer = new();

    /// <summary>Appends blocks: all of them, or none. Answered by <see cref="FeedLogEvent.Appended"/>.</summary>
    /// <param name="id">Names the request; unique among those that are not answered yet.</param>
    /// <param name="blocks">The blocks, untouched until the answer.</param>
    /// <param name="owner">Disposed when their bytes are written, or refused.</param>
    public void Append(long id, IReadOnlyList<ReadOnlyMemory<byte>> blocks, IDisposable? owner = null)
    {
        Register(id);
        long bytes = 0;
        int largest = 0;
        for (int i = 0; i < blocks.Count; i++)
        {
            bytes += blocks[i].Length;
            largest = Math.Max(largest, blocks[i].Length);
        }

        if (!IsWritable || largest > _options.MaxBlockSize)
        {
            owner?.Dispose();
            Refuse(id, IsWritable ? Refusal.BlockTooLarge : Refusal.NotWritable);
            return;
        }

        Enqueue(new AppendOperation(id, blocks, bytes, owner));
    }

    /// <summary>Cuts the feed to its first blocks, under a higher fork. Answered by <see cref="FeedLogEvent.Truncated"/>.</summary>
    /// <param name="id">Names the request.</param>
    /// <param name="length">How many blocks stay.</param>
    /// <param name="fork">The new fork; one more than the old when it is not given.</param>
    public void Truncate(long id, ulong length, ulong? fork = null)
    {
        Register(id);
        Enqueue(new TruncateOperation(id, length, fork));
    }

    /// <summary>Stores bytes under a name; none delete it. Answered by <see cref="FeedLogEvent.UserDataSet"/>.</summary>
    public void SetUserData(long id, string key, ReadOnlyMemory<byte> value)
    {
        Register(id);
        Enqueue(new UserDataOperation(id, key, value.ToArray()));
    }

    private void Enqueue(WriteOperation operation)
    {
        if (IsFailed)
        {
            operation.Owner?.Dispose();
            Refuse(operation.Id, Refusal.Failed);
            return;
        }

        _writes.Enqueue(operation);
        Advance();
    }

    private void StartCommit()
    {
        _isBusy = true;
        switch (_writes.Peek())
        {
            case AppendOperation:
                CommitAppends();
                break;
            case UserDataOperation:
                CommitUserData();
                break;
            case TruncateOperation operation:
                _writes.Dequeue();
                CommitTruncation(operation);
                break;
            case ReorganizeOperation operation:
                _writes.Dequeue();
                CommitReorganization(operation);
                break;
            case ApplyOperation:
                CommitProofs();
                break;
        }
    }

    private void CommitAppends()
    {
        var group = new List<AppendOperation>();
        long bytes = 0;
        int count = 0;
        while (_writes.TryPeek(out WriteOperation? next) && next is AppendOperation append
            && (group.Count == 0 || bytes + append.ByteLength <= _options.MaxCommitBytes))
        {
            group.Add(append);
            bytes += append.ByteLength;
            count += append.Blocks.Count;
            _writes.Dequeue();
        }

        var commit = new Commit(group);
        if (count == 0)
        {
            Committed(commit with { Answer = () => AnswerAppends(group, Head.Length) }, default);
            return;
        }

        var tree = new MerkleTree(Head);
        foreach (AppendOperation append in group)
        {
            tree.Append(append.Blocks);
        }

        TreeHead head = tree.ToHead();
        byte[]? signature = head.Length < (Manifest!.Prologue?.Length ?? 0)
            ? null
            : FeedSignature.Sign(Key, Manifest, head, _keyPair!);
        if (signature is null)
        {
            RefuseAll(group, Refusal.NotWritable, null);
            return;
        }

        ulong start = Head.Length;
        Carry(commit with
        {
            Head = head,
            Signature = signature,
            Nodes = tree.Added.ToArray(),
            Upgrade = new OplogUpgrade(head.Fork, start, head.Length, signature),
            Runs = [new BlockRange(start, (ulong)count)],
            Data = [((long)Head.ByteLength, Segments(group))],
            Answer = () => AnswerAppends(group, start),
        });
    }

    private void AnswerAppends(List<AppendOperation> group, ulong start)
    {
        foreach (AppendOperation append in group)
        {
            Answer(append.Id, new FeedLogEvent.Appended(append.Id, start, (ulong)append.Blocks.Count));
            start += (ulong)append.Blocks.Count;
        }
    }

    /// <summary>Blocks as few segments as may be: neighbours in one array become one.</summary>
    private static List<ReadOnlyMemory<byte>> Segments(List<AppendOperation> group)
    {
        var segments = new List<ReadOnlyMemory<byte>>();
        ArraySegment<byte> last = default;
        foreach (AppendOperation append in group)
        {
            for (int i = 0; i < append.Blocks.Count; i++)
            {
                ReadOnlyMemory<byte> block = append.Blocks[i];
                if (block.IsEmpty)
                {
                    continue;
                }

                bool isArray = MemoryMarshal.TryGetArray(block, out ArraySegment<byte> array);
                if (isArray && last.Array == array.Array && last.Offset + last.Count == array.Offset)
                {
                    last = new ArraySegment<byte>(array.Array!, last.Offset, last.Count + array.Count);
                    segments[^1] = last;
                    continue;
                }

                last = isArray ? array : default;
                segments.Add(block);
            }
        }

        return segments;
    }

    private void CommitUserData()
    {
        var group = new List<UserDataOperation>();
        while (_writes.TryPeek(out WriteOperation? next) && next is UserDataOperation operation)
        {
            group.Add(operation);
            _writes.Dequeue();
        }

        Carry(new Commit(group)
        {
            UserData = [.. group.Select(operation => KeyValuePair.Create(operation.Key, operation.Value))],
            Answer = () =>
            {
                foreach (UserDataOperation operation in group)
                {
                    Answer(operation.Id, new FeedLogEvent.UserDataSet(operation.Id));
                }
            },
        });
    }

    private void CommitTruncation(TruncateOperation operation)
    {
        ulong fork = operation.Fork ?? Head.Fork + 1;
        ulong prologue = Manifest?.Prologue?.Length ?? 0;
        List<TruncateOperation> group = [operation];
        if (!IsWritable)
        {
            RefuseAll(group, Refusal.NotWritable, null);
            return;
        }

        if (operation.Length > Head.Length || operation.Length < prologue || fork <= Head.Fork || fork > FlatTree.MaxIndex)
        {
            RefuseAll(group, Refusal.OutOfBounds, null);
            return;
        }

        ulong[] indices = FlatTree.FullRoots(operation.Length);
        var roots = new TreeNode[indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            if (_tree.TryGet(indices[i], out roots[i]) == NodeLookup.Absent)
            {
                Fail(MissingNode());
                return;
            }
        }

        if (roots.Any(root => root.Hash.IsZero))
        {
            WaitForPages(() => CommitTruncation(operation));
            return;
        }

        var head = new TreeHead(fork, roots);
        byte[]? signature = head.Length == 0 ? [] : FeedSignature.Sign(Key, Manifest!, head, _keyPair!);
        if (signature is null)
        {
            RefuseAll(group, Refusal.NotWritable, null);
            return;
        }

        Carry(new Commit(group)
        {
            Head = head,
            Signature = signature,
            Nodes = Array.Empty<TreeNode>(),
            Upgrade = new OplogUpgrade(fork, head.Length, head.Length, signature),
            Drop = new OplogBits(true, head.Length, Head.Length - head.Length),
            Answer = () => Answer(operation.Id, new FeedLogEvent.Truncated(operation.Id)),
        });
    }

    private void RefuseAll(IEnumerable<WriteOperation> group, Refusal reason, Exception? error)
    {
        foreach (WriteOperation operation in group)
        {
            operation.Owner?.Dispose();
            Refuse(operation.Id, reason, error);
        }

        _isBusy = false;
        Advance();
    }

    /// <summary>Blocks to data, then the entries to the oplog; then it is so.</summary>
    private void Carry(Commit commit)
    {
        _oplogBuffer.Clear();
        _oplog.EncodeEntries(commit.ToEntries(), _oplogBuffer);
        int bytes = _oplogBuffer.WrittenCount;
        long oplogEnd = _oplog.End;

        var stages = new IoStages();
        List<IoRequest> data = [.. commit.Data
            .Where(run => run.Segments.Count > 0)
            .Select(run => WriteRequest(FeedFile.Data, run.Offset, run.Segments))];
        stages.AddStage(data);
        if (IsFlushed && data.Count > 0)
        {
            stages.AddStage(Request(IoKind.Flush, FeedFile.Data));
        }

        stages.AddStage(WriteRequest(FeedFile.Oplog, oplogEnd, _oplogBuffer.WrittenMemory));
        if (IsFlushed)
        {
            stages.AddStage(Request(IoKind.Flush, FeedFile.Oplog));
        }

        Submit(
            stages,
            now =>
            {
                _oplog.EntriesWritten(bytes);
                Committed(commit, now);
            },
            error => CommitFailed(commit, error, oplogEnd));
    }

    private void CommitFailed(Commit commit, Exception error, long oplogEnd)
    {
        if (error is not DiskFullException)
        {
            Fail(error);
            return;
        }

        // Whatever part of the entry made it to the oplog goes again, before anyone hears of the refusal.
        IoRequest cut = Request(IoKind.Truncate, FeedFile.Oplog, oplogEnd);
        Submit(cut, (result, _) =>
        {
            if (result.Error is { } worse)
            {
                Fail(worse);
                return;
            }

            commit.Refused?.Invoke();
            RefuseAll(commit.Operations, Refusal.DiskFull, error);
        });
    }

    private void Committed(Commit commit, TimeSpan now)
    {
        ulong? truncatedTo = null;
        if (commit.Upgrade is { } upgrade)
        {
            if (upgrade.Ancestors < Head.Length)
            {
                _tree.Truncate(upgrade.Ancestors);
                _isCheckpointDue = true;
            }

            if (upgrade.Fork != Head.Fork)
            {
                truncatedTo = upgrade.Ancestors;
                _cuts++;
            }

            AddReorgHint(Head.Length, Head.Fork, upgrade.Fork, upgrade.Ancestors);
        }

        foreach (ref readonly TreeNode node in commit.Nodes.Span)
        {
            _tree.Put(node);
        }

        if (commit.Drop is { } drop)
        {
            SetBits(drop);
        }

        foreach (BlockRange run in commit.Runs)
        {
            SetBits(new OplogBits(false, run.Start, run.Count));
        }

        foreach ((string key, byte[] value) in commit.UserData)
        {
            PutUserData(key, value);
        }

        Head = commit.Head ?? Head;
        _signature = commit.Signature ?? _signature;
        Manifest ??= commit.NewManifest;
        _isCheckpointDue |= commit.NewManifest is not null
            || _oplog.EntryBytes >= Math.Max(_options.MaxOplogBytes, _checkpointBytes);
        foreach (WriteOperation operation in commit.Operations)
        {
            operation.Owner?.Dispose();
        }

        commit.Answer?.Invoke();
        if (commit.Head is not null || commit.Runs.Count > 0 || commit.NewManifest is not null)
        {
            _events.Enqueue(new FeedLogEvent.Committed(Head, _signature, commit.Runs, truncatedTo, commit.NewManifest is not null));
        }

        if (_oplog.EntryBytes > 0)
        {
            Deadline = now + _options.CheckpointDelay;
        }

        _isBusy = false;
        Advance();
    }

    /// <summary>A change that is on its way to disk, and what becomes of the state when it is there.</summary>
    private sealed record Commit(IReadOnlyList<WriteOperation> Operations)
    {
        public TreeHead? Head { get; init; }

        public byte[]? Signature { get; init; }

        public Manifest? NewManifest { get; init; }

        public ReadOnlyMemory<TreeNode> Nodes { get; init; }

        public OplogUpgrade? Upgrade { get; init; }

        public OplogBits? Drop { get; init; }

        public IReadOnlyList<BlockRange> Runs { get; init; } = [];

        public IReadOnlyList<KeyValuePair<string, byte[]>> UserData { get; init; } = [];

        public IReadOnlyList<(long Offset, List<ReadOnlyMemory<byte>> Segments)> Data { get; init; } = [];

        public Action? Answer { get; init; }

        /// <summary>What else to do when the disk is full.</summary>
        public Action? Refused { get; init; }

        /// <summary>One entry where one suffices; more for more than one run of blocks, or very many nodes.</summary>
        public List<OplogEntry> ToEntries()
        {
            List<OplogEntry> entries = [.. UserData.Select(pair => new OplogEntry { UserData = pair })];
            ReadOnlyMemory<TreeNode> nodes = Nodes;

            // A cut voids nodes behind it: it comes before them.
            if (Drop is { } drop && (nodes.Length > OplogEntry.MaxNodes || Runs.Count > 0))
            {
                entries.Add(new OplogEntry { Bits = drop });
            }

            while (nodes.Length > OplogEntry.MaxNodes)
            {
                entries.Add(new OplogEntry { Nodes = nodes[..OplogEntry.MaxNodes] });
                nodes = nodes[OplogEntry.MaxNodes..];
            }

            OplogBits? bits = Runs.Count > 0 ? new OplogBits(false, Runs[0].Start, Runs[0].Count) : Drop;
            if (UserData.Count == 0)
            {
                entries.Add(new OplogEntry { Nodes = nodes, Upgrade = Upgrade, Bits = bits });
            }

            entries.AddRange(Runs.Skip(1).Select(run => new OplogEntry { Bits = new OplogBits(false, run.Start, run.Count) }));
            return entries;
        }
    }

    private sealed class AppendOperation(
        long id, IReadOnlyList<ReadOnlyMemory<byte>> blocks, long byteLength, IDisposable? owner)
        : WriteOperation(id, owner)
    {
        public IReadOnlyList<ReadOnlyMemory<byte>> Blocks { get; } = blocks;

        public long ByteLength { get; } = byteLength;
    }

    private sealed class TruncateOperation(long id, ulong length, ulong? fork) : WriteOperation(id, null)
    {
        public ulong Length { get; } = length;

        public ulong? Fork { get; } = fork;
    }

    private sealed class UserDataOperation(long id, string key, byte[] value) : WriteOperation(id, null)
    {
        public string Key { get; } = key;

        public byte[] Value { get; } = value;
    }
}
