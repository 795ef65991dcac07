using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>What the swarm wants of its owner.</summary>
public abstract record SwarmCommand
{
    private SwarmCommand()
    {
    }

    /// <summary>Let peers connect by our key. Answered with <see cref="SwarmMachine.HandleListening"/>.</summary>
    public sealed record Listen : SwarmCommand;

    /// <summary>Look a topic up. Answered with any <see cref="SwarmMachine.HandlePeerFound"/> and one <see cref="SwarmMachine.HandleQueryDone"/>.</summary>
    public sealed record Lookup(long QueryId, DiscoveryKey Topic, IReadOnlyList<IPEndPoint> ClosestNodes) : SwarmCommand;

    /// <summary>Look a topic up and announce there, taking back what a former life announced when <paramref name="ShouldClear"/>. Answered as a lookup.</summary>
    public sealed record Announce(long QueryId, DiscoveryKey Topic, bool ShouldClear, IReadOnlyList<IPEndPoint> ClosestNodes)
        : SwarmCommand;

    /// <summary>Look a topic up and take our announcement back on the way. Answered as a lookup.</summary>
    public sealed record LookupAndUnannounce(long QueryId, DiscoveryKey Topic, IReadOnlyList<IPEndPoint> ClosestNodes) : SwarmCommand;

    /// <summary>Take our announcement back from these nodes. Answered with <see cref="SwarmMachine.HandleQueryDone"/>.</summary>
    public sealed record Unannounce(long QueryId, DiscoveryKey Topic, IReadOnlyList<IPEndPoint> ClosestNodes) : SwarmCommand;

    /// <summary>Give a query up; it is answered all the same.</summary>
    public sealed record CancelQuery(long QueryId) : SwarmCommand;

    /// <summary>Connect to a peer. Answered with <see cref="SwarmMachine.HandleOpened"/> or <see cref="SwarmMachine.HandleDialFailed"/>.</summary>
    public sealed record Dial(long ConnectionId, PublicKey Peer, IReadOnlyList<IPEndPoint> Relays, bool ShouldForceRelay) : SwarmCommand;

    /// <summary>Take the connection that came in. Answered with <see cref="SwarmMachine.HandleOpened"/> once keys are at work, and
    /// <see cref="SwarmMachine.HandleClosed"/> at its end.</summary>
    public sealed record Admit(long ConnectionId) : SwarmCommand;

    /// <summary>Turn the connection that came in away; it is not spoken of again.</summary>
    public sealed record Refuse(long ConnectionId, string Reason) : SwarmCommand;

    /// <summary>End a connection, or a dial under way. Answered with <see cref="SwarmMachine.HandleClosed"/> or <see cref="SwarmMachine.HandleDialFailed"/>.</summary>
    public sealed record Close(long ConnectionId, string Reason) : SwarmCommand;

    /// <summary>Send something, so that a dead connection is noticed soon.</summary>
    public sealed record KeepAlive(long ConnectionId) : SwarmCommand;

    /// <summary>Close the listener and the sockets. Answered with <see cref="SwarmMachine.HandleServiceSuspended"/>.</summary>
    public sealed record SuspendService : SwarmCommand;

    /// <summary>Open them again. Answered with <see cref="SwarmMachine.HandleServiceResumed"/>.</summary>
    public sealed record ResumeService : SwarmCommand;
}
