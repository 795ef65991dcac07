namespace HyperActors.Dht;

/// <summary>The door to the network, as the machines of the DHT see it. Calls neither block nor throw.</summary>
public interface IDhtDoors
{
    /// <summary>The hosts under which this machine's own network knows it: where a neighbour might reach us directly.</summary>
    IReadOnlyList<uint> LocalHosts { get; }

    /// <summary>Opens a socket on a port that the system chooses, for hole punching.</summary>
    /// <returns>Its number; null when there is none to be had.</returns>
    int? OpenSocket();

    /// <summary>Closes a socket that <see cref="OpenSocket"/> gave. Streams that run on it keep it open until they end.</summary>
    void CloseSocket(int socket);

    /// <summary>Sends a datagram.</summary>
    /// <param name="socket">The number of the socket.</param>
    /// <param name="to">To whom.</param>
    /// <param name="datagram">The bytes, lent for the call.</param>
    /// <param name="timeToLive">Hops that it may take; 0 for the system's default.</param>
    void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0);

    /// <summary>Opens a stream that is not connected yet.</summary>
    /// <returns>Null when there are too many.</returns>
    IRawStream? OpenStream();
}
