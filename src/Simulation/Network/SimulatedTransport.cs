using System.Buffers;
using System.Net;
using HyperActors.Actors;

namespace HyperActors.Simulation;

/// <summary>One end of a simulated stream. All calls come from the one thread of a deterministic run.</summary>
internal sealed class SimulatedTransport(SimulatedNetwork network, IPEndPoint local, IPEndPoint remote) : ITransport
{
    private readonly Queue<IMemoryOwner<byte>> _unsent = new();
    private IActorRef? _owner;
    private TimeSpan _lastArrival;
    private int _sentOfFirst;
    private int _credit = network.MaxUnreadBytes;
    private bool _ending;
    private bool _ended;
    private bool _closed;

    public IPEndPoint Local => local;

    public IPEndPoint Remote => remote;

    public SimulatedTransport Peer { get; set; } = null!;

    public EndPoint? RemoteAddress => remote;

    public void Start(IActorRef owner)
    {
        _owner = owner;
        if (_closed)
        {
            network.Deliver(network.Now, owner, new ITransport.Broken("the simulated link was cut"));
            return;
        }

        Peer.Pump();
    }

    public void Write(IMemoryOwner<byte> bytes)
    {
        if (_closed)
        {
            bytes.Dispose();
            return;
        }

        _unsent.Enqueue(bytes);
        Pump();
    }

    public void ReturnCredit(int count)
    {
        _credit += count;
        if (!_closed)
        {
            Peer.Pump();
        }
    }

    public void Shutdown()
    {
        _ending = true;
        Pump();
    }

    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        Close();
        if (!_ended || Peer._unsent.Count > 0)
        {
            Peer.Break("the peer closed the stream");
        }
    }

    /// <summary>Ends the stream from outside: its owner hears of it behind all that is under way to it.</summary>
    public void Break(string reason)
    {
        if (_closed)
        {
            return;
        }

        Close();
        if (_owner is not null)
        {
            network.Deliver(Peer.Later(network.DrawLatency()), _owner, new ITransport.Broken(reason));
        }

        Peer.Break(reason);
    }

    /// <summary>Moves bytes to the peer piece by piece, as far as its credit goes.</summary>
    public void Pump()
    {
        if (_closed || Peer._owner is not { } receiver || network.IsParted(local, remote))
        {
            return;
        }

        if (Peer._closed && _unsent.Count > 0)
        {
            Break("the peer has closed the stream");
            return;
        }

        while (Peer._credit > 0 && _unsent.TryPeek(out IMemoryOwner<byte>? first))
        {
            int length = Math.Min(network.DrawPiece(first.Memory.Length - _sentOfFirst), Peer._credit);
            IMemoryOwner<byte> piece = MemoryPool<byte>.Shared.Rent(Math.Max(length, 1));
            ReadOnlySpan<byte> bytes = first.Memory.Span.Slice(_sentOfFirst, length);
            bytes.CopyTo(piece.Memory.Span);
            network.Record("stream", local, remote, bytes);
            Peer._credit -= length;
            _sentOfFirst += length;
            TimeSpan arrival = Later(network.DrawLatency(), length);
            network.Deliver(arrival, receiver, new ITransport.BytesArrived(piece, length));
            if (_sentOfFirst < first.Memory.Length)
            {
                continue;
            }

            if (_owner is not null)
            {
                network.Deliver(arrival, _owner, new ITransport.Written(_sentOfFirst));
            }

            _unsent.Dequeue();
            _sentOfFirst = 0;
            first.Dispose();
        }

        if (_ending && !_ended && _unsent.Count == 0)
        {
            _ended = true;
            network.Deliver(Later(network.DrawLatency()), receiver, ITransport.RemoteEnded.Instance);
        }
    }

    // Nothing overtakes what left on this side before, and each byte takes its time.
    private TimeSpan Later(TimeSpan latency, int length = 0)
    {
        TimeSpan arrival = network.Now + latency;
        _lastArrival = (arrival > _lastArrival ? arrival : _lastArrival) + network.TimeToSend(length);
        return _lastArrival;
    }

    private void Close()
    {
        _closed = true;
        network.Remove(this);
        while (_unsent.TryDequeue(out IMemoryOwner<byte>? bytes))
        {
            bytes.Dispose();
        }
    }
}
