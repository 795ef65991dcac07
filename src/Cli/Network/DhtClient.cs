using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Commands;
using HyperActors.Crypto;

namespace HyperActors.Cli.Network;

/// <summary>One node of the DHT for the length of a verb: it asks and stores nothing for others.</summary>
internal sealed class DhtClient : IAsyncDisposable
{
    private readonly DhtHost _host;

    private DhtClient(DhtHost host, IDht dht, KeyPair keys) => (_host, Dht, Keys) = (host, dht, keys);

    public IDht Dht { get; }

    /// <summary>Who it is.</summary>
    public KeyPair Keys { get; }

    /// <summary>Starts the node and waits until it has met its network.</summary>
    /// <exception cref="CliException">None of the nodes to enter through answers.</exception>
    public static async Task<DhtClient> StartAsync(
        VerbContext context, NetworkFlags flags, KeyPair? keys, CancellationToken cancellationToken)
    {
        NetworkOptions network = flags.Read(context);
        network.IsEphemeral = true;
        keys ??= KeyPair.Generate(RandomSource.System);
        var host = DhtHost.Start();
        try
        {
            IDht dht = await host.AddAsync(network, keys, cancellationToken);
            await dht.WaitUntilReadyAsync(cancellationToken);
            if (network.Bootstrap is not { Count: 0 } && (await dht.GetInfoAsync(cancellationToken)).Buckets.Count == 0)
            {
                throw CliException.Peer(
                    $"nobody answers at {string.Join(", ", network.Bootstrap ?? [.. NetworkOptions.PublicBootstrap])}; hyperactors doctor says more");
            }

            return new DhtClient(host, dht, keys);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        Keys.Dispose();
    }
}
