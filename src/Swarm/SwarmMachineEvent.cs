using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>What the swarm reports.</summary>
public abstract record SwarmMachineEvent
{
    private SwarmMachineEvent()
    {
    }

    /// <summary>A wish of the owner's came to its end.</summary>
    /// <param name="RequestId">Which.</param>
    /// <param name="Succeeded">False when it was overtaken by another, or the network failed.</param>
    public sealed record Done(long RequestId, bool Succeeded) : SwarmMachineEvent;

    /// <summary>A topic is announced or looked for from now on, or neither any more.</summary>
    public sealed record TopicChanged(DiscoveryKey Topic, bool IsServer, bool IsClient) : SwarmMachineEvent;

    /// <summary>A topic has shown a peer that was not known under it.</summary>
    public sealed record PeerFound(PublicKey Peer, DiscoveryKey Topic) : SwarmMachineEvent;

    /// <summary>A connection is open.</summary>
    /// <param name="ConnectionId">Which.</param>
    /// <param name="Peer">Who is there.</param>
    /// <param name="IsInitiator">True when we dialled.</param>
    /// <param name="Topics">Topics under which it was found; none when it dialled us.</param>
    public sealed record Connected(long ConnectionId, PublicKey Peer, bool IsInitiator, IReadOnlyList<DiscoveryKey> Topics)
        : SwarmMachineEvent;

    /// <summary>A connection that was open is over. No reason: an orderly end.</summary>
    public sealed record Disconnected(long ConnectionId, PublicKey Peer, string? Reason) : SwarmMachineEvent;

    /// <summary>A dial came to nothing.</summary>
    public sealed record DialFailed(PublicKey Peer, string Reason) : SwarmMachineEvent;

    /// <summary>A peer is not wanted any more, neither dialled nor let in.</summary>
    public sealed record Banned(PublicKey Peer) : SwarmMachineEvent;

    /// <summary>A ban was taken back.</summary>
    public sealed record Unbanned(PublicKey Peer) : SwarmMachineEvent;
}
