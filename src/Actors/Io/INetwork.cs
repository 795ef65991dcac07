using System.Net;

namespace HyperActors.Actors;

/// <summary>The door to the network: streams of bytes to and from other nodes. Answers are messages to an actor.</summary>
/// <remarks>Real sockets in a host (<see cref="TcpNetwork"/>), a scheduled network in simulation. No call blocks or throws.</remarks>
public interface INetwork
{
    /// <summary>Takes connections on <paramref name="address"/>.</summary>
    /// <remarks>Answers <see cref="Listening"/> or <see cref="ListenFailed"/>, and then <see cref="Accepted"/> per connection.</remarks>
    void Listen(long requestId, IPEndPoint address, IActorRef owner);

    /// <summary>Connects to a host. Answers <see cref="Connected"/> or <see cref="ConnectFailed"/>, within <paramref name="deadline"/>.</summary>
    void Connect(long requestId, string host, int port, TimeSpan deadline, IActorRef owner);

    /// <summary>A listener runs until it is disposed.</summary>
    sealed record Listening(long RequestId, IPEndPoint Address, IDisposable Listener);

    /// <summary>The address cannot be used.</summary>
    sealed record ListenFailed(long RequestId, string Reason);

    /// <summary>Somebody dialled us.</summary>
    sealed record Accepted(ITransport Transport);

    /// <summary>Somebody took our call.</summary>
    sealed record Connected(long RequestId, ITransport Transport);

    /// <summary>Nobody took our call.</summary>
    sealed record ConnectFailed(long RequestId, string Reason);
}
