using System.Net;
using System.Net.Sockets;

namespace HyperActors.Actors;

/// <summary>The network of the operating system, over TCP.</summary>
public sealed class TcpNetwork(TransportOptions options) : INetwork
{
    /// <inheritdoc/>
    public void Listen(long requestId, IPEndPoint address, IActorRef owner)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(address);
            socket.Listen(options.Backlog);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            owner.Tell(new INetwork.ListenFailed(requestId, $"cannot listen on {address}: {Explain(e)}"), ActorRefs.NoSender);
            return;
        }

        owner.Tell(new INetwork.Listening(requestId, (IPEndPoint)socket.LocalEndPoint!, socket), ActorRefs.NoSender);
        _ = AcceptAsync(socket, owner);
    }

    /// <inheritdoc/>
    public void Connect(long requestId, string host, int port, TimeSpan deadline, IActorRef owner) =>
        _ = ConnectAsync(requestId, host, port, deadline, owner);

    // Both loops end in a message, whatever happens: the actor is the only one who waits for them.
    private async Task ConnectAsync(long requestId, string host, int port, TimeSpan deadline, IActorRef owner)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var timeout = new CancellationTokenSource(deadline);
        try
        {
            await socket.ConnectAsync(host, port, timeout.Token).ConfigureAwait(false);
            owner.Tell(new INetwork.Connected(requestId, new TcpTransport(socket, options)), ActorRefs.NoSender);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ArgumentException)
        {
            socket.Dispose();
            string why = e switch
            {
                SocketException s => Explain(s),
                OperationCanceledException => $"no answer within {deadline.TotalSeconds:0.#} s",
                _ => e.Message,
            };
            owner.Tell(new INetwork.ConnectFailed(requestId, $"cannot connect to {host}:{port}: {why}"), ActorRefs.NoSender);
        }
    }

    private async Task AcceptAsync(Socket listener, IActorRef owner)
    {
        while (true)
        {
            try
            {
                Socket socket = await listener.AcceptAsync().ConfigureAwait(false);
                socket.NoDelay = true;
                owner.Tell(new INetwork.Accepted(new TcpTransport(socket, options)), ActorRefs.NoSender);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                // Out of descriptors: those who wait stay in the backlog while we wait for somebody to leave.
#pragma warning disable RS0030 // No actor waits here: this loop is the door itself, and the system has no room for anything else.
                await Task.Delay(s_outOfSockets).ConfigureAwait(false);
#pragma warning restore RS0030
            }
            catch (SocketException)
            {
                // A caller who hung up before we answered: the next one is not to blame.
            }
        }
    }

    private static readonly TimeSpan s_outOfSockets = TimeSpan.FromMilliseconds(100);

    internal static string Explain(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "another program uses that port; choose another one, or 0 for any",
        SocketError.AddressNotAvailable => "this machine does not have that address",
        SocketError.AccessDenied => "this user may not use that port; choose one above 1023",
        SocketError.ConnectionRefused => "nobody listens there",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "that host name is not known",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "there is no route to it",
        SocketError.TimedOut => "it does not answer",
        _ => e.Message,
    };
}
