using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>One connection to one peer: frames, encryption and channels, stacked. All that an actor sees of them.</summary>
/// <remarks>
/// The owner's turn: one change (<see cref="HandleInput"/>, <see cref="Send"/> …), then all events, then bytes to send as
/// credit allows, then the alarm at <see cref="Deadline"/>. Before each read from the transport it looks at
/// <see cref="IsReadingPaused"/>.
/// </remarks>
public sealed partial class Link : IStage<LinkEvent>, IDisposable
{
    private readonly LinkOptions _options;
    private readonly FrameStage _frames;
    private readonly EncryptStage _encrypt;
    private readonly MuxStage _mux;
    private readonly RandomSource _random;
    private DatagramBox? _datagrams;
    private LinkEvent? _connected;
    private LinkEvent? _last;
    private bool _failed;
    private bool _remoteEnded;
    private bool _ending;

    /// <summary>Starts with a Noise XX handshake, as over TCP or a pipe.</summary>
    /// <param name="options">The limits and times.</param>
    /// <param name="isInitiator">True for the side that speaks first: the one that dialled.</param>
    /// <param name="staticKeys">Our identity; it stays the caller's and must live until <see cref="LinkEvent.Connected"/>.</param>
    /// <param name="random">The door to chance; used for the handshake and the first unordered message.</param>
    /// <param name="now">The time.</param>
    public Link(LinkOptions options, bool isInitiator, KeyPair staticKeys, RandomSource random, TimeSpan now)
        : this(options, new EncryptStage(options, isInitiator, staticKeys, random, now), random)
    {
    }

    /// <summary>Starts with keys that another handshake has agreed, as the DHT's does. The link wipes them.</summary>
    public Link(LinkOptions options, SessionKeys keys, RandomSource random, TimeSpan now)
        : this(options, new EncryptStage(options, keys, random, now), random)
    {
    }

    private Link(LinkOptions options, EncryptStage encrypt, RandomSource random)
    {
        _options = options;
        _random = random;
        _encrypt = encrypt;
        _frames = new FrameStage(options.MaxHandshakeFrameSize);
        _mux = new MuxStage(options);
        PassOn();
    }

    /// <inheritdoc/>
    public TimeSpan? Deadline => _failed ? null : _encrypt.Deadline;

    /// <summary>True while the owner should take no more bytes from the transport.</summary>
    public bool IsReadingPaused => _mux.IsReadingPaused;

    /// <summary>Bytes that wait to be sent.</summary>
    public long QueuedBytes => _mux.QueuedBytes + _readyLength;

    /// <summary>How many opens were rejected because the peer has too many channels already.</summary>
    public long RefusedOpens => _mux.RefusedOpens;

    /// <summary>True when the link has been ended and every byte was polled: the owner ends its side of the transport.</summary>
    public bool HasSentAll => _failed || (_ending && QueuedBytes == 0 && !_encrypt.HasSetup);

    /// <summary>Opens our half of a channel; it pairs with the oldest request of the same key, or waits for one. Messages
    /// may be sent at once.</summary>
    /// <returns>False when a unique channel is open already, when there are too many, or when the link is over.</returns>
    public bool TryOpen(ChannelSpec spec, ReadOnlySpan<byte> handshake, out ulong channelId)
    {
        channelId = 0;
        return !_ending && _mux.TryOpen(spec, handshake, out channelId);
    }

    /// <summary>Sends an empty message when there is nothing else to send: a dead peer is found out by it.</summary>
    public void KeepAlive() => _encrypt.KeepAlive();

    /// <summary>Says no to a request; one that is gone already is ignored.</summary>
    public void Reject(ulong requestId) => _mux.Reject(requestId);

    /// <summary>Closes a channel in both directions; one that is closed already is ignored.</summary>
    public void Close(ulong channelId) => _mux.Close(channelId);

    /// <summary>Queues messages of a channel; the link disposes of them.</summary>
    /// <returns>False when the channel is closed, so that they will not be sent.</returns>
    public bool Send(ulong channelId, MessageBatch messages)
    {
        if (_ending)
        {
            messages.Dispose();
            return false;
        }

        bool sent = _mux.Send(channelId, messages);
        PassOn();
        return sent;
    }

    /// <summary>Seals an unordered message, which goes out beside the stream where the transport can do that.</summary>
    /// <returns>The envelope, <see cref="DatagramBox.Overhead"/> bytes longer; null before there are keys, or when the link is over.</returns>
    public byte[]? SealDatagram(ReadOnlySpan<byte> message)
    {
        if (PrepareDatagrams() is not { } datagrams)
        {
            return null;
        }

        byte[] envelope = new byte[message.Length + DatagramBox.Overhead];
        return datagrams.TrySeal(message, envelope) ? envelope : null;
    }

    /// <summary>Opens an envelope of the peer's.</summary>
    /// <returns>The message; null when it is none, before there are keys, or when the link is over.</returns>
    public byte[]? OpenDatagram(ReadOnlySpan<byte> envelope)
    {
        if (envelope.Length < DatagramBox.Overhead || PrepareDatagrams() is not { } datagrams)
        {
            return null;
        }

        byte[] message = new byte[envelope.Length - DatagramBox.Overhead];
        return datagrams.TryOpen(envelope, message) ? message : null;
    }

    /// <summary>Nothing more will be sent: what is queued goes out, then <see cref="HasSentAll"/> is true.</summary>
    public void End()
    {
        _ending = true;
        _encrypt.End();
        _mux.End();
    }

    /// <summary>The peer has ended its side of the transport.</summary>
    public void HandleEnd()
    {
        if (_failed || _remoteEnded)
        {
            return;
        }

        _remoteEnded = true;
        _encrypt.EndRemote();
        _mux.EndTurn();
        _last = new LinkEvent.RemoteEnded();
        End();
    }

    /// <summary>The owner of a channel found that the peer broke its protocol.</summary>
    public void Fail(WireError error)
    {
        if (_failed)
        {
            return;
        }

        _failed = true;
        _mux.EndTurn();
        _last = new LinkEvent.Failed(error);
        Silence();
    }

    /// <inheritdoc/>
    public void HandleTimeout(TimeSpan now)
    {
        if (!_failed)
        {
            _encrypt.HandleTimeout(now);
            PassOn();
        }
    }

    /// <inheritdoc/>
    public void HandleInput(ReadOnlySequence<byte> input, TimeSpan now)
    {
        if (_failed || _remoteEnded || input.IsEmpty)
        {
            return;
        }

        _encrypt.TouchIdle(now);
        _frames.HandleInput(input, now);
        while (!_failed && _frames.TryPollEvent(out FrameEvent frame))
        {
            if (frame.Kind == FrameEventKind.Failed)
            {
                Fail(frame.Error);
                return;
            }

            _encrypt.HandleFrame(frame.Body, now, _encrypt.NeedsBlock ? frame.Body.Length + _frames.MeasureWhole() : 0);
            PassOn();
        }

        _encrypt.EndTurn();
        _mux.EndTurn();
    }

    /// <inheritdoc/>
    public bool TryPollEvent([MaybeNullWhen(false)] out LinkEvent stageEvent)
    {
        if (_connected is not null)
        {
            stageEvent = _connected;
            _connected = null;
            return true;
        }

        if (_mux.TryPollEvent(out stageEvent))
        {
            return true;
        }

        stageEvent = _last;
        _last = null;
        return stageEvent is not null;
    }

    /// <summary>Wipes keys and returns memory. Events that were not polled are gone.</summary>
    public void Dispose()
    {
        _failed = true;
        Silence();
        _mux.Dispose();
        _connected = null;
        _last = null;
    }

    // Carries events from one stage to the next above.
    private void PassOn()
    {
        while (!_failed && _encrypt.TryPollEvent(out EncryptEvent e))
        {
            switch (e.Kind)
            {
                case EncryptEventKind.Opened:
                    SessionKeys session = _encrypt.Session!;
                    _connected = new LinkEvent.Connected(session.RemotePublicKey, session.HandshakeHash, session.IsInitiator);
                    break;
                case EncryptEventKind.Message:
                    _mux.HandleMessage(e.Block!, e.Start, e.Length);
                    break;
                case EncryptEventKind.Failed:
                    Fail(e.Error);
                    break;
            }
        }

        if (_encrypt.IsOpen)
        {
            _frames.MaxBodySize = _options.MaxFrameSize;
        }

        if (!_failed && _mux.HasFailed)
        {
            _failed = true;
            Silence();
        }
    }

    // Few connections ever send one: those that don't, derive no keys for it.
    private DatagramBox? PrepareDatagrams() => _failed || _encrypt.Session is not { } session
        ? null
        : _datagrams ??= new DatagramBox(session.IsInitiator, session.HandshakeHash.Span, _random);

    private void Silence()
    {
        _datagrams?.Dispose();
        _frames.Dispose();
        _encrypt.Dispose();
        _mux.Silence();
        DropReady();
    }
}
