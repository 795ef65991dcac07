using System.Buffers;
using System.Net;
using HyperActors.Wire;

namespace HyperActors.Actors.Tests;

/// <summary>A transport whose other end is a test: what is written is kept, what is read is given.</summary>
internal sealed class FakeTransport(EndPoint? remoteAddress = null) : ITransport
{
    private readonly List<byte> _written = [];
    private IActorRef _owner = ActorRefs.Nobody;

    public EndPoint? RemoteAddress => remoteAddress;

    /// <summary>Credit that came back.</summary>
    public long Returned { get; private set; }

    /// <summary>Buffers that were handed over and not yet disposed.</summary>
    public int BuffersHeld { get; private set; }

    public bool IsDisposed { get; private set; }

    public bool IsShutDown { get; private set; }

    public void Start(IActorRef owner) => _owner = owner;

    public void Write(IMemoryOwner<byte> bytes)
    {
        int count = bytes.Memory.Length;
        _written.AddRange(bytes.Memory.Span);
        bytes.Dispose();
        _owner.Tell(new ITransport.Written(count), ActorRefs.NoSender);
    }

    public void ReturnCredit(int count) => Returned += count;

    public void Shutdown() => IsShutDown = true;

    public void Dispose() => IsDisposed = true;

    /// <summary>Takes what was written since the last time.</summary>
    public byte[] TakeWritten()
    {
        byte[] written = [.. _written];
        _written.Clear();
        return written;
    }

    /// <summary>Bytes from the peer, in a buffer of a size of its own.</summary>
    public void Arrive(ReadOnlySpan<byte> bytes, int bufferSize)
    {
        var buffer = new Buffer(this, Math.Max(bufferSize, bytes.Length));
        bytes.CopyTo(buffer.Memory.Span);
        BuffersHeld++;
        _owner.Tell(new ITransport.BytesArrived(buffer, bytes.Length), ActorRefs.NoSender);
    }

    public void Break(string reason) => _owner.Tell(new ITransport.Broken(reason), ActorRefs.NoSender);

    /// <summary>Carries bytes between a connection and a link that a test holds, until both are quiet.</summary>
    public void Exchange(DeterministicSystem run, Link link)
    {
        bool isActive = true;
        while (isActive)
        {
            run.RunUntilIdle();
            byte[] written = TakeWritten();
            link.HandleInput(new ReadOnlySequence<byte>(written), run.Now);
            isActive = written.Length > 0;
            while (link.TryPollTransmit(64 << 10, run.Now, out IMemoryOwner<byte>? bytes))
            {
                isActive = true;
                Arrive(bytes.Memory.Span, bytes.Memory.Length);
                bytes.Dispose();
            }
        }
    }

    private sealed class Buffer(FakeTransport transport, int size) : IMemoryOwner<byte>
    {
        private bool _disposed;

        public Memory<byte> Memory { get; } = new byte[size];

        public void Dispose()
        {
            if (!_disposed)
            {
                _disposed = true;
                transport.BuffersHeld--;
            }
        }
    }
}
