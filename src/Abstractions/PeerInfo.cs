using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Abstractions;

/// <summary>The other end of a connection.</summary>
/// <param name="ConnectionId">Counts the connections of this node, from 1.</param>
/// <param name="PublicKey">Who it is: the key that its handshake proved.</param>
/// <param name="Address">Where it is, when the transport knows.</param>
/// <param name="IsInitiator">True when we dialled.</param>
public sealed record PeerInfo(long ConnectionId, PublicKey PublicKey, EndPoint? Address, bool IsInitiator);

/// <summary>A connection and what went over it.</summary>
/// <param name="Peer">The other end.</param>
/// <param name="Transport">What carries the bytes, in a word: <c>tcp</c>, <c>udx</c>.</param>
/// <param name="BytesReceived">Bytes that came, encryption included.</param>
/// <param name="BytesSent">Bytes that left, encryption included.</param>
/// <param name="RoundTripTime">The smoothed round trip; null where the transport does not measure it.</param>
public sealed record PeerConnection(
    PeerInfo Peer, string Transport, long BytesReceived, long BytesSent, TimeSpan? RoundTripTime);

/// <summary>Something that happened to a connection.</summary>
public abstract record ConnectionEvent
{
    private ConnectionEvent()
    {
    }

    /// <summary>The handshake is done.</summary>
    /// <param name="Peer">Who is there.</param>
    public sealed record Opened(PeerInfo Peer) : ConnectionEvent;

    /// <summary>The connection went through a relay and has found a direct way.</summary>
    /// <param name="Peer">Who is there, and where.</param>
    public sealed record Moved(PeerInfo Peer) : ConnectionEvent;

    /// <summary>An unordered message of the peer's. It may come twice, and some never come.</summary>
    /// <param name="ConnectionId">On which connection.</param>
    /// <param name="Message">What it says.</param>
    public sealed record MessageArrived(long ConnectionId, ReadOnlyMemory<byte> Message) : ConnectionEvent;

    /// <summary>The connection ended.</summary>
    /// <param name="ConnectionId">Which one.</param>
    /// <param name="Address">Where the peer was, when the transport knows.</param>
    /// <param name="Reason">Why, in words; null for an orderly end.</param>
    public sealed record Closed(long ConnectionId, EndPoint? Address, string? Reason) : ConnectionEvent;
}
