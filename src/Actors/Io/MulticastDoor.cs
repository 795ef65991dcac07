using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using HyperActors.Swarm;

namespace HyperActors.Actors;

/// <summary>The multicast sockets of this machine.</summary>
/// <remarks>A socket per interface, on the port that a responder of the system may have too. It reads on the thread pool.</remarks>
public sealed class MulticastDoor : IMulticastDoor
{
    /// <summary>Packets that wait for the actor; what comes beyond is dropped, as a full socket would.</summary>
    private const int MaxWaiting = 256;

    // What multicast DNS allows at most; ours are smaller.
    private const int MaxPacket = 9000;

    private readonly IReadOnlyList<string>? _names;
    private readonly IPAddress _host;

    /// <summary>A door to the interfaces that a node uses.</summary>
    /// <param name="names">Their names; null for those that have a private address and can multicast.</param>
    /// <param name="host">The address that the node is bound to; any for all of them.</param>
    public MulticastDoor(IEnumerable<string>? names, IPAddress host) => (_names, _host) = (names?.ToArray(), host);

    /// <inheritdoc/>
    public IReadOnlyList<LocalInterface> FindInterfaces()
    {
        var found = new List<LocalInterface>();
        try
        {
            foreach (NetworkInterface card in NetworkInterface.GetAllNetworkInterfaces())
            {
                if (card.OperationalStatus != OperationalStatus.Down && IsUsed(card))
                {
                    found.AddRange(card.GetIPProperties().UnicastAddresses.Where(IsUsed).Take(1)
                        .Select(a => new LocalInterface(a.Address, a.PrefixLength)));
                }
            }
        }
        catch (NetworkInformationException)
        {
            // A machine that does not tell has no neighbours.
        }

        return found;
    }

    /// <inheritdoc/>
    public IMulticastSocket? Open(LocalInterface face, IActorRef owner)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(OperatingSystem.IsWindows() ? IPAddress.Any : LocalDiscovery.Group.Address, LocalDiscovery.Port));
            var membership = new MulticastOption(LocalDiscovery.Group.Address, face.Address);
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, membership);

            // Answers to us alone come to our address, and leave from it: the group's socket can't have both.
            var own = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                own.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                own.Bind(new IPEndPoint(face.Address, LocalDiscovery.Port));
                own.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, face.Address.GetAddressBytes());
                own.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, LocalDiscovery.HopLimit);
                own.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.IpTimeToLive, LocalDiscovery.HopLimit);
                own.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
                return new Joined(face, socket, own, owner);
            }
            catch (SocketException)
            {
                own.Dispose();
                throw;
            }
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    // Private (RFC 1918) and link-local (RFC 3927).
    internal static bool IsPrivate(IPAddress address) =>
        address.GetAddressBytes() is [10, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] or [169, 254, ..];

    private bool IsUsed(NetworkInterface card) =>
        _names is not null
            ? _names.Contains(card.Name, StringComparer.Ordinal)
            : card.SupportsMulticast && card.NetworkInterfaceType is not (NetworkInterfaceType.Loopback or NetworkInterfaceType.Tunnel or NetworkInterfaceType.Ppp);

    private bool IsUsed(UnicastIPAddressInformation address) =>
        address.Address.AddressFamily == AddressFamily.InterNetwork
        && (_host.Equals(IPAddress.Any) || _host.Equals(address.Address))
        && (_names is not null || IsPrivate(address.Address));

    /// <summary>Two sockets that read, one that sends.</summary>
    private sealed class Joined : IMulticastSocket
    {
        private readonly LocalInterface _face;
        private readonly Socket _group;
        private readonly Socket _own;
        private readonly IActorRef _owner;
        private readonly PacketCredit _credit = new(MaxWaiting);

        public Joined(LocalInterface face, Socket group, Socket own, IActorRef owner)
        {
            (_face, _group, _own, _owner) = (face, group, own, owner);
            _ = ReadAsync(group);
            _ = ReadAsync(own);
        }

        public void Send(ReadOnlySpan<byte> packet, IPEndPoint to)
        {
            try
            {
                _own.SendTo(packet, SocketFlags.None, to);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Lost, as any packet may be: it is said again.
            }
        }

        public void Dispose()
        {
            _group.Dispose();
            _own.Dispose();
        }

        private async Task ReadAsync(Socket socket)
        {
            byte[] buffer = new byte[MaxPacket];
            var anybody = new IPEndPoint(IPAddress.Any, 0);
            while (true)
            {
                try
                {
                    SocketReceiveFromResult read = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anybody, CancellationToken.None);
                    if (_credit.TryTake())
                    {
                        _owner.Tell(
                            new IMulticastDoor.PacketArrived(
                                _face, buffer.AsSpan(0, read.ReceivedBytes).ToArray(), (IPEndPoint)read.RemoteEndPoint, null, _credit),
                            ActorRefs.NoSender);
                    }
                }
                catch (ObjectDisposedException)
                {
                    return;
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.MessageSize or SocketError.ConnectionReset)
                {
                    // One packet is lost; the next may be read.
                }
                catch (SocketException)
                {
                    return;
                }
            }
        }
    }
}
