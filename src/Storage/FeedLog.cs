using System.Diagnostics.CodeAnalysis;
using System.Text;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

/// <summary>One feed on disk: the oplog that is written first, and the tree, bitfield and blocks that it rebuilds.</summary>
/// <remarks>
/// A machine: it never waits. Requests come with an id and are answered by events; what the disk should do is polled with
/// <see cref="TryPollIo"/> and answered with <see cref="HandleIo"/>. One commit is under way at a time; what is appended
/// meanwhile waits and goes together into the next one (group commit).
/// <code>
/// opening  -> open: read the oplog, the bitfield, the roots; replay
/// idle     -> commit: blocks to data, [flush], entry to oplog, [flush] -> answers, Committed
///          -> checkpoint: bitfield and tree, [flush], header (which voids the entries), [flush] -> idle
/// any      -> failed: an error of the disk that is not a lack of room
/// </code>
/// Nobody sees anything before it is committed. Layouts and orders: docs/storage.md.
/// </remarks>
public sealed partial class FeedLog : IDisposable
{
    private readonly FeedIdentity _identity;
    private readonly FeedOptions _options;
    private readonly Oplog _oplog = new();
    private readonly TreeCache _tree;
    private readonly BlockBitfield _bitfield = new();
    private readonly Queue<IoRequest> _io = new();
    private readonly Queue<FeedLogEvent> _events = new();
    private readonly Queue<WriteOperation> _writes = new();
    private readonly HashSet<long> _open = [];
    private readonly List<Action> _pageWaiters = [];
    private readonly List<KeyValuePair<string, byte[]>> _userData = [];
    private readonly List<ReorgHint> _reorgs = [];
    private KeyPair? _keyPair;
    private KeyPair? _ownKeyPair;
    private byte[] _publicKey = [];
    private byte[] _secretKey = [];
    private (ulong Start, ulong Length)? _external;
    private byte[] _signature = [];
    private long _lastIoId;
    private int _cuts;
    private bool _isBusy;

    public FeedLog(FeedIdentity identity, FeedOptions options)
    {
        _identity = identity;
        _options = options;
        _tree = new TreeCache(options.MaxTreePages);
    }

    /// <summary>Whether <see cref="FeedLogEvent.Opened"/> was reported: before it nothing else holds.</summary>
    public bool IsOpen { get; private set; }

    public bool IsFailed { get; private set; }

    public FeedKey Key { get; private set; }

    /// <summary>Who signs the feed; null until a peer has told.</summary>
    public Manifest? Manifest { get; private set; }

    /// <summary>Whether what is here suffices to append.</summary>
    public bool IsWritable => _keyPair is not null && Manifest is not null;

    /// <summary>The committed version.</summary>
    public TreeHead Head { get; private set; } = TreeHead.Empty(0);

    /// <summary>The signature over <see cref="Head"/>; empty for a feed without blocks.</summary>
    public ReadOnlyMemory<byte> Signature => _signature;

    /// <summary>The first block that is not held.</summary>
    public ulong ContiguousLength { get; private set; }

    /// <summary>Which blocks are held.</summary>
    public BlockBitfield Blocks => _bitfield;

    /// <summary>When <see cref="HandleTimeout"/> is next due, or null while nothing is timed.</summary>
    public TimeSpan? Deadline { get; private set; }

    /// <summary>Bytes of oplog entries that a crash would have us replay.</summary>
    public long OplogBytes => _oplog.EntryBytes;

    /// <summary>Whether a block is held.</summary>
    public bool Has(ulong block) => block < Head.Length && _bitfield[block];

    /// <summary>What was stored under a name, such as <c>corestore/name</c>.</summary>
    public bool TryGetUserData(string key, out ReadOnlyMemory<byte> value)
    {
        foreach ((string name, byte[] bytes) in _userData)
        {
            if (name == key)
            {
                value = bytes;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>What was stored under a name, as text.</summary>
    public string? GetUserText(string key) =>
        TryGetUserData(key, out ReadOnlyMemory<byte> value) ? Encoding.UTF8.GetString(value.Span) : null;

    /// <summary>The next thing that the disk should do; false when there is none for now.</summary>
    public bool TryPollIo([NotNullWhen(true)] out IoRequest? request) => _io.TryDequeue(out request);

    /// <summary>Hears what the disk did.</summary>
    public void HandleIo(IoRequest request, IoResult result, TimeSpan now)
    {
        if (!IsFailed)
        {
            request.Completed!(result, now);
        }
    }

    /// <summary>The next event; false when there is none for now.</summary>
    public bool TryPollEvent([NotNullWhen(true)] out FeedLogEvent? feedEvent) => _events.TryDequeue(out feedEvent);

    /// <summary>Writes out the oplog's entries when the feed has been idle for <see cref="FeedOptions.CheckpointDelay"/>.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        if (Deadline is { } due && due <= now)
        {
            Deadline = null;
            _isCheckpointDue |= _oplog.EntryBytes > 0;
            Advance();
        }
    }

    /// <summary>Forgets the secret key that the files held. The owner closes the device.</summary>
    public void Dispose()
    {
        IsFailed = true;
        _ownKeyPair?.Dispose();
    }

    private void Register(long id)
    {
        Invariant.Hold(IsOpen);
        Invariant.Hold(_open.Add(id));
    }

    private void Answer(long id, FeedLogEvent answer)
    {
        if (_open.Remove(id))
        {
            _events.Enqueue(answer);
        }
    }

    private void Refuse(long id, Refusal reason, Exception? error = null) =>
        Answer(id, new FeedLogEvent.Refused(id, reason, error));

    private void Fail(Exception error)
    {
        if (IsFailed)
        {
            return;
        }

        IsFailed = true;
        _io.Clear();
        foreach (WriteOperation operation in _writes)
        {
            operation.Owner?.Dispose();
        }

        _writes.Clear();
        foreach (long id in _open.Order().ToArray())
        {
            Refuse(id, Refusal.Failed, error);
        }

        _events.Enqueue(new FeedLogEvent.Failed(error));
    }

    // One change to the files at a time: what waits comes next.
    private void Advance()
    {
        while (!_isBusy && !IsFailed)
        {
            if (_isCheckpointDue)
            {
                StartCheckpoint();
            }
            else if (_writes.Count > 0)
            {
                StartCommit();
            }
            else
            {
                return;
            }
        }
    }

    private IoRequest Request(IoKind kind, FeedFile file, long offset = 0) =>
        new() { Id = ++_lastIoId, Kind = kind, File = file, Offset = offset };

    private IoRequest WriteRequest(FeedFile file, long offset, params IReadOnlyList<ReadOnlyMemory<byte>> segments)
    {
        long bytes = 0;
        foreach (ReadOnlyMemory<byte> segment in segments)
        {
            bytes += segment.Length;
        }

        return new() { Id = ++_lastIoId, Kind = IoKind.Write, File = file, Offset = offset, Segments = segments, SegmentBytes = bytes };
    }

    private void Submit(IoRequest request, Action<IoResult, TimeSpan> completed)
    {
        request.Completed = completed;
        _io.Enqueue(request);
    }

    /// <summary>Carries out requests, those of a stage in any order, the stages one after the other.</summary>
    private void Submit(IoStages stages, Action<TimeSpan> done, Action<Exception> failed) =>
        SubmitStage(stages, 0, done, failed, default);

    private void SubmitStage(IoStages stages, int at, Action<TimeSpan> done, Action<Exception> failed, TimeSpan now)
    {
        while (at < stages.Count && stages[at].Count == 0)
        {
            at++;
        }

        if (at == stages.Count)
        {
            done(now);
            return;
        }

        int left = stages[at].Count;
        Exception? error = null;
        foreach (IoRequest request in stages[at])
        {
            Submit(request, (result, then) =>
            {
                error ??= result.Error;
                if (--left > 0)
                {
                    return;
                }

                if (error is null)
                {
                    SubmitStage(stages, at + 1, done, failed, then);
                }
                else
                {
                    failed(error);
                }
            });
        }
    }

    /// <summary>Reads the tree pages that a lookup found missing, and tries again when some of them are there.</summary>
    private void WaitForPages(Action retry)
    {
        _pageWaiters.Add(retry);
        foreach (TreeCache.PageRead read in _tree.TakeWanted())
        {
            IoRequest request = new()
            {
                Id = ++_lastIoId,
                Kind = IoKind.Read,
                File = FeedFile.Tree,
                Offset = read.Offset,
                Buffer = read.Bytes,
            };
            Submit(request, (result, _) =>
            {
                if (result.Error is { } error)
                {
                    Fail(error);
                    return;
                }

                _tree.Fill(read);
                Action[] waiters = [.. _pageWaiters];
                _pageWaiters.Clear();
                foreach (Action waiter in waiters)
                {
                    waiter();
                }
            });
        }
    }

    private FeedCorruptException Corrupt(FeedFile file, string what, string todo) =>
        new($"Feed {NameForPeople()}: file {FileDevice.NameOf(file)} {what}; {todo}.");

    // Before the files have told the key there is what the owner knew, and the folder is named by the discovery key.
    private string NameForPeople()
    {
        FeedKey key = Key.IsZero ? _identity.Key ?? default : Key;
        return !key.IsZero ? key.ToString()
            : _identity.DiscoveryKey is { } discoveryKey ? $"in the folder {discoveryKey.ToHex()}"
            : "of unknown key";
    }

    private FeedCorruptException MissingNode() => Corrupt(
        FeedFile.Tree, "lacks nodes that the oplog says are there", "restore it from a copy, or remove the feed's folder and download it again");

    /// <summary>Requests in stages.</summary>
    private sealed class IoStages : List<List<IoRequest>>
    {
        public void AddStage(params IReadOnlyList<IoRequest> requests) => Add([.. requests]);
    }

    /// <summary>What wants to change the feed.</summary>
    private abstract class WriteOperation(long id, IDisposable? owner)
    {
        public long Id { get; } = id;

        /// <summary>Disposed once the bytes are written, or will never be.</summary>
        public IDisposable? Owner { get; } = owner;
    }
}
