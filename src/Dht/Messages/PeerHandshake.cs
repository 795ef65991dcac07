using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Dht;

/// <summary>The handshake that a connection starts with, before there is a stream: Noise IK, two messages, each with a <see cref="NoisePayload"/>.</summary>
/// <remarks>
/// The client knows the server's key, so the first message says who calls, to the server alone; it is 96 bytes and the payload, the answer 48
/// and the payload. Whatever comes from the peer, a call answers false at worst.
/// </remarks>
public sealed class PeerHandshake : IDisposable
{
    private readonly HandshakeState _noise;

    private PeerHandshake(KeyPair keyPair, KeyPair ephemeralKeys, PublicKey? remotePublicKey)
    {
        IsInitiator = remotePublicKey is not null;
        _noise = new HandshakeState(
            HandshakePattern.IK, IsInitiator, Namespaces.DhtPeerHandshake, keyPair, ephemeralKeys, remotePublicKey);
    }

    /// <summary>True for the client.</summary>
    public bool IsInitiator { get; }

    /// <summary>The peer; for a server, once the first message was read.</summary>
    public PublicKey RemotePublicKey => _noise.RemotePublicKey;

    /// <summary>True when both messages went through.</summary>
    public bool IsComplete => _noise.IsComplete;

    /// <summary>The client's side.</summary>
    /// <param name="keyPair">Our identity; it stays the caller's.</param>
    /// <param name="remotePublicKey">The server.</param>
    /// <param name="random">Gives the ephemeral keys.</param>
    public static PeerHandshake Initiate(KeyPair keyPair, in PublicKey remotePublicKey, RandomSource random) =>
        new(keyPair, KeyPair.Generate(random), remotePublicKey);

    /// <summary>The server's side.</summary>
    /// <param name="keyPair">Our identity; it stays the caller's.</param>
    /// <param name="random">Gives the ephemeral keys.</param>
    public static PeerHandshake Respond(KeyPair keyPair, RandomSource random) => new(keyPair, KeyPair.Generate(random), null);

    /// <summary>Writes our message; false when the server's key, or the client's ephemeral one, is no key.</summary>
    public bool TryWrite(NoisePayload payload, out byte[] message)
    {
        var output = new ArrayBufferWriter<byte>(256);
        bool written = _noise.MayWrite && _noise.TryWrite(payload.ToBytes(), output);
        message = written ? output.WrittenSpan.ToArray() : [];
        return written;
    }

    /// <summary>Reads the peer's message; false when it is malformed, forged, or not its turn. Then nothing more comes of this handshake.</summary>
    public bool TryRead(ReadOnlySpan<byte> message, out NoisePayload payload)
    {
        payload = new NoisePayload();
        var plaintext = new ArrayBufferWriter<byte>(Math.Max(message.Length, 1));
        if (!_noise.TryRead(message, plaintext))
        {
            return false;
        }

        var reader = new CompactReader(plaintext.WrittenSpan);
        return NoisePayload.TryDecode(ref reader, out payload);
    }

    /// <summary>The keys of the stream, for a link; only when complete.</summary>
    public SessionKeys Split() => _noise.Split();

    /// <summary>The cipher for hole punching between the same two; only when complete.</summary>
    public HolepunchCipher CreateHolepunchCipher(RandomSource random)
    {
        using SessionKeys keys = _noise.Split();
        Span<byte> secret = stackalloc byte[SecretBox.KeySize];
        Blake2b.Keyed(keys.HandshakeHash.Span, Namespaces.DhtPeerHolepunch, secret);
        var cipher = new HolepunchCipher(secret, random);
        secret.Clear();
        return cipher;
    }

    /// <summary>Wipes what is secret.</summary>
    public void Dispose() => _noise.Dispose();

    internal static PeerHandshake WithEphemeral(KeyPair keyPair, KeyPair ephemeralKeys, PublicKey? remotePublicKey) =>
        new(keyPair, ephemeralKeys, remotePublicKey);
}
