using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Simulation;

/// <summary>The disk of one simulated host: feeds in memory that answer at a virtual time, and survive the host's process.</summary>
public sealed class SimulatedStoreDisk : IStoreDisk
{
    private readonly DeterministicSystem _world;
    private readonly RandomSource _random;
    private readonly DiskOptions _options;
    private readonly string _host;
    private readonly SortedDictionary<string, (DiscoveryKey Key, MemoryDevice Files)> _feeds = new(StringComparer.Ordinal);
    private byte[]? _primaryKey;
    private long _process;

    public SimulatedStoreDisk(DeterministicSystem world, RandomSource random, string host, DiskOptions options)
    {
        _world = world;
        _random = random;
        _host = host;
        _options = options;
    }

    /// <summary>The next requests fail, as when a cable is loose; 0 for none.</summary>
    public int FailingRequests { get; set; }

    /// <summary>Whether writes are refused for want of room.</summary>
    public bool IsFull { get; set; }

    /// <summary>The process is gone: what it had asked for and was not done is cut short or lost.</summary>
    public void Crash() => _process++;

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
        _feeds.TryGetValue(discoveryKey.ToHex(), out (DiscoveryKey, MemoryDevice Files) feed) && !feed.Files[FeedFile.Oplog].IsEmpty;

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveryKey> ListFeeds() => [.. _feeds.Values.Select(f => f.Key).Where(HasFeed)];

    /// <inheritdoc/>
    public IDevice OpenFeed(DiscoveryKey discoveryKey)
    {
        string name = discoveryKey.ToHex();
        if (!_feeds.TryGetValue(name, out (DiscoveryKey, MemoryDevice Files) feed))
        {
            feed = (discoveryKey, new MemoryDevice());
            _feeds.Add(name, feed);
        }

        return new Device(this, feed.Files, name[..8], _process);
    }

    private TimeSpan DrawLatency()
    {
        double spread = _options.MaxLatency.TotalMicroseconds - _options.MinLatency.TotalMicroseconds;
        return _options.MinLatency + TimeSpan.FromMicroseconds(Math.Floor(_random.NextDouble() * spread));
    }

    private sealed class Device(SimulatedStoreDisk disk, MemoryDevice files, string feed, long process) : IDevice
    {
        private bool _disposed;

        public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
        {
            result = default;
            disk._world.System.Scheduler.Advanced.ScheduleOnce(disk.DrawLatency(), () => Complete(request, completed));
            return false;
        }

        public void Dispose() => _disposed = true;

        private void Complete(IoRequest request, Action<IoRequest, IoResult> completed)
        {
            if (process != disk._process)
            {
                Tear(request);
                return;
            }

            if (_disposed)
            {
                return;
            }

            if (disk.FailingRequests > 0)
            {
                disk.FailingRequests--;
                Note("failed", request, default);
                completed(request, new IoResult(0, new IOException($"the simulated disk failed ({request})")));
                return;
            }

            if (disk.IsFull && request.Kind == IoKind.Write)
            {
                completed(request, new IoResult(0, new DiskFullException("the simulated disk is full")));
                return;
            }

            Record(request);
            files.Execute(request, completed, out IoResult result);
            completed(request, result);
        }

        // A write that was under way when the process died: a part of it may have reached the file.
        private void Tear(IoRequest request)
        {
            if (request.Kind != IoKind.Write || disk._random.NextInt32(2) == 0)
            {
                return;
            }

            long left = (long)disk._random.NextUInt64((ulong)request.SegmentBytes + 1);
            long offset = request.Offset;
            foreach (ReadOnlyMemory<byte> segment in request.Segments)
            {
                int length = (int)Math.Min(left, segment.Length);
                files.Write(request.File, offset, segment.Span[..length]);
                Note("torn", request, segment.Span[..length]);
                offset += length;
                left -= length;
            }
        }

        private void Record(IoRequest request)
        {
            if (request.Kind is IoKind.Truncate or IoKind.Flush)
            {
                Note("disk", request, default);
            }

            foreach (ReadOnlyMemory<byte> segment in request.Segments)
            {
                Note("disk", request, segment.Span);
            }
        }

        private void Note(string kind, IoRequest request, ReadOnlySpan<byte> bytes) =>
            disk._world.Note($"{kind} {disk._host} {feed} {request}", bytes);
    }
}
