using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Actors.Tests;

/// <summary>A store's disk that fails when a test says so, and remembers what it was asked.</summary>
internal sealed class FaultyStoreDisk(IStoreDisk inner) : IStoreDisk
{
    /// <summary>Looks at each request of a feed: an exception is its answer, null lets it through.</summary>
    public Func<DiscoveryKey, IoRequest, Exception?>? Fault { get; set; }

    /// <summary>Requests that hold are never answered, as by a disk that hangs.</summary>
    public Func<DiscoveryKey, IoRequest, bool>? Hang { get; set; }

    /// <summary>What opening a feed's files throws; null for none.</summary>
    public Func<DiscoveryKey, Exception?>? OpenFault { get; set; }

    /// <summary>What listing the feeds throws.</summary>
    public Exception? ListFault { get; set; }

    /// <summary>How often each feed's files were opened.</summary>
    public Dictionary<DiscoveryKey, int> Opened { get; } = [];

    /// <summary>Bytes of blocks that were read.</summary>
    public long BlockBytesRead { get; private set; }

    public byte[] ReadPrimaryKey(RandomSource random) => inner.ReadPrimaryKey(random);

    public bool HasFeed(DiscoveryKey discoveryKey) => inner.HasFeed(discoveryKey);

    public IReadOnlyList<DiscoveryKey> ListFeeds() => ListFault is { } fault ? throw fault : inner.ListFeeds();

    public IDevice OpenFeed(DiscoveryKey discoveryKey)
    {
        Opened[discoveryKey] = Opened.GetValueOrDefault(discoveryKey) + 1;
        return OpenFault?.Invoke(discoveryKey) is { } fault
            ? throw fault
            : new Device(this, discoveryKey, inner.OpenFeed(discoveryKey));
    }

    private sealed class Device(FaultyStoreDisk disk, DiscoveryKey feed, IDevice files) : IDevice
    {
        public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
        {
            result = default;
            if (disk.Hang?.Invoke(feed, request) == true)
            {
                return false;
            }

            if (disk.Fault?.Invoke(feed, request) is { } fault)
            {
                result = new IoResult(0, fault);
                return true;
            }

            if (request is { Kind: IoKind.Read, File: FeedFile.Data })
            {
                disk.BlockBytesRead += request.Buffer.Length;
            }

            return files.Execute(request, completed, out result);
        }

        public void Dispose() => files.Dispose();
    }
}
