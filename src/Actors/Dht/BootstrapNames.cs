using System.Globalization;
using System.Net;
using System.Net.Sockets;
using HyperActors.Abstractions;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <summary>The nodes that a network is entered through, from text: <c>HOST:PORT</c>, or <c>ADDRESS@HOST:PORT</c> with an address to ask first.</summary>
internal static class BootstrapNames
{
    /// <summary>Reads the texts, and looks up those names that are no addresses. A name that is not known has no address.</summary>
    /// <exception cref="HyperActorsException">A text is written wrongly; the message says how it should be.</exception>
    public static async Task<IReadOnlyList<DhtBootstrap>> ResolveAsync(IEnumerable<string> texts)
    {
        var nodes = new List<DhtBootstrap>();
        foreach ((DhtAddress? suggested, string host, ushort port) in Parse(texts))
        {
            nodes.Add(new DhtBootstrap(suggested, await LookUpAsync(host, port)));
        }

        return nodes;
    }

    /// <summary>The nodes when no name has to be looked up; else null.</summary>
    /// <exception cref="HyperActorsException">A text is written wrongly; the message says how it should be.</exception>
    public static IReadOnlyList<DhtBootstrap>? TryRead(IEnumerable<string> texts)
    {
        var nodes = new List<DhtBootstrap>();
        foreach ((DhtAddress? suggested, string host, ushort port) in Parse(texts))
        {
            if (!TryAddress(host, port, out DhtAddress address))
            {
                return null;
            }

            nodes.Add(new DhtBootstrap(suggested, address));
        }

        return nodes;
    }

    /// <summary>Those nodes whose address is known without asking anybody.</summary>
    public static IReadOnlyList<DhtBootstrap> Suggested(IEnumerable<string> texts) =>
    [
        .. Parse(texts)
            .Select(n => new DhtBootstrap(n.Suggested, TryAddress(n.Host, n.Port, out DhtAddress address) ? address : null))
            .Where(n => n.Suggested is not null || n.Resolved is not null),
    ];

    private static List<(DhtAddress? Suggested, string Host, ushort Port)> Parse(IEnumerable<string> texts)
    {
        var parsed = new List<(DhtAddress?, string, ushort)>();
        foreach (string text in texts)
        {
            int at = text.IndexOf('@', StringComparison.Ordinal);
            int colon = text.LastIndexOf(':');
            DhtAddress suggested = default;
            bool isRead = colon > at + 1
                & ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
                && port > 0
                && (at < 0 || TryAddress(text[..at], port, out suggested));
            parsed.Add(isRead
                ? (at < 0 ? null : suggested, text[(at + 1)..colon], port)
                : throw new HyperActorsException(
                    $"'{text}' is no node to enter a network through: it is HOST:PORT, or ADDRESS@HOST:PORT with an IPv4 address"));
        }

        return parsed;
    }

    private static bool TryAddress(string host, ushort port, out DhtAddress address)
    {
        address = default;
        return IPAddress.TryParse(host, out IPAddress? parsed) && DhtAddress.TryFrom(new IPEndPoint(parsed, port), out address);
    }

    private static async Task<DhtAddress?> LookUpAsync(string host, ushort port)
    {
        if (TryAddress(host, port, out DhtAddress address))
        {
            return address;
        }

        try
        {
            IPAddress[] found = await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork);
            return found.Length > 0 && DhtAddress.TryFrom(new IPEndPoint(found[0], port), out address) ? address : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
