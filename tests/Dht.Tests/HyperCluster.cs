using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>Some nodes of HyperDHT that know each other by way of the first.</summary>
internal sealed class HyperCluster
{
    public static readonly DateTimeOffset WallClock = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly string _prefix;
    private readonly RecordOptions _records;

    public HyperCluster(int size, ulong seed = 1, string prefix = "10.0", RecordOptions? records = null)
    {
        (_prefix, _records) = (prefix, records ?? new RecordOptions());
        Net = new MemoryNet(seed);
        First = MemoryNet.Address($"{prefix}.0.1", HyperDht.DefaultPort);
        Add($"{prefix}.0.1", DhtOptions.Bootstrapper(First));
        for (int i = 1; i < size; i++)
        {
            Join($"{prefix}.{i % 250}.{(i / 250) + 2}");
        }

        Net.Run(TimeSpan.FromSeconds(5));
    }

    public MemoryNet Net { get; }

    public DhtAddress First { get; }

    public List<HyperDht> Nodes { get; } = [];

    public FlowScope Scope => Nodes[^1].Node.Scope;

    public static KeyPair Keys(int number) => KeyPair.Generate(RandomSource.Seeded((ulong)number));

    public static Hash Target(int number) => Blake2b.Hash256(BitConverter.GetBytes(number));

    public static Hash TargetOf(KeyPair keyPair)
    {
        PublicKey key = keyPair.PublicKey;
        return Blake2b.Hash256(key.AsSpan());
    }

    public HyperDht Join(string host, bool? isEphemeral = false)
    {
        HyperDht dht = Add(host, new DhtOptions { Bootstrap = [new DhtBootstrap(First, null)], IsEphemeral = isEphemeral });
        return dht;
    }

    /// <summary>Another node, on a host of its own that stores nothing.</summary>
    public HyperDht JoinEphemeral(int number = 1) => Join($"{_prefix}.251.{number}", isEphemeral: true);

    public T Run<T>(Flow<T> flow) => Net.Run(flow);

    /// <summary>Lets time pass, and tells every node how late it is: what is started then starts then.</summary>
    public void Wait(TimeSpan duration)
    {
        Net.Run(duration);
        foreach (HyperDht node in Nodes)
        {
            node.HandleTimeout(Net.Now);
        }
    }

    public OperationResult Announce(HyperDht node, Hash topic, KeyPair keys, params DhtAddress[] relays) =>
        Run(node.AnnounceAsync(topic, keys, new AnnounceOptions { RelayAddresses = [.. relays] }, _ => { }, OperationOptions.Default, node.Node.Scope));

    /// <summary>Whom a node finds under a topic, each once.</summary>
    public List<PublicKey> Lookup(HyperDht node, Hash topic)
    {
        var found = new HashSet<PublicKey>();
        Run(node.LookupAsync(topic, f => found.UnionWith(f.Peers.Select(p => p.PublicKey)), OperationOptions.Default, node.Node.Scope));
        return [.. found];
    }

    private HyperDht Add(string host, DhtOptions options)
    {
        MemoryHost memory = Net.AddHost(host);
        int server = memory.Bind(HyperDht.DefaultPort);
        int client = memory.Bind(0);
        var dht = new HyperDht(
            options, _records, memory, RandomSource.Seeded(Net.Random.NextUInt64()), server, memory.LocalOf(server), client, memory.LocalOf(client), WallClock, Net.Now);
        memory.Machine = new Machine(dht);
        Nodes.Add(dht);
        Net.Run(dht.Node.BootstrapAsync());
        return dht;
    }

    private sealed class Machine(HyperDht dht) : IDatagramMachine
    {
        public TimeSpan? Deadline => dht.Deadline;

        public void HandleDatagram(ReadOnlySpan<byte> datagram, int socket, DhtAddress from, TimeSpan now) =>
            dht.HandleDatagram(datagram, socket, from, now);

        public void HandleTimeout(TimeSpan now) => dht.HandleTimeout(now);
    }
}
