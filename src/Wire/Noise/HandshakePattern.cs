using System.Text;

namespace HyperActors.Wire;

/// <summary>A step of a Noise message: a key that is sent, or a Diffie-Hellman that is mixed in.</summary>
internal enum HandshakeToken
{
    /// <summary>The sender's ephemeral key.</summary>
    E,

    /// <summary>The sender's static key.</summary>
    S,

    /// <summary>Both ephemeral keys.</summary>
    EE,

    /// <summary>The initiator's ephemeral and the responder's static key.</summary>
    ES,

    /// <summary>The initiator's static and the responder's ephemeral key.</summary>
    SE,

    /// <summary>Both static keys.</summary>
    SS,
}

/// <summary>Who sends which keys when (docs/secret-stream.md#noise).</summary>
public sealed class HandshakePattern
{
    private HandshakePattern(string name, bool responderIsKnown, params HandshakeToken[][] messages)
    {
        Name = name;
        ResponderIsKnown = responderIsKnown;
        Messages = messages;
        ProtocolName = Encoding.ASCII.GetBytes($"Noise_{name}_Ed25519_ChaChaPoly_BLAKE2b");
    }

    /// <summary>Neither side knows the other: plain pipes and TCP.</summary>
    public static HandshakePattern XX { get; } = new(
        "XX",
        responderIsKnown: false,
        [HandshakeToken.E],
        [HandshakeToken.E, HandshakeToken.EE, HandshakeToken.S, HandshakeToken.ES],
        [HandshakeToken.S, HandshakeToken.SE]);

    /// <summary>The initiator knows the responder's key: connections made by the DHT.</summary>
    public static HandshakePattern IK { get; } = new(
        "IK",
        responderIsKnown: true,
        [HandshakeToken.E, HandshakeToken.ES, HandshakeToken.S, HandshakeToken.SS],
        [HandshakeToken.E, HandshakeToken.EE, HandshakeToken.SE]);

    public string Name { get; }

    /// <summary>True when the initiator brings the responder's static key.</summary>
    public bool ResponderIsKnown { get; }

    internal byte[] ProtocolName { get; }

    internal HandshakeToken[][] Messages { get; }
}
