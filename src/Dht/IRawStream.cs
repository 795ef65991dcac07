namespace HyperActors.Dht;

/// <summary>A UDX stream, as far as making a connection needs it. Calls neither block nor throw.</summary>
/// <remarks>
/// <para>Whoever knows the id of a stream that is not connected yet may send to it: such packets are taken in and kept, so that
/// the first one is not lost, and the machine is told of each new sender (<see cref="Connector.HandleStreamPacket"/>); it answers
/// with <see cref="Connect"/> where it should.</para>
/// <para>Once connected, packets that come in on another socket than the stream's are taken in too, and told of when the sender
/// is not the one that was told of last: a way that was punched while a relay carried the stream shows itself so.</para>
/// <para>When the stream is over, for whatever reason, the machine hears <see cref="Connector.HandleStreamClosed"/>.</para>
/// </remarks>
public interface IRawStream
{
    /// <summary>Our id of the stream: what the peer puts into its packets.</summary>
    uint Id { get; }

    /// <summary>Bytes that <see cref="RelayTo"/> has sent on so far.</summary>
    long RelayedBytes { get; }

    /// <summary>Connects the stream: packets go there, and are taken from there.</summary>
    void Connect(int socket, uint remoteId, DhtAddress to);

    /// <summary>Moves a connected stream to another way to the same peer; what is under way arrives. An empty datagram shows the
    /// way to the peer; the first data or datagram that comes once everything sent before has arrived is told to the machine
    /// (<see cref="Connector.HandleStreamMoved"/>).</summary>
    void ChangeRemote(int socket, uint remoteId, DhtAddress to);

    /// <summary>Sends whatever comes for this stream on to the remote of <paramref name="other"/>: a blind relay's work.</summary>
    void RelayTo(IRawStream other);

    /// <summary>Ends the stream at once.</summary>
    void Destroy();
}
