using HyperActors.Abstractions;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Network;

/// <summary>What verbs that are found by topic have in common.</summary>
internal static class SwarmLink
{
    /// <summary>Says that the node is in a topic: its address and key, as the first line of the output.</summary>
    public static async Task TellJoinedAsync(Printer printer, IHyperNode node, DiscoveryKey topic, CancellationToken cancellationToken)
    {
        DhtInfo info = await node.Dht.GetInfoAsync(cancellationToken);
        string address = info.LocalAddress?.ToString() ?? "-";
        printer.Json(new JoinedEvent(topic.ToString(), address, node.PublicKey.ToString()), ResultJson.Default.JoinedEvent);
        printer.Line($"{topic}  {address}  {node.PublicKey}");
    }
}
