using HyperActors.Abstractions;
using HyperActors.Cli.Parsing;

namespace HyperActors.Cli.Node;

/// <summary>How to reach one peer, and what to call it.</summary>
internal sealed record PeerDial(string Name, Func<IHyperNode, CancellationToken, ValueTask<PeerInfo>> ConnectAsync)
{
    public static PeerDial OverTcp(HostPort address) =>
        new(address.ToString(), (node, cancellationToken) => node.ConnectTcpAsync(address.Host, address.Port, cancellationToken));

    public static PeerDial OverUdx(UdxRoute route) =>
        new(route.Remote.ToString(), (node, cancellationToken) => node.ConnectUdxAsync(route, cancellationToken));

    public override string ToString() => Name;
}
