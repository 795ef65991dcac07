using System.Text;

namespace HyperActors.Crypto;

/// <summary>Constants that keep one use of a hash or signature from being taken for another (docs/crypto.md#namespaces).</summary>
/// <remarks>Each is <c>BLAKE2b-256(BLAKE2b-256(name) || byte id)</c>.</remarks>
public static class Namespaces
{
    private static readonly Hash _tree = Make("hypercore", 0);
    private static readonly Hash _replicateInitiator = Make("hypercore", 1);
    private static readonly Hash _replicateResponder = Make("hypercore", 2);
    private static readonly Hash _manifest = Make("hypercore", 3);
    private static readonly Hash _defaultNamespace = Make("hypercore", 4);
    private static readonly Hash _defaultEncryption = Make("hypercore", 5);
    private static readonly Hash _streamInitiator = Make("hyperswarm/secret-stream", 0);
    private static readonly Hash _streamResponder = Make("hyperswarm/secret-stream", 1);
    private static readonly Hash _streamSend = Make("hyperswarm/secret-stream", 2);
    private static readonly Hash _corestore = Make("corestore", 0);
    private static readonly Hash _dhtPeerHandshake = Make("hyperswarm/dht", 0);
    private static readonly Hash _dhtPeerHolepunch = Make("hyperswarm/dht", 1);
    private static readonly Hash _dhtAnnounce = Make("hyperswarm/dht", 4);
    private static readonly Hash _dhtUnannounce = Make("hyperswarm/dht", 5);
    private static readonly Hash _dhtMutablePut = Make("hyperswarm/dht", 6);
    private static readonly Hash _dhtPlugin = Make("hyperswarm/dht", 10);

    /// <summary>Opens what is signed over a tree.</summary>
    public static ReadOnlySpan<byte> Tree => _tree.AsSpan();

    /// <summary>The initiator's proof that it knows a feed's key.</summary>
    public static ReadOnlySpan<byte> ReplicateInitiator => _replicateInitiator.AsSpan();

    /// <summary>The responder's proof that it knows a feed's key.</summary>
    public static ReadOnlySpan<byte> ReplicateResponder => _replicateResponder.AsSpan();

    /// <summary>Opens what a manifest's hash is over.</summary>
    public static ReadOnlySpan<byte> Manifest => _manifest.AsSpan();

    /// <summary>The namespace of a signer that names none.</summary>
    public static ReadOnlySpan<byte> DefaultNamespace => _defaultNamespace.AsSpan();

    /// <summary>Opens what a feed's block encryption key is derived from.</summary>
    public static ReadOnlySpan<byte> DefaultEncryption => _defaultEncryption.AsSpan();

    /// <summary>The stream id of the side that dialled.</summary>
    public static ReadOnlySpan<byte> StreamInitiator => _streamInitiator.AsSpan();

    /// <summary>The stream id of the side that was dialled.</summary>
    public static ReadOnlySpan<byte> StreamResponder => _streamResponder.AsSpan();

    /// <summary>Keys of unordered messages.</summary>
    public static ReadOnlySpan<byte> StreamSend => _streamSend.AsSpan();

    /// <summary>Keys that grow from a store's primary key.</summary>
    public static ReadOnlySpan<byte> Corestore => _corestore.AsSpan();

    /// <summary>The prologue of a handshake through the DHT.</summary>
    public static ReadOnlySpan<byte> DhtPeerHandshake => _dhtPeerHandshake.AsSpan();

    /// <summary>The key that hole punching is sealed with.</summary>
    public static ReadOnlySpan<byte> DhtPeerHolepunch => _dhtPeerHolepunch.AsSpan();

    /// <summary>Opens what is signed over an announcement.</summary>
    public static ReadOnlySpan<byte> DhtAnnounce => _dhtAnnounce.AsSpan();

    /// <summary>Opens what is signed when an announcement is taken back.</summary>
    public static ReadOnlySpan<byte> DhtUnannounce => _dhtUnannounce.AsSpan();

    /// <summary>Opens what is signed over a mutable value.</summary>
    public static ReadOnlySpan<byte> DhtMutablePut => _dhtMutablePut.AsSpan();

    /// <summary>Set aside for plugins of the DHT.</summary>
    public static ReadOnlySpan<byte> DhtPlugin => _dhtPlugin.AsSpan();

    private static Hash Make(string name, byte id)
    {
        Span<byte> input = stackalloc byte[Hash.Size + 1];
        Blake2b.Hash256(Encoding.UTF8.GetBytes(name)).CopyTo(input);
        input[^1] = id;
        return Blake2b.Hash256(input);
    }
}
