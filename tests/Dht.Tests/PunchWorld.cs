using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>An internet with a small DHT on it, and peers behind translators of all kinds.</summary>
internal sealed class PunchWorld
{
    private int _networks;

    public PunchWorld(ulong seed = 1, int nodes = 10, RelayOptions? relay = null)
    {
        Net = new NatNetwork(seed);
        Bootstrap = MemoryNet.Address("80.0.1.1", 49_737);
        for (int i = 0; i < nodes; i++)
        {
            DhtOptions options = i == 0
                ? DhtOptions.Bootstrapper(Bootstrap)
                : new DhtOptions { Bootstrap = [new DhtBootstrap(Bootstrap, null)], IsEphemeral = false };
            PeerHost host = Add(Net.AddHost($"80.0.{i + 1}.1"), options, 49_737);
            Net.Run(host.Do(Net.Now, () => Join(host)));
            Nodes.Add(host);
        }

        if (relay is not null)
        {
            Relay = Add(Net.AddHost("90.0.0.1"), ToPeer(isFirewalled: false), 49_737, relay: relay);
            Net.Run(Relay.Do(Net.Now, () => Join(Relay)));
            Net.Run(Listen(Relay).Started);
        }

        Net.Run(2);
    }

    public NatNetwork Net { get; }

    public DhtAddress Bootstrap { get; }

    /// <summary>The persistent nodes of the DHT, the one that others start from first.</summary>
    public List<PeerHost> Nodes { get; } = [];

    /// <summary>A node that relays for others.</summary>
    public PeerHost? Relay { get; }

    /// <summary>A peer behind a translator of its own; null for one on the open net.</summary>
    public PeerHost AddPeer(NatBehavior? behavior, ConnectorOptions? options = null)
    {
        int number = ++_networks;
        NatHost host = behavior is { } kind
            ? Net.AddHost($"192.168.{number}.2", Net.AddBox($"70.0.{number}.1", kind))
            : Net.AddHost($"60.0.{number}.1");
        return AddPeerOn(host, options, isFirewalled: behavior is not null);
    }

    public PeerHost AddPeerOn(NatHost host, ConnectorOptions? options = null, bool isFirewalled = true)
    {
        PeerHost peer = Add(host, ToPeer(isFirewalled), 49_737, options);
        Net.Run(peer.Do(Net.Now, () => Join(peer)));
        return peer;
    }

    public (Listener Listener, Flow<bool> Started) Listen(PeerHost host, ListenOptions? options = null)
    {
        Listener listener = host.Do(Net.Now, () => host.Connector.Listen(host.Keys, options ?? new ListenOptions()));
        return (listener, Wait(listener.Listening));
    }

    /// <summary>Listens, and waits until others can know of it.</summary>
    public Listener ListenAndWait(PeerHost host, ListenOptions? options = null)
    {
        (Listener listener, Flow<bool> started) = Listen(host, options);
        Net.Run(started);
        return listener;
    }

    public Flow<PeerConnection> Connect(PeerHost from, PublicKey to, ConnectOptions? options = null) =>
        from.Do(Net.Now, () => from.ConnectAsync(to, options));

    /// <summary>Says something from each end of a connection, and waits until the other end has heard it.</summary>
    public void Talk(PeerHost client, PeerConnection connection, PeerHost server)
    {
        PeerConnection? other = null;
        Net.RunUntil(
            () => (other = server.Incoming.Find(c => IsSame(c.Connection, connection.Connection))) is not null, 60, "the connection at the server");
        int before = connection.Heard.Count;
        Say(client, connection, "ping");
        Say(server, other!, "pong");
        Net.RunUntil(() => connection.Heard.Count > before && other!.Heard.Count > 0, 60, "both having heard each other");
        Assert.Equal(("pong", "ping"), (connection.Heard[^1], other!.Heard[^1]));
    }

    private static bool IsSame(DhtConnection left, DhtConnection right) =>
        left.Keys.HandshakeHash.Span.SequenceEqual(right.Keys.HandshakeHash.Span);

    private void Say(PeerHost host, PeerConnection connection, string text) => host.Do(Net.Now, () =>
    {
        connection.Say(text);
        return 0;
    });

    private PeerHost Add(
        NatHost host, DhtOptions options, ushort port, ConnectorOptions? connector = null, RelayOptions? relay = null)
    {
        var peer = new PeerHost(host, RandomSource.Seeded(Net.Random.NextUInt64()), options, Net.Now, port, connector, relay);
        host.Peer = peer;
        return peer;
    }

    private DhtOptions ToPeer(bool isFirewalled) => new()
    {
        Bootstrap = [new DhtBootstrap(Bootstrap, null)],
        IsEphemeral = true,
        IsFirewalled = isFirewalled,
        QuickFirewall = false,
    };

    private static Flow<bool> Join(PeerHost host) => Wait(host.Node.BootstrapAsync());

    private static async Flow<bool> Wait(Flow flow)
    {
        await flow;
        return true;
    }
}
