using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace HyperActors.Cli.Parsing;

/// <summary>An address as people write it: <c>127.0.0.1:4000</c>, <c>example.org:4000</c>, <c>[::1]:4000</c>.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    private const string Form = "An address is HOST:PORT: 127.0.0.1:4000, example.org:4000 or [::1]:4000.";

    public static bool TryParse(string text, out HostPort address, [NotNullWhen(false)] out string? error)
    {
        address = default;
        int colon = text.LastIndexOf(':');
        if (colon < 0 || colon < text.LastIndexOf(']'))
        {
            error = $"'{text}' has no port. {Form}";
            return false;
        }

        if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            error = $"'{text[(colon + 1)..]}' is not a port: a port is a number from 0 to 65535. {Form}";
            return false;
        }

        string host = text[..colon];
        if (host.Length == 0)
        {
            error = $"'{text}' has no host: 127.0.0.1{text} is this machine alone, 0.0.0.0{text} every interface.";
            return false;
        }

        if (host.StartsWith('[') && host.EndsWith(']')
            && IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out IPAddress? bracketed)
            && bracketed.AddressFamily == AddressFamily.InterNetworkV6)
        {
            host = bracketed.ToString();
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            error = $"'{text}' is ambiguous: an IPv6 address stands in brackets, as in [::1]:4000.";
            return false;
        }
        else if (Uri.CheckHostName(host) is not (UriHostNameType.Dns or UriHostNameType.IPv4))
        {
            error = $"'{host}' is not a host. {Form}";
            return false;
        }

        address = new HostPort(host, port);
        error = null;
        return true;
    }

    /// <summary>The address to listen on; a name stands for the first address that it resolves to.</summary>
    public async ValueTask<IPEndPoint> ResolveAsync(CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(Host, out IPAddress? address))
        {
            return new IPEndPoint(address, Port);
        }

        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(Host, cancellationToken);
            address = Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
            return new IPEndPoint(address, Port);
        }
        catch (SocketException failure)
        {
            throw CliException.Peer($"the host name '{Host}' cannot be resolved: {failure.Message}");
        }
    }

    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
