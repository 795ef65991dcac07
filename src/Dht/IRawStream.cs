namespace HyperActors.Dht;

/// <summary>A UDX stream, as far as making a connection needs it. Calls neither block nor throw.</summary>
public interface IRawStream
{
    /// <summary>Our id of the stream: what the peer puts into its packets.</summary>
    uint Id { get; }

    /// <summary>Lets the first packet that comes for this stream, on whatever socket, connect it to its sender. The machine
    /// that opened the stream then hears of it.</summary>
    /// <param name="remoteId">The peer's id of the stream.</param>
    void Accept(uint remoteId);

    /// <summary>Connects the stream: packets go there, and are taken from there.</summary>
    void Connect(int socket, uint remoteId, DhtAddress to);

    /// <summary>Moves a connected stream to another way to the same peer; what is under way arrives.</summary>
    void ChangeRemote(int socket, uint remoteId, DhtAddress to);

    /// <summary>Sends whatever comes for this stream on to <paramref name="other"/>, and back: a blind relay's work.</summary>
    void RelayTo(IRawStream other);

    /// <summary>Ends the stream at once.</summary>
    void Destroy();
}
