using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>What a finished handshake leaves: a key for each direction, a hash that names it, and who is who.</summary>
public sealed class SessionKeys : IDisposable
{
    private readonly byte[] _send = GC.AllocateArray<byte>(SecretStream.KeySize, pinned: true);
    private readonly byte[] _receive = GC.AllocateArray<byte>(SecretStream.KeySize, pinned: true);

    /// <summary>Copies two keys of 32 bytes and a hash of 64.</summary>
    public SessionKeys(
        bool isInitiator,
        ReadOnlySpan<byte> sendKey,
        ReadOnlySpan<byte> receiveKey,
        ReadOnlySpan<byte> handshakeHash,
        PublicKey localPublicKey,
        PublicKey remotePublicKey)
    {
        Invariant.Hold(sendKey.Length == SecretStream.KeySize && receiveKey.Length == SecretStream.KeySize);
        Invariant.Hold(handshakeHash.Length == Capability.HandshakeHashSize);
        IsInitiator = isInitiator;
        sendKey.CopyTo(_send);
        receiveKey.CopyTo(_receive);
        HandshakeHash = handshakeHash.ToArray();
        LocalPublicKey = localPublicKey;
        RemotePublicKey = remotePublicKey;
    }

    public bool IsInitiator { get; }

    public ReadOnlyMemory<byte> HandshakeHash { get; }

    public PublicKey LocalPublicKey { get; }

    public PublicKey RemotePublicKey { get; }

    /// <summary>The key that we encrypt with.</summary>
    public ReadOnlySpan<byte> SendKey => _send;

    /// <summary>The key that the peer encrypts with.</summary>
    public ReadOnlySpan<byte> ReceiveKey => _receive;

    /// <summary>Wipes both keys.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_send);
        CryptographicOperations.ZeroMemory(_receive);
    }
}
