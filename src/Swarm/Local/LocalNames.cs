using System.Text;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>The names of local discovery (docs/local-discovery.md#names).</summary>
internal static class LocalNames
{
    public const string Service = "_hyperswarm._udp.local";
    public const string Services = "_services._dns-sd._udp.local";

    private const int LabelDigits = 16;
    private const int TopicBytes = 16;

    /// <summary>What names a peer: it tells nothing but that it is the same one.</summary>
    public static string LabelOf(PublicKey publicKey, int attempt)
    {
        string label = Blake2b.Hash256(publicKey.AsSpan()).ToString()[..LabelDigits];
        return attempt == 0 ? label : $"{label}-{attempt + 1}";
    }

    public static bool IsLabelOf(string instance, PublicKey publicKey) =>
        instance.StartsWith(LabelOf(publicKey, 0), StringComparison.Ordinal)
        && instance.Length > LabelDigits
        && instance[LabelDigits] is '.' or '-';

    public static string InstanceOf(string label) => $"{label}.{Service}";

    public static string HostOf(string label) => $"{label}.local";

    public static bool IsInstance(string name) =>
        name.Length > Service.Length + 1 && name.EndsWith("." + Service, StringComparison.Ordinal)
        && !name.AsSpan(0, name.Length - Service.Length - 1).Contains('.');

    /// <summary>The name under which a topic is browsed: who does not know the topic does not learn it here.</summary>
    public static string SubtypeOf(DiscoveryKey topic)
    {
        Span<byte> hash = stackalloc byte[Hash.Size];
        Blake2b.Concat(Encoding.ASCII.GetBytes("hyperswarm/mdns"), topic.AsSpan(), hash);
        return $"_t{Convert.ToHexStringLower(hash[..TopicBytes])}._sub.{Service}";
    }
}
