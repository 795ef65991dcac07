using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Simulation;

/// <summary>The disk of one simulated host: feeds in memory that answer at a virtual time, and outlive the host's process.</summary>
public sealed class SimulatedStoreDisk : IStoreDisk
{
    private static readonly int FilesOfAFeed = Enum.GetValues<FeedFile>().Length;

    private readonly DeterministicSystem _world;
    private readonly RandomSource _random;
    private readonly DiskOptions _options;
    private readonly string _host;
    private readonly SortedDictionary<string, SimulatedFiles> _feeds = new(StringComparer.Ordinal);
    private readonly List<Pending> _pending = [];
    private byte[]? _primaryKey;
    private long _process;

    public SimulatedStoreDisk(DeterministicSystem world, RandomSource random, string host, DiskOptions options)
    {
        _world = world;
        _random = random;
        _host = host;
        _options = options;
    }

    /// <summary>So many of the next requests fail, as when a cable is loose.</summary>
    public int FailingRequests { get; set; }

    /// <summary>Whether writes are refused for want of room.</summary>
    public bool IsFull { get; set; }

    /// <summary>How many times longer than usual everything takes.</summary>
    public int Slowness { get; set; } = 1;

    /// <summary>Files that the process has open.</summary>
    public int OpenFiles { get; private set; }

    /// <summary>Memory that the files take.</summary>
    public long Bytes => _feeds.Values.Sum(f => f.Current.Capacity);

    /// <summary>The process is gone: of the writes that were under way some are done, some cut short, some never begun.</summary>
    public void Crash(bool losesPower = false)
    {
        _process++;
        OpenFiles = 0;
        foreach (Pending pending in _pending)
        {
            pending.Abandon();
        }

        _pending.Clear();
        if (losesPower)
        {
            foreach (SimulatedFiles files in _feeds.Values)
            {
                files.LosePower(_random);
            }
        }
    }

    /// <inheritdoc/>
    public byte[] ReadPrimaryKey(RandomSource random)
    {
        if (_primaryKey is null)
        {
            _primaryKey = new byte[CorestoreKeys.PrimaryKeySize];
            random.Fill(_primaryKey);
        }

        return _primaryKey;
    }

    /// <inheritdoc/>
    public bool HasFeed(DiscoveryKey discoveryKey) =>
        _feeds.TryGetValue(discoveryKey.ToHex(), out SimulatedFiles? feed) && !feed.Current[FeedFile.Oplog].IsEmpty;

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveryKey> ListFeeds() => [.. _feeds.Values.Select(f => f.Key).Where(HasFeed)];

    /// <inheritdoc/>
    public IDevice OpenFeed(DiscoveryKey discoveryKey)
    {
        string name = discoveryKey.ToHex();
        if (!_feeds.TryGetValue(name, out SimulatedFiles? files))
        {
            files = new SimulatedFiles(discoveryKey, _options.CanLosePower);
            _feeds.Add(name, files);
        }

        OpenFiles += FilesOfAFeed;
        return new Device(this, files, name[..8], _process);
    }

    private TimeSpan DrawLatency()
    {
        double spread = _options.MaxLatency.TotalMicroseconds - _options.MinLatency.TotalMicroseconds;
        return (_options.MinLatency + TimeSpan.FromMicroseconds(Math.Floor(_random.NextDouble() * spread))) * Slowness;
    }

    /// <summary>The files of one feed, as one process has them open.</summary>
    private sealed class Device(SimulatedStoreDisk disk, SimulatedFiles files, string feed, long process) : IDevice
    {
        public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
        {
            result = default;
            if (process == disk._process)
            {
                var pending = new Pending(this, request, completed);
                disk._pending.Add(pending);
                disk._world.System.Scheduler.Advanced.ScheduleOnce(disk.DrawLatency(), pending.Complete);
            }

            // A process that is gone waits for ever.
            return false;
        }

        private bool _isDisposed;

        /// <summary>As with real files, what was begun is done before they are closed.</summary>
        public void Dispose()
        {
            if (!_isDisposed && process == disk._process)
            {
                disk.OpenFiles -= FilesOfAFeed;
            }

            _isDisposed = true;
            foreach (Pending pending in disk._pending.Where(p => p.Device == this).ToArray())
            {
                pending.Complete();
            }
        }

        public void Forget(Pending pending) => disk._pending.Remove(pending);

        public IoResult Carry(IoRequest request)
        {
            if (disk.FailingRequests > 0)
            {
                disk.FailingRequests--;
                WritePart(request, "failed");
                return new IoResult(0, new SimulatedDiskException($"the simulated disk failed ({request})"));
            }

            if (disk.IsFull && request.Kind == IoKind.Write)
            {
                WritePart(request, "full");
                return new IoResult(0, new DiskFullException($"the simulated disk is full ({request})"));
            }

            switch (request.Kind)
            {
                case IoKind.Write:
                    Write(request, request.SegmentBytes, "disk");
                    return new IoResult(request.SegmentBytes);
                case IoKind.Truncate:
                    Note("disk", request, default);
                    files.Truncate(request.File, request.Offset);
                    return default;
                case IoKind.Flush:
                    Note("disk", request, default);
                    files.Flush(request.File);
                    return default;
                default:
                    files.Current.Execute(request, static (_, _) => { }, out IoResult result);
                    return result;
            }
        }

        /// <summary>Of a write that does not succeed any part may have reached the file.</summary>
        public void WritePart(IoRequest request, string kind)
        {
            if (request.Kind == IoKind.Write && disk._random.NextInt32(2) == 1)
            {
                Write(request, (long)disk._random.NextUInt64((ulong)request.SegmentBytes + 1), kind);
            }
        }

        private void Write(IoRequest request, long length, string kind)
        {
            long offset = request.Offset;
            foreach (ReadOnlyMemory<byte> segment in request.Segments)
            {
                ReadOnlySpan<byte> part = segment.Span[..(int)Math.Min(length, segment.Length)];
                Note(kind, request, part);
                files.Write(request.File, offset, part);
                offset += part.Length;
                length -= part.Length;
            }
        }

        private void Note(string kind, IoRequest request, ReadOnlySpan<byte> bytes) =>
            disk._world.Note($"{kind} {disk._host} {feed} {request}", bytes);
    }

    /// <summary>A request that the disk has not come to yet.</summary>
    private sealed class Pending
    {
        private readonly Action<IoRequest, IoResult> _completed;
        private readonly IoRequest _request;
        private readonly ulong _digest;
        private bool _isOver;

        public Pending(Device device, IoRequest request, Action<IoRequest, IoResult> completed)
        {
            Device = device;
            _request = request;
            _completed = completed;
            _digest = DigestOf(request);
        }

        public Device Device { get; }

        public void Complete()
        {
            if (_isOver)
            {
                return;
            }

            _isOver = true;
            Device.Forget(this);

            // Whose buffers are used for something else meanwhile has written that to the disk.
            Invariant.Hold(DigestOf(_request) == _digest);
            _completed(_request, Device.Carry(_request));
        }

        public void Abandon()
        {
            _isOver = true;
            Device.WritePart(_request, "torn");
        }

        private static ulong DigestOf(IoRequest request)
        {
            ulong digest = 0;
            foreach (ReadOnlyMemory<byte> segment in request.Segments)
            {
                digest = MessageDigest.Continue(digest, segment.Span);
            }

            return digest;
        }
    }
}
