using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>The channel between a peer and its blind relay (docs/holepunching.md#relays).</summary>
/// <remarks>The channel's id is the public key that the peer shows the relay; there is no handshake.</remarks>
public static class RelayProtocol
{
    /// <summary>The name of the channel.</summary>
    public const string Name = "blind-relay";

    /// <summary>The type of a <see cref="RelayPair"/>.</summary>
    public const uint Pair = 0;

    /// <summary>The type of a <see cref="RelayUnpair"/>.</summary>
    public const uint Unpair = 1;
}

/// <summary>From a peer: join my stream with whoever shows the same token. From the relay: it is done, this is your stream here.</summary>
/// <remarks><code>| flags: u8 (1 initiator) | token: 32 | stream: uint | sequence: uint |</code></remarks>
/// <param name="IsInitiator">Which of the two roles; a token has one of each.</param>
/// <param name="Token">What both peers know, and nobody else.</param>
/// <param name="StreamId">The sender's id of the stream.</param>
/// <param name="Sequence">Where its counting starts; always 0.</param>
public readonly record struct RelayPair(bool IsInitiator, Hash Token, uint StreamId, ulong Sequence = 0) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out RelayPair message)
    {
        bool isInitiator = (reader.ReadUInt8() & 1) != 0;
        ReadOnlySpan<byte> token = reader.ReadFixed(Hash.Size);
        ulong stream = reader.ReadUInt();
        ulong sequence = reader.ReadUInt();
        if (stream > uint.MaxValue)
        {
            reader.Fail();
        }

        message = reader.Succeeded ? new RelayPair(isInitiator, new Hash(token), (uint)stream, sequence) : default;
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt8(IsInitiator ? (byte)1 : (byte)0);
        writer.WriteFixed(Token.AsSpan());
        writer.WriteUInt(StreamId);
        writer.WriteUInt(Sequence);
    }
}

/// <summary>From a peer: forget the token, or part what was joined.</summary>
/// <remarks><code>| flags: u8 (none) | token: 32 |</code></remarks>
public readonly record struct RelayUnpair(Hash Token) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out RelayUnpair message)
    {
        reader.ReadUInt8();
        ReadOnlySpan<byte> token = reader.ReadFixed(Hash.Size);
        message = reader.Succeeded ? new RelayUnpair(new Hash(token)) : default;
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt8(0);
        writer.WriteFixed(Token.AsSpan());
    }
}
