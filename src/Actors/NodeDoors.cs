using HyperActors.Crypto;

namespace HyperActors.Actors;

/// <summary>A node's doors to the world beside the clock, which the actor system keeps: real ones in a host, others in simulation.</summary>
/// <param name="Network">The door to the network.</param>
/// <param name="Disk">The door to the disk.</param>
/// <param name="Random">The door to chance.</param>
/// <param name="OpenUdp">Opens the door to UDP when it is first needed, for the node to keep and close; null where there is none.</param>
/// <param name="Addresses">This machine's own addresses; null for those that its interfaces have.</param>
/// <param name="Multicast">The door to the local network; null where peers are not looked for there.</param>
public sealed record NodeDoors(
    INetwork Network,
    IStoreDisk Disk,
    RandomSource Random,
    Func<UdpDoor>? OpenUdp = null,
    LocalAddresses? Addresses = null,
    IMulticastDoor? Multicast = null);
