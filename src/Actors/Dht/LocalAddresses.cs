using System.Buffers.Binary;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace HyperActors.Actors;

/// <summary>The IPv4 addresses of this machine, as its interfaces have them now; read anew once in a while, for all who ask.</summary>
public sealed class LocalAddresses
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(2);

    private readonly Func<IReadOnlyList<uint>> _read;
    private readonly Lock _gate = new();
    private IReadOnlyList<uint> _hosts = [];
    private TimeSpan _readAt = TimeSpan.MinValue;

    /// <summary>Those of this machine.</summary>
    public LocalAddresses()
        : this(ReadInterfaces)
    {
    }

    /// <summary>Those that <paramref name="read"/> says, first octet highest: in simulation.</summary>
    public LocalAddresses(Func<IReadOnlyList<uint>> read) => _read = read;

    /// <summary>The addresses that others may reach, in a steady order; loopback is not among them.</summary>
    public IReadOnlyList<uint> Get(TimeSpan now)
    {
        lock (_gate)
        {
            if (_readAt == TimeSpan.MinValue || now - _readAt > MaxAge)
            {
                _readAt = now;
                _hosts = _read();
            }

            return _hosts;
        }
    }

    private static List<uint> ReadInterfaces()
    {
        var hosts = new List<uint>();
        try
        {
            Span<byte> bytes = stackalloc byte[4];
            foreach (NetworkInterface card in NetworkInterface.GetAllNetworkInterfaces())
            {
                if (card.OperationalStatus == OperationalStatus.Down || card.NetworkInterfaceType == NetworkInterfaceType.Loopback)
                {
                    continue;
                }

                foreach (UnicastIPAddressInformation address in card.GetIPProperties().UnicastAddresses)
                {
                    if (address.Address.AddressFamily == AddressFamily.InterNetwork && address.Address.TryWriteBytes(bytes, out _))
                    {
                        hosts.Add(BinaryPrimitives.ReadUInt32BigEndian(bytes));
                    }
                }
            }
        }
        catch (NetworkInformationException)
        {
            // A machine that does not tell has no neighbours.
        }

        hosts.Sort();
        return hosts;
    }
}
