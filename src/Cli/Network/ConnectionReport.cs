using HyperActors.Abstractions;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Network;

/// <summary>With <c>-v</c>: connections as they come and go.</summary>
internal static class ConnectionReport
{
    /// <summary>Until the token ends it.</summary>
    public static async Task RunAsync(Printer printer, IHyperNode node, CancellationToken cancellationToken)
    {
        await foreach (ConnectionEvent happened in node.WatchConnectionsAsync(cancellationToken))
        {
            if (happened is ConnectionEvent.Opened { Peer: var peer })
            {
                printer.Detail(
                    new ConnectedEvent(peer.ConnectionId, peer.PublicKey.ToString(), peer.Address?.ToString()),
                    ResultJson.Default.ConnectedEvent,
                    e => $"connection {e.Connection} from {e.Address ?? "?"} opened, public key {e.PublicKey}");
            }
            else if (happened is ConnectionEvent.Closed closed)
            {
                printer.Detail(
                    new DisconnectedEvent(closed.ConnectionId, closed.Address?.ToString(), closed.Reason),
                    ResultJson.Default.DisconnectedEvent,
                    e => $"connection {e.Connection} from {e.Address ?? "?"} ended{(e.Reason is null ? string.Empty : $": {e.Reason}")}");
            }
        }
    }
}
