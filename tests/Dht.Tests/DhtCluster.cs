using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>Some nodes that know each other by way of the first.</summary>
internal sealed class DhtCluster
{
    public DhtCluster(int size, ulong seed = 1, string prefix = "10.0", Action<DhtOptions>? tune = null)
    {
        Net = new MemoryNet(seed);
        First = MemoryNet.Address($"{prefix}.0.1", 49_737);
        DhtOptions first = DhtOptions.Bootstrapper(First);
        tune?.Invoke(first);
        Nodes.Add(Net.AddNode($"{prefix}.0.1", First.Port, first));
        _ = Nodes[0].BootstrapAsync();
        for (int i = 1; i < size; i++)
        {
            Join($"{prefix}.{i / 250}.{(i % 250) + 2}", tune);
        }

        Net.Run(TimeSpan.FromSeconds(5));
    }

    public MemoryNet Net { get; }

    public DhtAddress First { get; }

    public List<DhtNode> Nodes { get; } = [];

    public DhtNode Join(string host, Action<DhtOptions>? tune = null)
    {
        var options = new DhtOptions { Bootstrap = [new DhtBootstrap(First, null)], IsEphemeral = false };
        tune?.Invoke(options);
        DhtNode node = Net.AddNode(host, 49_737, options);
        Nodes.Add(node);
        Flow bootstrap = node.BootstrapAsync();
        Net.Run(bootstrap);
        return node;
    }

    /// <summary>The nodes that are nearest to a target in truth, nearest first.</summary>
    public IEnumerable<DhtAddress> Nearest(Hash target, int count) => Nodes
        .Where(n => !n.IsEphemeral)
        .OrderBy(n => n.TableId, Comparer<Hash>.Create((a, b) => Distance.Compare(target, a, b)))
        .Take(count)
        .Select(n => n.PublicAddress!.Value);

    public static Hash Target(int number) => Blake2b.Hash256(BitConverter.GetBytes(number));
}
