using System.Buffers;
using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>One Noise handshake over Ed25519 keys, message by message.</summary>
/// <remarks>
/// Total: whatever the peer sends, a call answers false at worst, and a handshake that failed stays failed. The
/// ephemeral key pair is chance, so it is an argument; the handshake takes it over and wipes it.
/// </remarks>
public sealed class HandshakeState : IDisposable
{
    private readonly HandshakeToken[][] _messages;
    private readonly SymmetricState _symmetric;
    private readonly KeyPair _static;
    private readonly KeyPair _ephemeral;
    private readonly bool _isInitiator;
    private readonly byte[] _remoteEphemeral = new byte[PublicKey.Size];
    private readonly byte[] _remoteStatic = new byte[PublicKey.Size];
    private int _next;
    private bool _failed;

    /// <summary>Starts a handshake.</summary>
    /// <param name="pattern">Who sends which keys when.</param>
    /// <param name="isInitiator">True for the side that writes first.</param>
    /// <param name="prologue">Bytes that both sides must agree on, nothing for the secret stream's own handshake.</param>
    /// <param name="staticKeys">Our identity; it stays the caller's.</param>
    /// <param name="ephemeralKeys">A fresh pair, taken over.</param>
    /// <param name="responderKey">The responder's key, when the pattern says that the initiator knows it.</param>
    public HandshakeState(
        HandshakePattern pattern,
        bool isInitiator,
        ReadOnlySpan<byte> prologue,
        KeyPair staticKeys,
        KeyPair ephemeralKeys,
        PublicKey? responderKey = null)
    {
        _messages = pattern.Messages;
        _isInitiator = isInitiator;
        _static = staticKeys;
        _ephemeral = ephemeralKeys;
        _symmetric = new SymmetricState(pattern.ProtocolName, prologue);
        if (pattern.ResponderIsKnown)
        {
            Invariant.Hold(!isInitiator || responderKey is not null);
            PublicKey known = isInitiator ? responderKey!.Value : staticKeys.PublicKey;
            _symmetric.MixHash(known.AsSpan());
            if (isInitiator)
            {
                known.CopyTo(_remoteStatic);
            }
        }
    }

    /// <summary>True when every message has been written and read.</summary>
    public bool IsComplete => !_failed && _next == _messages.Length;

    /// <summary>True when the next message is ours to write.</summary>
    public bool MayWrite => !_failed && _next < _messages.Length && (_next % 2 == 0) == _isInitiator;

    /// <summary>True when the next message is the peer's.</summary>
    public bool MayRead => !_failed && _next < _messages.Length && (_next % 2 == 0) != _isInitiator;

    /// <summary>The peer's identity, once the handshake is complete.</summary>
    public PublicKey RemotePublicKey => new(_remoteStatic);

    /// <summary>Writes our next message; false when a key of the peer's is no point of the curve.</summary>
    public bool TryWrite(ReadOnlySpan<byte> payload, IBufferWriter<byte> output)
    {
        Invariant.Hold(MayWrite);
        foreach (HandshakeToken token in _messages[_next])
        {
            switch (token)
            {
                case HandshakeToken.E:
                    PublicKey ephemeral = _ephemeral.PublicKey;
                    _symmetric.MixHash(ephemeral.AsSpan());
                    output.Write(ephemeral.AsSpan());
                    break;
                case HandshakeToken.S:
                    PublicKey own = _static.PublicKey;
                    WriteEncrypted(own.AsSpan(), output);
                    break;
                default:
                    if (!TryMixKey(token))
                    {
                        return Fail();
                    }

                    break;
            }
        }

        WriteEncrypted(payload, output);
        _next++;
        return true;
    }

    /// <summary>Reads the peer's next message; false when it is malformed or forged.</summary>
    public bool TryRead(ReadOnlySpan<byte> message, IBufferWriter<byte> payload)
    {
        if (!MayRead)
        {
            return Fail();
        }

        foreach (HandshakeToken token in _messages[_next])
        {
            int size = PublicKey.Size + (token == HandshakeToken.S ? _symmetric.Overhead : 0);
            if (token is HandshakeToken.E or HandshakeToken.S && message.Length < size)
            {
                return Fail();
            }

            switch (token)
            {
                case HandshakeToken.E:
                    message[..size].CopyTo(_remoteEphemeral);
                    _symmetric.MixHash(_remoteEphemeral);
                    message = message[size..];
                    break;
                case HandshakeToken.S:
                    if (!_symmetric.TryDecryptAndHash(message[..size], _remoteStatic))
                    {
                        return Fail();
                    }

                    message = message[size..];
                    break;
                default:
                    if (!TryMixKey(token))
                    {
                        return Fail();
                    }

                    break;
            }
        }

        int payloadSize = message.Length - _symmetric.Overhead;
        if (payloadSize < 0 || !_symmetric.TryDecryptAndHash(message, payload.GetSpan(Math.Max(payloadSize, 1))[..payloadSize]))
        {
            return Fail();
        }

        payload.Advance(payloadSize);
        _next++;
        return true;
    }

    /// <summary>The keys of both directions, once the handshake is complete.</summary>
    public SessionKeys Split()
    {
        Invariant.Hold(IsComplete);
        Span<byte> initiator = stackalloc byte[SecretStream.KeySize];
        Span<byte> responder = stackalloc byte[SecretStream.KeySize];
        _symmetric.Split(initiator, responder);
        var keys = new SessionKeys(
            _isInitiator,
            _isInitiator ? initiator : responder,
            _isInitiator ? responder : initiator,
            _symmetric.Hash,
            _static.PublicKey,
            RemotePublicKey);
        CryptographicOperations.ZeroMemory(initiator);
        CryptographicOperations.ZeroMemory(responder);
        return keys;
    }

    /// <summary>Wipes what is secret, the ephemeral key pair included.</summary>
    public void Dispose()
    {
        _failed = true;
        _symmetric.Dispose();
        _ephemeral.Dispose();
    }

    private void WriteEncrypted(ReadOnlySpan<byte> plaintext, IBufferWriter<byte> output)
    {
        int size = plaintext.Length + _symmetric.Overhead;
        _symmetric.EncryptAndHash(plaintext, output.GetSpan(Math.Max(size, 1))[..size]);
        output.Advance(size);
    }

    private bool TryMixKey(HandshakeToken token)
    {
        bool ownStatic = token == HandshakeToken.SS || token == (_isInitiator ? HandshakeToken.SE : HandshakeToken.ES);
        bool remoteStatic = token == HandshakeToken.SS || token == (_isInitiator ? HandshakeToken.ES : HandshakeToken.SE);
        Span<byte> shared = stackalloc byte[Ed25519.SharedSecretSize];
        bool valid = Ed25519.TryDiffieHellman(
            (ownStatic ? _static : _ephemeral).SecretKey, remoteStatic ? _remoteStatic : _remoteEphemeral, shared);
        if (valid)
        {
            _symmetric.MixKey(shared);
        }

        CryptographicOperations.ZeroMemory(shared);
        return valid;
    }

    private bool Fail()
    {
        _failed = true;
        return false;
    }
}
