using System.Net;

namespace HyperActors.Swarm;

/// <summary>What peers of hyperswarm 2 say on the local network (docs/local-discovery.md#legacy). It is read, never written.</summary>
/// <param name="TopicPrefix">The first 20 bytes of the topic, in hex.</param>
/// <param name="Address">Where the peer listens, with TCP and uTP.</param>
/// <param name="Id">The peer's id for this topic, by which it knows its own answers; empty when it did not say.</param>
public sealed record LegacyDiscovery(string TopicPrefix, IPEndPoint Address, ReadOnlyMemory<byte> Id)
{
    private const string Domain = ".hyperswarm.local";
    private const int PrefixDigits = 40;
    private const int IdSize = 32;

    /// <summary>Reads every announcement of a packet.</summary>
    /// <param name="message">The packet. Its times to live are 0, which says nothing here.</param>
    /// <param name="source">Who sent it: what the host <c>0.0.0.0</c> stands for.</param>
    public static IReadOnlyList<LegacyDiscovery> Read(DnsMessage message, IPEndPoint source)
    {
        var found = new List<LegacyDiscovery>();
        foreach (DnsRecord.Srv srv in message.IsResponse ? message.Answers.OfType<DnsRecord.Srv>() : [])
        {
            if (srv.Port != 0 && TryReadTopic(srv.Name, out string topic) && AddressOf(srv.Target, source) is { } host)
            {
                found.Add(new LegacyDiscovery(topic, new IPEndPoint(host, srv.Port), IdOf(message, srv.Name)));
            }
        }

        return found;
    }

    /// <summary>The topics that a packet asks for, as the first 20 bytes in hex.</summary>
    public static IReadOnlyList<string> ReadQuestions(DnsMessage message) =>
    [
        .. (message.IsResponse ? [] : message.Questions)
            .Where(q => q.Type == DnsType.Srv)
            .Select(q => TryReadTopic(q.Name, out string topic) ? topic : string.Empty)
            .Where(topic => topic.Length > 0),
    ];

    private static bool TryReadTopic(string name, out string topic)
    {
        bool isTopic = name.Length == PrefixDigits + Domain.Length
            && name.EndsWith(Domain, StringComparison.Ordinal)
            && name.AsSpan(0, PrefixDigits).IndexOfAnyExcept("0123456789abcdef") < 0;
        topic = isTopic ? name[..PrefixDigits] : string.Empty;
        return isTopic;
    }

    private static IPAddress? AddressOf(string target, IPEndPoint source) =>
        !IPAddress.TryParse(target, out IPAddress? address) ? null
        : address.Equals(IPAddress.Any) ? source.Address
        : address;

    private static ReadOnlyMemory<byte> IdOf(DnsMessage message, string name)
    {
        const string key = "id=";
        foreach (DnsRecord.Txt txt in message.Answers.Concat(message.Additionals).OfType<DnsRecord.Txt>())
        {
            foreach (string text in string.Equals(txt.Name, name, StringComparison.Ordinal) ? txt.Strings : [])
            {
                if (text.StartsWith(key, StringComparison.Ordinal) && text.Length == key.Length + IdSize)
                {
                    return System.Text.Encoding.Latin1.GetBytes(text[key.Length..]);
                }
            }
        }

        return default;
    }
}
