using System.Net;
using HyperActors.Swarm;

namespace HyperActors.Actors;

/// <summary>The door to the local network: multicast, interface by interface. Calls neither block nor throw.</summary>
public interface IMulticastDoor
{
    /// <summary>The interfaces to be used, as they are now.</summary>
    IReadOnlyList<LocalInterface> FindInterfaces();

    /// <summary>Joins the group on an interface; packets are <see cref="PacketArrived"/> to <paramref name="owner"/>.</summary>
    /// <returns>Null when that can't be had.</returns>
    IMulticastSocket? Open(LocalInterface face, IActorRef owner);

    /// <summary>A packet has come.</summary>
    /// <param name="Interface">Where.</param>
    /// <param name="Packet">The bytes, the receiver's to keep.</param>
    /// <param name="Source">Who sent it.</param>
    /// <param name="TimeToLive">What it came with, where the system tells.</param>
    /// <param name="Credit">Returned when it is dealt with: packets beyond a bound are dropped.</param>
    sealed record PacketArrived(
        LocalInterface Interface, ReadOnlyMemory<byte> Packet, IPEndPoint Source, byte? TimeToLive, PacketCredit Credit);
}

/// <summary>A group joined on one interface.</summary>
public interface IMulticastSocket : IDisposable
{
    /// <summary>Sends a packet; one that can't be sent is lost.</summary>
    void Send(ReadOnlySpan<byte> packet, IPEndPoint to);
}

/// <summary>How many packets may wait for their reader.</summary>
public sealed class PacketCredit(int most)
{
    private int _left = most;

    /// <summary>Takes one; false when too many wait.</summary>
    public bool TryTake()
    {
        if (Interlocked.Decrement(ref _left) >= 0)
        {
            return true;
        }

        Interlocked.Increment(ref _left);
        return false;
    }

    public void Return() => Interlocked.Increment(ref _left);
}
