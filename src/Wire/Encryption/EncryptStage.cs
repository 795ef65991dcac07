using System.Buffers;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>Noise first, then the secret stream: frames in, plaintext messages out, and back.</summary>
/// <remarks>
/// <code>
/// Handshake  Noise XX messages, one per frame; left out when the keys are given
/// Header     keys are agreed, our header is on its way, the peer's is awaited; we may send already
/// Open       both directions work
/// Failed     deaf
/// </code>
/// Each frame is decrypted once, into a block that all messages of one turn share and that is handed out with them.
/// </remarks>
public sealed class EncryptStage : IStage<EncryptEvent>, IDisposable
{
    /// <summary>The size of a header frame: a stream id and the header of the secret stream.</summary>
    public const int HeaderFrameSize = Hash.Size + SecretStream.HeaderSize;

    private readonly LinkOptions _options;
    private readonly RandomSource _random;
    private readonly Queue<byte[]> _setupMessages = new();
    private HandshakeState? _handshake;
    private SecretStreamPush? _push;
    private SecretStreamPull? _pull;
    private PooledBlock? _block;
    private int _blockUsed;
    private int _messageStart;
    private int _messageLength = -1;
    private bool _openedUnreported;
    private bool _failed;
    private WireError _error;
    private TimeSpan? _handshakeDeadline;
    private TimeSpan? _keepAliveDeadline;
    private TimeSpan? _idleDeadline;
    private bool _keepAliveDue;
    private bool _ended;

    /// <summary>Starts with a Noise XX handshake.</summary>
    /// <param name="options">The limits and times.</param>
    /// <param name="isInitiator">True for the side that speaks first.</param>
    /// <param name="staticKeys">Our identity; it stays the caller's.</param>
    /// <param name="random">Gives the ephemeral key pair and the header of the stream.</param>
    /// <param name="now">The time.</param>
    public EncryptStage(LinkOptions options, bool isInitiator, KeyPair staticKeys, RandomSource random, TimeSpan now)
    {
        _options = options;
        _random = random;
        _handshakeDeadline = now + options.HandshakeTimeout;
        TouchIdle(now);
        _handshake = new HandshakeState(
            HandshakePattern.XX, isInitiator, prologue: default, staticKeys, KeyPair.Generate(random));
        if (isInitiator)
        {
            WriteHandshake();
        }
    }

    /// <summary>Starts with keys that another handshake has agreed; wipes them.</summary>
    public EncryptStage(LinkOptions options, SessionKeys keys, RandomSource random, TimeSpan now)
    {
        _options = options;
        _random = random;
        _handshakeDeadline = now + options.HandshakeTimeout;
        TouchIdle(now);
        Setup(keys, now);
    }

    /// <summary>The agreed keys' names and roles; the keys themselves are wiped. Null until there are any.</summary>
    public SessionKeys? Session { get; private set; }

    /// <summary>True when messages can be encrypted.</summary>
    public bool CanEncrypt => _push is not null && !_failed;

    /// <summary>True when the peer's header is here, and messages of its may follow.</summary>
    public bool IsOpen => _pull is not null && !_failed;

    /// <summary>True while messages of the setup wait to be sent.</summary>
    internal bool HasSetup => _setupMessages.Count > 0;

    /// <summary>True when our side has been silent for so long that an empty message is due.</summary>
    internal bool IsKeepAliveDue => _keepAliveDue && !_ended && !_failed;

    /// <summary>Has an empty message sent soon, however short the silence was: a dead peer is found out by it.</summary>
    internal void KeepAlive() => _keepAliveDue |= IsOpen && !_ended;

    /// <summary>True when the next message will rent a block.</summary>
    internal bool NeedsBlock => _block is null && _pull is not null;

    public TimeSpan? Deadline =>
        _failed ? null : Earliest(_handshakeDeadline, Earliest(_keepAliveDeadline, _idleDeadline));

    public void HandleTimeout(TimeSpan now)
    {
        if (_failed)
        {
            return;
        }

        if (_handshakeDeadline <= now)
        {
            Fail(WireError.HandshakeTimeout);
        }
        else if (_idleDeadline <= now)
        {
            Fail(WireError.IdleTimeout);
        }
        else if (_keepAliveDeadline <= now)
        {
            _keepAliveDue = true;
            _keepAliveDeadline = now + _options.KeepAliveInterval;
        }
    }

    /// <summary>Takes one frame.</summary>
    public void HandleInput(ReadOnlySequence<byte> input, TimeSpan now)
    {
        if (input.IsSingleSegment)
        {
            HandleFrame(input.FirstSpan, now, 0);
        }
        else
        {
            HandleFrame(input.ToArray(), now, 0);
        }
    }

    /// <summary>Writes one message of the setup, or an empty one to keep the line alive; each is a frame.</summary>
    public bool TryPollTransmit(IBufferWriter<byte> output, TimeSpan now)
    {
        if (_failed)
        {
            return false;
        }

        if (_setupMessages.TryDequeue(out byte[]? message))
        {
            output.Write(message);
            return true;
        }

        if (!IsKeepAliveDue)
        {
            return false;
        }

        Encrypt(default, output.GetSpan(SecretStream.Overhead)[..SecretStream.Overhead], now);
        output.Advance(SecretStream.Overhead);
        return true;
    }

    public bool TryPollEvent(out EncryptEvent stageEvent)
    {
        stageEvent = default;
        if (_openedUnreported)
        {
            _openedUnreported = false;
            stageEvent = new EncryptEvent(EncryptEventKind.Opened);
            return true;
        }

        if (_messageLength >= 0)
        {
            stageEvent = new EncryptEvent(_block!, _messageStart, _messageLength);
            _messageLength = -1;
            return true;
        }

        if (_error != WireError.None)
        {
            stageEvent = new EncryptEvent(EncryptEventKind.Failed, _error);
            _error = WireError.None;
            return true;
        }

        return false;
    }

    /// <summary>Encrypts one message; may be in place, the plaintext one byte behind the ciphertext's start.</summary>
    public void Encrypt(ReadOnlySpan<byte> message, Span<byte> frame, TimeSpan now)
    {
        Invariant.Hold(CanEncrypt);
        _push!.Push(message, frame);
        _keepAliveDue = false;
        if (_keepAliveDeadline is not null)
        {
            _keepAliveDeadline = now + _options.KeepAliveInterval;
        }
    }

    /// <summary>Takes one frame, lent for the call; <paramref name="turnSize"/> is how many bytes the frames of this turn have together, 0 when that is
    /// not known.</summary>
    public void HandleFrame(ReadOnlySpan<byte> frame, TimeSpan now, int turnSize)
    {
        Invariant.Hold(_messageLength < 0);
        if (_failed)
        {
            return;
        }

        TouchIdle(now);
        if (_handshake is not null)
        {
            ReadHandshake(frame, now);
        }
        else if (_pull is null)
        {
            ReadHeader(frame);
        }
        else
        {
            Decrypt(frame, turnSize);
        }
    }

    /// <summary>Lets go of the turn's block: what is in it now belongs to those who hold it.</summary>
    internal void EndTurn()
    {
        _block?.Release();
        _block = null;
    }

    /// <summary>Notes that bytes arrived, whole frames or not.</summary>
    internal void TouchIdle(TimeSpan now)
    {
        if (_options.IdleTimeout > TimeSpan.Zero)
        {
            _idleDeadline = now + _options.IdleTimeout;
        }
    }

    /// <summary>We send no more, so nothing has to be kept alive.</summary>
    internal void End()
    {
        _ended = true;
        _keepAliveDue = false;
        _keepAliveDeadline = null;
    }

    /// <summary>The peer sends no more, so nothing of its is awaited.</summary>
    internal void EndRemote()
    {
        _handshakeDeadline = null;
        _idleDeadline = null;
    }

    public void Dispose()
    {
        _failed = true;
        _handshake?.Dispose();
        _handshake = null;
        _push?.Dispose();
        _pull?.Dispose();
        _setupMessages.Clear();
        if (_messageLength < 0)
        {
            EndTurn();
        }
    }

    private void ReadHandshake(ReadOnlySpan<byte> frame, TimeSpan now)
    {
        // Payloads are no part of the secret stream's handshake; upstream ignores one that comes anyway.
        var payload = new ArrayBufferWriter<byte>();
        if (!_handshake!.TryRead(frame, payload))
        {
            Fail(WireError.HandshakeFailed);
            return;
        }

        if (_handshake.MayWrite && !WriteHandshake())
        {
            return;
        }

        if (_handshake.IsComplete)
        {
            SessionKeys keys = _handshake.Split();
            _handshake.Dispose();
            _handshake = null;
            Setup(keys, now);
        }
    }

    private bool WriteHandshake()
    {
        var message = new ArrayBufferWriter<byte>(PublicKey.Size * 4);
        if (!_handshake!.TryWrite(default, message))
        {
            Fail(WireError.HandshakeFailed);
            return false;
        }

        _setupMessages.Enqueue(message.WrittenSpan.ToArray());
        return true;
    }

    // Neither side waits for the other: our header leaves as soon as there are keys.
    private void Setup(SessionKeys keys, TimeSpan now)
    {
        Session = keys;
        byte[] header = new byte[HeaderFrameSize];
        Capability.StreamId(keys.IsInitiator, keys.HandshakeHash.Span).CopyTo(header);
        _random.Fill(header.AsSpan(Hash.Size));
        _push = new SecretStreamPush(keys.SendKey, header.AsSpan(Hash.Size));
        _setupMessages.Enqueue(header);
        _openedUnreported = true;
        if (_options.KeepAliveInterval > TimeSpan.Zero && !_ended)
        {
            _keepAliveDeadline = now + _options.KeepAliveInterval;
        }
    }

    private void ReadHeader(ReadOnlySpan<byte> frame)
    {
        SessionKeys keys = Session!;
        Hash expected = Capability.StreamId(!keys.IsInitiator, keys.HandshakeHash.Span);
        if (frame.Length != HeaderFrameSize || !frame[..Hash.Size].SequenceEqual(expected.AsSpan()))
        {
            Fail(WireError.InvalidStreamHeader);
            return;
        }

        _pull = new SecretStreamPull(keys.ReceiveKey, frame[Hash.Size..]);
        keys.Dispose();
        _handshakeDeadline = null;
    }

    private void Decrypt(ReadOnlySpan<byte> frame, int turnSize)
    {
        int length = frame.Length - SecretStream.Overhead;
        if (length < 0)
        {
            Fail(WireError.DecryptionFailed);
            return;
        }

        if (_block is null || _block.Capacity - _blockUsed < length)
        {
            EndTurn();
            _block = PooledBlock.Rent(Math.Max(length, turnSize));
            _blockUsed = 0;
        }

        if (!_pull!.TryPull(frame, _block.Array.AsSpan(_blockUsed, length)))
        {
            Fail(WireError.DecryptionFailed);
            return;
        }

        // An empty message keeps the line alive and says nothing.
        if (length > 0)
        {
            _messageStart = _blockUsed;
            _messageLength = length;
            _blockUsed += length;
        }
    }

    private void Fail(WireError error)
    {
        _error = error;
        Session?.Dispose();
        Dispose();
    }

    private static TimeSpan? Earliest(TimeSpan? a, TimeSpan? b) => b is null || a <= b ? a ?? b : b;
}
