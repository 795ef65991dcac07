using System.Diagnostics.Metrics;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace HyperActors.Hosting;

/// <summary>A node that lives as long as its host. It may be injected before it is started, and used after.</summary>
internal sealed class HostedNode(NodeOptions options, string name, IMeterFactory? meters)
    : IHyperNode, IHostedLifecycleService, IHealthCheck
{
    private HyperNode? _node;
    private NodeMeter? _meter;
    private int _stopped;

    public PublicKey PublicKey => Node.PublicKey;

    public ISwarm Swarm => Node.Swarm;

    public IDht Dht => Node.Dht;

    private HyperNode Node => Volatile.Read(ref _node)
        ?? throw new InvalidOperationException("the node is not started yet: it starts with the host, before other services do");

    /// <summary>Before any service starts, so that all of them find a node that runs.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _node, await HyperNode.StartAsync(options, cancellationToken));
        _meter = new NodeMeter(Node, name, meters);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After all services have stopped, so that none of them loses its node.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken) => await DisposeAsync();

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            IReadOnlyList<PeerConnection> connections = await Node.ListConnectionsAsync(cancellationToken);
            return HealthCheckResult.Healthy($"{connections.Count} connections");
        }
        catch (Exception e) when (e is HyperActorsException or ObjectDisposedException or InvalidOperationException)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
        }
    }

    public ValueTask<IFeed> OpenFeedAsync(string name, CancellationToken cancellationToken = default) =>
        ((IHyperNode)Node).OpenFeedAsync(name, cancellationToken);

    public ValueTask<IFeed?> FindFeedAsync(string name, CancellationToken cancellationToken = default) =>
        ((IHyperNode)Node).FindFeedAsync(name, cancellationToken);

    public ValueTask<IFeed?> FindFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        ((IHyperNode)Node).FindFeedAsync(key, cancellationToken);

    public ValueTask<IFeed> OpenFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        ((IHyperNode)Node).OpenFeedAsync(key, cancellationToken);

    public ValueTask<IReadOnlyList<FeedInfo>> ListFeedsAsync(CancellationToken cancellationToken = default) =>
        Node.ListFeedsAsync(cancellationToken);

    public ValueTask<IPEndPoint> ListenTcpAsync(IPEndPoint address, CancellationToken cancellationToken = default) =>
        Node.ListenTcpAsync(address, cancellationToken);

    public ValueTask<PeerInfo> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default) =>
        Node.ConnectTcpAsync(host, port, cancellationToken);

    public ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        Node.ConnectUdxAsync(route, cancellationToken);

    public ValueTask<PeerInfo> AcceptUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        Node.AcceptUdxAsync(route, cancellationToken);

    public void SendMessage(long connectionId, ReadOnlyMemory<byte> message) => Node.SendMessage(connectionId, message);

    public ValueTask<IReadOnlyList<PeerConnection>> ListConnectionsAsync(CancellationToken cancellationToken = default) =>
        Node.ListConnectionsAsync(cancellationToken);

    public IAsyncEnumerable<ConnectionEvent> WatchConnectionsAsync(CancellationToken cancellationToken = default) =>
        Node.WatchConnectionsAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0 || Volatile.Read(ref _node) is not { } node)
        {
            return;
        }

        _meter?.Dispose();
        await node.DisposeAsync();
    }
}
