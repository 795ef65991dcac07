using System.Security.Cryptography;

namespace HyperActors.Udx.Tests;

/// <summary>The owner of a stream: drains it, sets its alarm, and keeps what it heard.</summary>
internal sealed class Peer : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Host _host;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private Queue<byte[]>? _toWrite;
    private bool _endsWhenWritten;
    private bool _isWriting;
    private bool _isGone;

    public Peer(Host host, UdxStream stream)
    {
        _host = host;
        Stream = stream;
    }

    public UdxStream Stream { get; }

    /// <summary>Bytes of the stream that arrived.</summary>
    public long Received { get; private set; }

    /// <summary>All of them, as long as there are not too many.</summary>
    public MemoryStream Bytes { get; } = new();

    public List<byte[]> Messages { get; } = [];

    public List<UdxEventKind> Events { get; } = [];

    public int Chunks { get; private set; }

    public UdxCloseReason Reason { get; private set; }

    public bool IsClosed => Reason != UdxCloseReason.None;

    public bool HasRemoteEnded => Events.Contains(UdxEventKind.RemoteEnded);

    /// <summary>Whether bytes are given back as they come; a slow owner keeps them.</summary>
    public bool Consumes { get; set; } = true;

    public int Unconsumed { get; private set; }

    public TimeSpan? FinishedAt { get; private set; }

    public string Digest => Convert.ToHexString(_hash.GetCurrentHash());

    public void Connect(Peer other, int socket = 0, int routeMtu = int.MaxValue)
    {
        Stream.Connect(
            socket, other.Stream.LocalId, other._host.AddressOf(0), _host.World.Now, routeMtu);
        Drain();
    }

    /// <summary>Writes all of <paramref name="bytes"/>, as fast as the stream takes them.</summary>
    public void Write(ReadOnlySpan<byte> bytes, bool ends = false)
    {
        _toWrite ??= new Queue<byte[]>();
        for (int offset = 0; offset < bytes.Length; offset += 64 * 1024)
        {
            _toWrite.Enqueue(bytes[offset..Math.Min(bytes.Length, offset + (64 * 1024))].ToArray());
        }

        _endsWhenWritten |= ends;
        Drain();
    }

    public void Act(Action<UdxStream> action)
    {
        action(Stream);
        Drain();
    }

    public void ConsumeAll()
    {
        Stream.Consumed(Unconsumed);
        Unconsumed = 0;
        Drain();
    }

    public void Drain()
    {
        DrainEvents();
        Pump();
        while (Stream.TryPollTransmit(_host.Buffer, _host.World.Now, out UdxTransmit transmit))
        {
            _host.Transmit(transmit, _host.Buffer);
        }

        DrainEvents();
        if (Stream.Deadline is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            _host.World.At(deadline, () => Wake(deadline));
        }

        if (IsClosed && !_isGone)
        {
            _isGone = true;
            FinishedAt = _host.World.Now;
            _host.Close(this);
        }
    }

    public void Dispose() => _hash.Dispose();

    private void Wake(TimeSpan due)
    {
        // An earlier alarm has taken the place of this one.
        if (due != _alarm)
        {
            return;
        }

        _alarm = TimeSpan.MaxValue;
        Stream.HandleTimeout(_host.World.Now);
        Drain();
    }

    private void Pump()
    {
        if (_isWriting)
        {
            return;
        }

        _isWriting = true;
        while (_toWrite is { Count: > 0 } && !Stream.IsClosed)
        {
            byte[] next = _toWrite.Dequeue();
            int taken = Stream.Write(next);
            if (taken < next.Length)
            {
                var rest = new Queue<byte[]>([next[taken..], .. _toWrite]);
                _toWrite = rest;
                break;
            }
        }

        if (_endsWhenWritten && _toWrite is { Count: 0 })
        {
            Stream.End();
        }

        _isWriting = false;
    }

    private void DrainEvents()
    {
        while (Stream.TryPollEvent(out UdxEvent e))
        {
            Take(e);
        }
    }

    private void Take(in UdxEvent e)
    {
        switch (e.Kind)
        {
            case UdxEventKind.Data:
                Chunks++;
                Received += e.Data.Length;
                _hash.AppendData(e.Data.Span);
                if (Bytes.Length < 1 << 20)
                {
                    Bytes.Write(e.Data.Span);
                }

                if (Consumes)
                {
                    Stream.Consumed(e.Data.Length);
                }
                else
                {
                    Unconsumed += e.Data.Length;
                }

                break;
            case UdxEventKind.Message:
                Messages.Add(e.Data.ToArray());
                break;
            default:
                Events.Add(e.Kind);
                Reason = e.Kind == UdxEventKind.Closed ? e.Reason : Reason;
                break;
        }
    }
}
