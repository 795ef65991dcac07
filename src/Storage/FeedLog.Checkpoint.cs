using System.Buffers;
using HyperActors.Compact;

namespace HyperActors.Storage;

// Checkpoint: what the oplog's entries say goes into bitfield and tree, then a header that voids the entries.
public sealed partial class FeedLog
{
    private readonly List<long> _checkpointWaiters = [];
    private bool _isCheckpointDue;
    private long _checkpointBytes;
    private (ulong Start, ulong Length)? _nextExternal;

    private bool IsFlushed => _options.Durability == Durability.Flush;

    /// <summary>Writes out the oplog's entries. Answered by <see cref="FeedLogEvent.Checkpointed"/>.</summary>
    public void Checkpoint(long id)
    {
        Register(id);
        _checkpointWaiters.Add(id);
        _isCheckpointDue = true;
        Advance();
    }

    private void StartCheckpoint()
    {
        _isBusy = true;
        _isCheckpointDue = false;
        Deadline = null;
        long[] waiters = [.. _checkpointWaiters];
        _checkpointWaiters.Clear();

        var stages = new IoStages();
        stages.AddStage([.. _bitfield.Dirty.Select(page =>
            WriteRequest(FeedFile.Bitfield, (long)page * BlockBitfield.PageSize, _bitfield.PageBytes(page)))]);
        if (_tree.Cut is { } cut)
        {
            stages.AddStage(Request(IoKind.Truncate, FeedFile.Tree, cut));
        }

        stages.AddStage([.. _tree.DirtyRuns().Select(run => WriteRequest(FeedFile.Tree, run.Offset, run.Segments))]);
        if (IsFlushed)
        {
            stages.AddStage(Request(IoKind.Flush, FeedFile.Bitfield), Request(IoKind.Flush, FeedFile.Tree));
        }

        int slot = AddHeader(stages);
        Submit(
            stages,
            _ =>
            {
                HeaderWritten(slot);
                _bitfield.MarkClean();
                _tree.MarkClean();
                _checkpointBytes = 0;
                foreach (long id in waiters)
                {
                    Answer(id, new FeedLogEvent.Checkpointed(id));
                }

                _isBusy = false;
                Advance();
            },
            error => CheckpointFailed(error, waiters));
    }

    private void CheckpointFailed(Exception error, long[] waiters)
    {
        if (error is not DiskFullException)
        {
            Fail(error);
            return;
        }

        // All is in the oplog still, and stays there until there is room; the next try is twice as far away.
        _checkpointBytes = 2 * Math.Max(_oplog.EntryBytes, _options.MaxOplogBytes);
        foreach (long id in waiters)
        {
            Refuse(id, Refusal.DiskFull, error);
        }

        _isBusy = false;
        Advance();
    }

    /// <summary>The header to its slot, or to the file header with a pointer in its slot when it is large.</summary>
    private int AddHeader(IoStages stages)
    {
        OplogHeader header = MakeHeader();
        _nextExternal = _external;
        (int Slot, byte[] Frame)? frame = _external is null ? _oplog.EncodeHeader(header) : null;
        if (frame is null)
        {
            var output = new ArrayBufferWriter<byte>(8192);
            var writer = new CompactWriter(output);
            header.Encode(ref writer);

            // Never over the one that counts until the pointer has moved.
            (ulong oldStart, ulong oldLength) = _external ?? (0, 0);
            ulong start = (ulong)output.WrittenCount > oldStart ? (oldStart + oldLength + 4095) & ~4095UL : 0;
            _nextExternal = (start, (ulong)output.WrittenCount);
            stages.AddStage(WriteRequest(FeedFile.Header, (long)start, output.WrittenMemory));
            if (IsFlushed)
            {
                stages.AddStage(Request(IoKind.Flush, FeedFile.Header));
            }

            frame = _oplog.EncodeHeader(new OplogHeader { External = _nextExternal });
        }

        (int slot, byte[] bytes) = frame!.Value;
        stages.AddStage(WriteRequest(FeedFile.Oplog, slot * Oplog.SlotSize, bytes));

        // The entries must not go before the header is safe that makes them void.
        if (IsFlushed)
        {
            stages.AddStage(Request(IoKind.Flush, FeedFile.Oplog));
        }

        stages.AddStage(Request(IoKind.Truncate, FeedFile.Oplog, Oplog.EntriesStart));
        return slot;
    }

    private void HeaderWritten(int slot)
    {
        _oplog.HeaderWritten(slot);
        _external = _nextExternal;
    }

    private OplogHeader MakeHeader() => new()
    {
        Key = Key,
        Manifest = Manifest,
        PublicKey = _publicKey,
        SecretKey = _secretKey,
        UserData = _userData,
        Fork = Head.Fork,
        Length = Head.Length,
        // As JavaScript has it: none before the first append, the hash of no roots after a cut to nothing.
        RootHash = Head.Length == 0 && Head.Fork == 0 ? [] : Head.Hash.ToArray(),
        Signature = _signature,
        Reorgs = _reorgs,
        ContiguousLength = ContiguousLength,
    };
}
