using HyperActors.Crypto;
using HyperActors.Swarm;

namespace HyperActors.Actors;

/// <summary>What a <see cref="SwarmActor"/> is made of: it keeps them over a restart.</summary>
/// <param name="Options">Its limits and times.</param>
/// <param name="Self">Who the node is.</param>
/// <param name="Random">The door to chance.</param>
/// <param name="Firewall">True for a peer to be turned away and banned, asked on any thread; null to let everybody in.</param>
/// <param name="UsesDht">False for a node that finds peers by other ways alone: topics are neither announced nor looked up.</param>
/// <param name="Dht">Looks up, listens and dials.</param>
/// <param name="Connections">Takes streams over once they are connected.</param>
/// <param name="Local">Finds peers on the local network; null where it is not used.</param>
/// <param name="Memory">What users have asked for.</param>
public sealed record SwarmSetup(
    SwarmOptions Options,
    PublicKey Self,
    RandomSource Random,
    Func<PublicKey, bool>? Firewall,
    bool UsesDht,
    IActorRef Dht,
    IActorRef Connections,
    IActorRef? Local,
    SwarmMemory Memory);

/// <summary>What users of a swarm have asked for, for the life after a fault: a handle that was good stays good.</summary>
/// <remarks>The actor's alone; it is read and written in its turns only.</remarks>
public sealed class SwarmMemory
{
    private long _sessions;
    private long _lives;

    internal SortedDictionary<long, SwarmActor.Join> Sessions { get; } = [];

    internal List<PublicKey> Explicit { get; } = [];

    internal List<PublicKey> Banned { get; } = [];

    internal bool IsSuspended { get; set; }

    /// <summary>What holds in place of the options that the swarm began with; null while those hold.</summary>
    internal SwarmOptions? Options { get; set; }

    internal long NextSession() => ++_sessions;

    /// <summary>Numbers of one life are never those of another.</summary>
    internal long NextLife() => ++_lives << 40;
}
