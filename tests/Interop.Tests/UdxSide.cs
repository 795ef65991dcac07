using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Threading.Channels;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Udx;

namespace HyperActors.Interop.Tests;

/// <summary>Our side of an interop run: a hub on a real socket.</summary>
internal sealed class UdxSide : IDisposable
{
    private UdxSide(UdpOptions? udp, string host)
    {
        Hub = new UdxHub(
            UdpDoor.Open(udp ?? new UdpOptions(), () => Stopwatch.GetElapsedTime(0)), new UdxOptions(), RandomSource.System);
        Socket = Hub.Bind(new IPEndPoint(IPAddress.Parse(host), 0));
    }

    public UdxHub Hub { get; }

    public UdpSocket Socket { get; }

    public IPEndPoint Address => Socket.LocalAddress.ToIPEndPoint();

    public static UdxSide Open(UdpOptions? udp = null, string host = "127.0.0.1") => new(udp, host);

    /// <summary>Opens a stream and connects it.</summary>
    public UdxPeerStream Connect(uint id, uint remoteId, IPEndPoint remote, bool echoes = false)
    {
        var stream = new UdxPeerStream(echoes);
        stream.Connection = Hub.Open(id, stream) ?? throw new InvalidOperationException($"stream {id} is taken");
        stream.Connection.Connect(Socket, remoteId, new UdxAddress(remote));
        return stream;
    }

    public void Dispose() => Hub.Dispose();
}

/// <summary>One stream of ours, awaited and hashed.</summary>
internal sealed class UdxPeerStream(bool echoes) : IUdxSink
{
    private const int Block = 64 * 1024;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(4);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly SemaphoreSlim _credit = new(16);
    private readonly TaskCompletionSource _remoteEnded = NewSource();
    private readonly TaskCompletionSource<UdxCloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _received;
    private long _written;

    public UdxConnection Connection { get; set; } = null!;

    public Channel<byte[]> Messages { get; } = Channel.CreateUnbounded<byte[]>();

    public long Received => Interlocked.Read(ref _received);

    public Task RemoteEnded => _remoteEnded.Task.WaitAsync(_patience);

    public Task<UdxCloseReason> Closed => _closed.Task.WaitAsync(_patience);

    public string Digest
    {
        get
        {
            lock (_hash)
            {
                return Convert.ToHexStringLower(_hash.GetCurrentHash());
            }
        }
    }

    /// <summary>Writes the blocks that the seed decides, as udx.js does, and gives their SHA-256.</summary>
    public async Task<string> WriteAsync(uint seed, long bytes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        uint index = 0;
        for (long sent = 0; sent < bytes;)
        {
            byte[] block = NodePeer.Pattern(seed, index++, (int)Math.Min(Block, bytes - sent));
            sent += block.Length;
            hash.AppendData(block);
            Assert.True(await _credit.WaitAsync(_patience), "the stream takes no more");
            Connection.Write(new Owner(block));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public void HandleBytes(IMemoryOwner<byte> bytes, int count)
    {
        ReadOnlyMemory<byte> data = bytes.Memory[..count];
        lock (_hash)
        {
            _hash.AppendData(data.Span);
        }

        Interlocked.Add(ref _received, count);
        if (echoes)
        {
            Connection.Write(new Owner(data.ToArray()));
        }

        bytes.Dispose();
        Connection.Consumed(count);
    }

    public void HandleWritten(int count)
    {
        long before = _written / Block;
        _written += count;
        int blocks = (int)((_written / Block) - before);
        if (blocks > 0)
        {
            _credit.Release(blocks);
        }
    }

    public void HandleMessage(ReadOnlyMemory<byte> message) => Messages.Writer.TryWrite(message.ToArray());

    public void HandleRemoteEnded()
    {
        _remoteEnded.TrySetResult();
        if (echoes)
        {
            Connection.End();
        }
    }

    public void HandleRemoteChanged()
    {
    }

    public void HandleClosed(UdxCloseReason reason)
    {
        _closed.TrySetResult(reason);
        _remoteEnded.TrySetException(new IOException($"closed: {reason}"));
        _ = _remoteEnded.Task.Exception;
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Owner(byte[] bytes) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => bytes;

        public void Dispose()
        {
        }
    }
}
