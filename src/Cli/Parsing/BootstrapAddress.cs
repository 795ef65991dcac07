using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace HyperActors.Cli.Parsing;

/// <summary>A node to enter a network through: <c>HOST:PORT</c>, or <c>ADDRESS@HOST:PORT</c> with an address to try before the name.</summary>
internal static class BootstrapAddress
{
    public static bool TryRead(string text, out string? address, [NotNullWhen(false)] out string? error)
    {
        address = text;
        int at = text.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0 && !(IPAddress.TryParse(text.AsSpan(0, at), out IPAddress? host) && host.AddressFamily == AddressFamily.InterNetwork))
        {
            error = $"'{text[..at]}' is not an IPv4 address; before the @ stands the address of the node, after it its name.";
            return false;
        }

        if (!HostPort.TryParse(text[(at + 1)..], out HostPort named, out error))
        {
            return false;
        }

        if (named.Port == 0)
        {
            error = $"'{text}' names port 0; a node to enter the network through has a port of its own.";
            return false;
        }

        if (named.Host.Contains(':', StringComparison.Ordinal))
        {
            error = $"'{text}' is an IPv6 address; the DHT knows IPv4 alone.";
            return false;
        }

        return true;
    }
}
