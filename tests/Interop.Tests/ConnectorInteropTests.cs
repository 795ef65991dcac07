using System.Globalization;
using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>Connections by key with JavaScript's HyperDHT, over a small network of its nodes on loopback.</summary>
public class ConnectorInteropTests
{
    [NodeFact]
    public async Task We_connect_to_a_server_of_JavaScript_by_its_key()
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        PublicKey server = KeyOf(await network.AskAsync("serve", new { mux = true }));
        using PeerOnSockets us = await PeerOnSockets.StartAsync(bootstrap);
        PeerConnection connection = await us.ConnectAsync(server);
        Assert.Equal(server, connection.Connection.RemotePublicKey);
        await SayAndHearAsync(us, connection);
    }

    [NodeFact]
    public async Task We_connect_directly_to_a_server_whose_address_we_know()
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        JsonElement served = await network.AskAsync("serve", new { mux = true });
        using PeerOnSockets us = await PeerOnSockets.StartAsync(bootstrap);
        DhtAddress address = AddressOf(served.GetProperty("address"));
        PeerConnection connection = await us.ConnectAsync(KeyOf(served), new ConnectOptions { RelayAddresses = [address] });
        Assert.Equal(ConnectionWay.Direct, connection.Connection.Way);
        await SayAndHearAsync(us, connection);
    }

    [NodeFact]
    public async Task JavaScript_connects_to_us_by_our_key()
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        using PeerOnSockets us = await PeerOnSockets.StartAsync(bootstrap);
        await us.ListenAsync();
        JsonElement dialled = await network.AskAsync("dial", new { key = us.PublicKey.ToHex(), mux = true });
        Assert.Equal(us.PublicKey.ToHex(), dialled.Text("remotePublicKey"));
        await us.UntilAsync(h => h.Incoming.Count == 1, "the connection");
        await TalkToDiallerAsync(network, us, dialled);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Holes_are_punched_between_us_and_JavaScript_where_nothing_else_is_allowed(bool weListen)
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        using PeerOnSockets us = await PeerOnSockets.StartAsync(bootstrap);
        if (weListen)
        {
            await us.ListenAsync(new ListenOptions { ShareLocalAddresses = false });
            JsonElement dialled = await network.AskAsync(
                "dial", new { key = us.PublicKey.ToHex(), mux = true, options = new { localConnection = false } });
            await us.UntilAsync(h => h.Incoming.Count == 1, "the connection");
            await TalkToDiallerAsync(network, us, dialled);
            Assert.Equal(ConnectionWay.Punched, us.Peer.Incoming[0].Connection.Way);
        }
        else
        {
            PublicKey server = KeyOf(await network.AskAsync("serve", new { mux = true }));
            PeerConnection connection = await us.ConnectAsync(server, new ConnectOptions { LocalConnection = false });
            Assert.Equal(ConnectionWay.Punched, connection.Connection.Way);
            await SayAndHearAsync(us, connection);
        }
    }

    [NodeFact]
    public async Task Whom_the_hook_turns_away_is_not_answered_on_either_side()
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        using PeerOnSockets us = await PeerOnSockets.StartAsync(bootstrap);
        PublicKey server = KeyOf(await network.AskAsync("serve", new { reject = new[] { us.PublicKey.ToHex() }, mux = true }));
        DhtConnectException e = await Assert.ThrowsAsync<DhtConnectException>(() => us.ConnectAsync(server));
        Assert.Equal(ConnectError.PeerConnectionFailed, e.Error);

        await us.ListenAsync(new ListenOptions { Firewall = _ => true });
        await Assert.ThrowsAsync<NodePeerException>(() => network.AskAsync("dial", new { key = us.PublicKey.ToHex(), mux = true }));
        JsonElement error = await network.WaitForAsync("socket-error");
        Assert.Equal("PEER_CONNECTION_FAILED", error.Text("code"));
    }

    [NodeFact]
    public async Task JavaScript_relays_between_two_of_us_that_may_not_punch()
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        PublicKey relay = KeyOf(await network.AskAsync("serveRelay", new { }));
        using PeerOnSockets listening = await PeerOnSockets.StartAsync(bootstrap);
        using PeerOnSockets calling = await PeerOnSockets.StartAsync(bootstrap);
        await listening.ListenAsync(new ListenOptions { Holepunch = (_, _) => false, ShareLocalAddresses = false });
        var options = new ConnectOptions { RelayThrough = [relay], LocalConnection = false, FastOpen = false, Holepunch = (_, _) => false };
        PeerConnection connection = await calling.ConnectAsync(listening.PublicKey, options);
        Assert.Equal(ConnectionWay.Relayed, connection.Connection.Way);
        await listening.UntilAsync(h => h.Incoming.Count == 1, "the connection");
        await network.WaitForAsync("paired");
        await calling.DoAsync(_ => Say(connection, "hello"));
        await listening.UntilAsync(h => h.Incoming[0].Heard.Contains("hello"), "hearing");
        await listening.DoAsync(h => Say(h.Incoming[0], "hello back"));
        await calling.UntilAsync(_ => connection.Heard.Contains("hello back"), "hearing");
    }

    [NodeFact]
    public async Task We_relay_between_two_peers_of_JavaScript_that_may_not_punch()
    {
        await using NodePeer network = await NodePeer.StartAsync();
        DhtAddress bootstrap = await StartNetworkAsync(network);
        using PeerOnSockets us = await PeerOnSockets.StartAsync(bootstrap, relay: new RelayOptions());
        await us.ListenAsync();
        PublicKey server = KeyOf(await network.AskAsync("serve", new { mux = true }));
        await network.AskAsync("node", new { @as = "other", bootstrap = Bootstrap(bootstrap) });
        JsonElement dialled = await network.AskAsync(
            "dial", new { @as = "other", key = server.ToHex(), mux = true, relayThrough = us.PublicKey.ToHex() });
        Assert.Equal(1, await us.DoAsync(h => h.Connector.Relay!.Joined));
        await network.AskAsync("say", new { socket = dialled.Number("socket"), text = "hello" });
        await network.WaitForAsync("said", e => string.Equals(e.Text("text"), "echo hello", StringComparison.Ordinal));
        Assert.True(await us.DoAsync(h => h.Connector.Relay!.TotalJoined == 1 && h.Incoming.Count == 2));
    }

    private static async Task<DhtAddress> StartNetworkAsync(NodePeer network)
    {
        JsonElement testnet = await network.AskAsync("testnet", new { size = 5 });
        DhtAddress bootstrap = AddressOf(testnet.GetProperty("bootstrap")[0]);
        await network.AskAsync("node", new { bootstrap = Bootstrap(bootstrap) });
        return bootstrap;
    }

    private static object[] Bootstrap(DhtAddress address) => [new { host = "127.0.0.1", port = (int)address.Port }];

    private static PublicKey KeyOf(JsonElement served) => PublicKey.Parse(served.Text("publicKey"), CultureInfo.InvariantCulture);

    private static DhtAddress AddressOf(JsonElement address) => MemoryNet.Address("127.0.0.1", (ushort)address.Number("port"));

    private static bool Say(PeerConnection connection, string text)
    {
        connection.Say(text);
        return true;
    }

    private static async Task SayAndHearAsync(PeerOnSockets us, PeerConnection connection)
    {
        await us.DoAsync(_ => Say(connection, TextOf("hello")));
        await us.UntilAsync(_ => connection.Heard.Contains(TextOf("echo hello")), "the echo");
    }

    private static async Task TalkToDiallerAsync(NodePeer network, PeerOnSockets us, JsonElement dialled)
    {
        await network.AskAsync("say", new { socket = dialled.Number("socket"), text = "hello" });
        await us.UntilAsync(h => h.Incoming[0].Heard.Contains(TextOf("hello")), "hearing");
        await us.DoAsync(h => Say(h.Incoming[0], TextOf("hello back")));
        await network.WaitForAsync("said", e => string.Equals(e.Text("text"), "hello back", StringComparison.Ordinal));
    }

    // A string of compact encoding carries its length in front.
    private static string TextOf(string text) => (char)text.Length + text;
}
