namespace HyperActors.Actors;

/// <summary>The part of a connection in blind relaying.</summary>
/// <param name="Owner">Who drives the machines of relaying.</param>
/// <param name="Pair">What is asked of the relay at the other end; null when we are the relay.</param>
public sealed record RelayRole(IActorRef Owner, ReadOnlyMemory<byte>? Pair);
