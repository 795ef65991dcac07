using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Wire;

/// <summary>Protocol and id: what two halves of a channel must agree on to be paired.</summary>
internal readonly struct ChannelKey(string protocol, byte[] id) : IEquatable<ChannelKey>
{
    public string Protocol { get; } = protocol;

    public byte[] Id { get; } = id;

    public bool Equals(ChannelKey other) =>
        string.Equals(Protocol, other.Protocol, StringComparison.Ordinal) && Id.AsSpan().SequenceEqual(other.Id);

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is ChannelKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Protocol, StringComparer.Ordinal);
        hash.AddBytes(Id);
        return hash.ToHashCode();
    }
}

/// <summary>Halves of channels with the same key that wait for their other halves, on either side in the order of opening.</summary>
internal sealed class Pairing
{
    /// <summary>All keys under which this is found; the first is the main one.</summary>
    public List<ChannelKey> Keys { get; } = [];

    /// <summary>Our halves that wait for the peer's; closed ones among them wait for it too.</summary>
    public List<Channel> Outgoing { get; } = [];

    /// <summary>The peer's halves that wait for ours.</summary>
    public List<RemoteHalf> Incoming { get; } = [];

    /// <summary>Our halves that are not closed.</summary>
    public int Opened { get; set; }
}

/// <summary>Our half of a channel.</summary>
/// <remarks>
/// <code>
/// Waiting  our open is sent; messages may be, too         Remote null, in Pairing.Outgoing
/// Open     the peer's half is here                        Remote set
/// Closed   gone for our side; if it was waiting, its      IsClosed
///          local id is taken until the peer has answered
/// </code>
/// </remarks>
internal sealed class Channel(ulong channelId, ulong localId, Pairing pairing)
{
    /// <summary>What the owner knows it by; never used twice.</summary>
    public ulong ChannelId { get; } = channelId;

    /// <summary>What our frames call it; used again after it is closed.</summary>
    public ulong LocalId { get; } = localId;

    public Pairing Pairing { get; } = pairing;

    public RemoteHalf? Remote { get; set; }

    public bool IsClosed { get; set; }

    /// <summary>Messages of this turn that the owner has not been told of.</summary>
    public MessageBatch? Arriving { get; set; }
}

/// <summary>The peer's half of a channel.</summary>
internal sealed class RemoteHalf(ulong remoteId, ulong requestId, Pairing pairing)
{
    /// <summary>What the peer's frames call it.</summary>
    public ulong RemoteId { get; } = remoteId;

    /// <summary>What the owner knows it by while it waits; never used twice.</summary>
    public ulong RequestId { get; } = requestId;

    public Pairing Pairing { get; set; } = pairing;

    /// <summary>Our half, once there is one.</summary>
    public Channel? Channel { get; set; }

    /// <summary>What the open carried for the channel's protocol, kept while it waits.</summary>
    public byte[] Handshake { get; init; } = [];

    /// <summary>Messages that came before our half.</summary>
    public MessageBatch? HeldBack { get; set; }

    /// <summary>What it counts towards the bytes that are held for unpaired channels.</summary>
    public long HeldBytes { get; set; }
}
