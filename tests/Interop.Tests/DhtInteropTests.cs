using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>Nodes of HyperDHT, theirs and ours, in one network on 127.0.0.1: every command, both ways.</summary>
public sealed class DhtInteropTests
{
    private const int NodesOfEach = 4;

    public enum Network
    {
        /// <summary>All nodes that keep records are JavaScript's.</summary>
        Theirs,

        /// <summary>All nodes that keep records are ours.</summary>
        Ours,

        /// <summary>Four of each, and ours is the one that others enter through.</summary>
        Mixed,
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task Announcements_are_found_and_taken_back_by_both(Network network)
    {
        await using Testnet net = await Testnet.StartAsync(network);
        string topic = Text(Bytes(1));
        using KeyPair ours = KeyPair.FromSeed(Bytes(2));
        OperationResult announced = await net.Node.RunAsync(dht => dht.AnnounceAsync(
            new Hash(Bytes(1)), ours, new AnnounceOptions { RelayAddresses = [net.Node.Address] }, _ => { }, OperationOptions.Default, dht.Node.Scope));
        Assert.Equal(net.Keepers, announced.Stored);
        JsonElement theirs = await net.Peer.AskAsync("announce", new { topic, seed = Text(Bytes(3)) });

        string[] expected = [.. new[] { ours.PublicKey.ToHex(), theirs.Text("publicKey") }.Order(StringComparer.Ordinal)];
        Assert.Equal(expected, await net.LookupAsync());
        JsonElement found = await net.Peer.AskAsync("lookup", new { topic });
        Assert.Equal(expected, KeysOf(found));
        JsonElement peer = found.Items("peers").First(p => string.Equals(p.Text("publicKey"), ours.PublicKey.ToHex(), StringComparison.Ordinal));
        Assert.Equal(net.Node.Address.Port, peer.Items("relays").Single().Number("port"));

        await net.Peer.AskAsync("unannounce", new { topic, seed = Text(Bytes(3)) });
        Assert.Equal([ours.PublicKey.ToHex()], await net.LookupAsync());
        await net.Node.RunAsync(dht => dht.UnannounceAsync(new Hash(Bytes(1)), ours, OperationOptions.Default, dht.Node.Scope));
        Assert.Empty(KeysOf(await net.Peer.AskAsync("lookup", new { topic })));
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task Servers_are_found_by_their_keys(Network network)
    {
        await using Testnet net = await Testnet.StartAsync(network);
        JsonElement server = await net.Peer.AskAsync("serve", new { seed = Text(Bytes(4)) });
        var key = new PublicKey(server.Hex("publicKey"));
        var found = new List<ServerFound>();
        await net.Node.RunAsync(dht => dht.FindPeerAsync(
            Blake2b.Hash256(key.AsSpan()), found.Add, OperationOptions.Default, dht.Node.Scope));
        Assert.NotEmpty(found);
        Assert.All(found, f => Assert.Equal(key, f.Peer.PublicKey));

        using KeyPair ours = KeyPair.FromSeed(Bytes(5));
        PublicKey ourKey = ours.PublicKey;
        await net.Node.RunAsync(dht => dht.AnnounceAsync(
            Blake2b.Hash256(ourKey.AsSpan()), ours, new AnnounceOptions(), _ => { }, OperationOptions.Default, dht.Node.Scope));
        JsonElement theirs = await net.Peer.AskAsync("findPeer", new { key = ourKey.ToHex() });
        Assert.Equal(net.Keepers, theirs.Items("peers").Count());

        await net.Peer.AskAsync("closeServer", new { key = key.ToHex() });
        found.Clear();
        await net.Node.RunAsync(dht => dht.FindPeerAsync(
            Blake2b.Hash256(key.AsSpan()), found.Add, OperationOptions.Default, dht.Node.Scope));
        Assert.Empty(found);
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task Values_are_kept_and_read_by_both(Network network)
    {
        await using Testnet net = await Testnet.StartAsync(network);
        byte[] value = NodePeer.Pattern(1, 1, 1000);
        PutResult put = await net.Node.RunAsync(dht => dht.PutImmutableAsync(value, OperationOptions.Default, dht.Node.Scope));
        Assert.Equal(net.Keepers, put.Result.Stored);
        Assert.Equal(Text(value), (await net.Peer.AskAsync("getImmutable", new { hash = put.Target.ToString() })).Text("value"));
        JsonElement theirs = await net.Peer.AskAsync("putImmutable", new { value = "0102" });
        ImmutableFound? found = await net.Node.RunAsync(dht => dht.GetImmutableAsync(
            new Hash(theirs.Hex("hash")), OperationOptions.Default, dht.Node.Scope));
        Assert.Equal([1, 2], found!.Value.ToArray());

        using KeyPair keys = KeyPair.FromSeed(Bytes(6));
        string seed = Text(Bytes(6));
        Assert.Equal((net.Keepers, HyperError.None), await PutAsync(1, [1]));
        Assert.Equal("01", (await net.Peer.AskAsync("getMutable", new { key = keys.PublicKey.ToHex() })).Text("value"));
        await net.Peer.AskAsync("putMutable", new { seed, value = "0202", seq = 2 });
        MutableFound? newest = await net.Node.RunAsync(dht => dht.GetMutableAsync(
            keys.PublicKey, new MutableGetOptions(), OperationOptions.Default, dht.Node.Scope));
        Assert.Equal((2ul, "0202"), (newest!.Record.Sequence, Text(newest.Record.Value.ToArray())));
        Assert.Equal((0, HyperError.SequenceReused), await PutAsync(2, [9]));
        Assert.Equal((0, HyperError.SequenceTooLow), await PutAsync(1, [1]));
        Assert.Equal((net.Keepers, HyperError.None), await PutAsync(3, [3]));
        JsonElement read = await net.Peer.AskAsync("getMutable", new { key = keys.PublicKey.ToHex(), seq = 3 });
        Assert.Equal((3ul, "03"), (read.Number("seq"), read.Text("value")));
        Assert.Equal(JsonValueKind.Null, (await net.Peer.AskAsync("getMutable", new { key = keys.PublicKey.ToHex(), seq = 4 })).GetProperty("seq").ValueKind);

        async Task<(int Stored, HyperError Error)> PutAsync(ulong sequence, byte[] bytes)
        {
            PutResult result = await net.Node.RunAsync(dht => dht.PutMutableAsync(keys, sequence, bytes, OperationOptions.Default, dht.Node.Scope));
            return (result.Result.Stored, result.Result.StoreError);
        }
    }

    [NodeFact]
    public async Task Both_refuse_the_same_in_the_same_way()
    {
        await using Testnet mixed = await Testnet.StartAsync(Network.Mixed);
        DhtAddress our = mixed.First;
        DhtAddress their = mixed.TheirFirst;
        string target = Text(Bytes(1));
        string minimum = "00";
        using KeyPair keys = KeyPair.FromSeed(Bytes(6));
        PublicKey key = keys.PublicKey;
        string ofKey = Blake2b.Hash256(key.AsSpan()).ToString();
        string put = Text(Encode(new MutablePutRequest(key, RecordSignatures.SignMutable(keys, 5, new byte[] { 5 }))));
        string reused = Text(Encode(new MutablePutRequest(key, RecordSignatures.SignMutable(keys, 5, new byte[] { 6 }))));
        string older = Text(Encode(new MutablePutRequest(key, RecordSignatures.SignMutable(keys, 4, new byte[] { 4 }))));
        string nothing = Text(Encode(new MutablePutRequest(key, RecordSignatures.SignMutable(keys, 9, ReadOnlyMemory<byte>.Empty))));
        string garbage = Text(NodePeer.Pattern(3, 3, 60));
        var asked = new (string Name, HyperCommand Command, string? Target, bool HasToken, string? Value)[]
        {
            ("find", HyperCommand.FindPeer, target, false, null),
            ("find without target", HyperCommand.FindPeer, null, false, null),
            ("lookup", HyperCommand.Lookup, target, false, null),
            ("lookup without target", HyperCommand.Lookup, null, false, null),
            ("announce garbage", HyperCommand.Announce, target, true, garbage),
            ("announce without token", HyperCommand.Announce, target, false, garbage),
            ("unannounce garbage", HyperCommand.Unannounce, target, true, garbage),
            ("put", HyperCommand.MutablePut, ofKey, true, put),
            ("put again", HyperCommand.MutablePut, ofKey, true, put),
            ("put another value of the same number", HyperCommand.MutablePut, ofKey, true, reused),
            ("put an older one", HyperCommand.MutablePut, ofKey, true, older),
            ("put under a wrong target", HyperCommand.MutablePut, target, true, put),
            ("put without token", HyperCommand.MutablePut, ofKey, false, put),
            ("get", HyperCommand.MutableGet, ofKey, false, minimum),
            ("get a newer one", HyperCommand.MutableGet, ofKey, false, "06"),
            ("get without a number", HyperCommand.MutableGet, ofKey, false, null),
            ("keep under a wrong hash", HyperCommand.ImmutablePut, target, true, "01"),
            ("keep", HyperCommand.ImmutablePut, Blake2b.Hash256([1]).ToString(), true, "01"),
            ("fetch", HyperCommand.ImmutableGet, Blake2b.Hash256([1]).ToString(), false, null),
            ("keep nothing", HyperCommand.ImmutablePut, Blake2b.Hash256([]).ToString(), true, string.Empty),
            ("fetch nothing", HyperCommand.ImmutableGet, Blake2b.Hash256([]).ToString(), false, null),
            ("put nothing", HyperCommand.MutablePut, ofKey, true, nothing),
            ("get nothing", HyperCommand.MutableGet, ofKey, false, minimum),
            ("fetch what nobody has", HyperCommand.ImmutableGet, target, false, null),
            ("a plugin that nobody has", HyperCommand.Plugin, target, false, garbage),
            ("handshake of nobody", HyperCommand.PeerHandshake, target, false, Text(Encode(new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 })))),
            ("handshake without message", HyperCommand.PeerHandshake, target, false, Text(Encode(new HandshakeEnvelope(RelayMode.FromClient, default)))),
            ("handshake for somebody", HyperCommand.PeerHandshake, target, false, Text(Encode(new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 }, null, new DhtAddress(0x7f00_0001, 1))))),
            ("handshake from a relay", HyperCommand.PeerHandshake, target, false, Text(Encode(new HandshakeEnvelope(RelayMode.FromRelay, new byte[] { 1 })))),
            ("handshake of an odd mode", HyperCommand.PeerHandshake, target, false, Text(Encode(new HandshakeEnvelope(RelayMode.Reply, new byte[] { 1 })))),
            ("holepunch of nobody", HyperCommand.PeerHolepunch, target, false, Text(Encode(new HolepunchEnvelope(RelayMode.FromClient, 1, new byte[] { 1 })))),
            ("an unknown command", (HyperCommand)11, target, false, null),
        };
        foreach ((string name, HyperCommand command, string? where, bool hasToken, string? value) in asked)
        {
            string ours = await AskAsync(our);
            string theirs = await AskAsync(their);
            Assert.True(string.Equals(theirs, ours, StringComparison.Ordinal), $"{name}: they answer {theirs}, we answer {ours}");

            async Task<string> AskAsync(DhtAddress node)
            {
                var to = new { host = "127.0.0.1", port = node.Port };
                string? token = hasToken
                    ? (await mixed.Peer.AskAsync("request", new { to, command = 3, target })).Text("token")
                    : null;
                JsonElement reply = await mixed.Peer.AskAsync("request", new { to, command = (int)command, target = where, token, value });
                return $"failed {reply.GetProperty("failed")}, error {reply.GetProperty("error")}, value {reply.GetProperty("value")}, "
                    + $"token {reply.GetProperty("token").ValueKind}, closer nodes {reply.Number("closerNodes") > 0}";
            }
        }

        string falseToken = Text(Bytes(9));
        foreach (DhtAddress node in new[] { our, their })
        {
            JsonElement reply = await mixed.Peer.AskAsync(
                "request", new { to = new { host = "127.0.0.1", port = node.Port }, command = 4, target, token = falseToken, value = garbage });
            Assert.Equal((ulong)DhtErrors.InvalidToken, reply.Number("error"));
        }
    }

    [NodeFact]
    public async Task An_ephemeral_node_does_not_know_the_commands_of_keepers()
    {
        await using Testnet net = await Testnet.StartAsync(Network.Theirs);
        DhtAddress ephemeral = await net.Node.DoAsync(dht => dht.Node.IsFirewalled ? dht.Node.ClientLocal : dht.Node.ServerLocal);
        JsonElement reply = await net.Peer.AskAsync(
            "request", new { to = new { host = "127.0.0.1", port = ephemeral.Port }, command = 3, target = Text(Bytes(1)) });
        Assert.Equal((ulong)DhtErrors.UnknownCommand, reply.Number("error"));
    }

    private static byte[] Encode<T>(T message)
        where T : Compact.IEncodable
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new Compact.CompactWriter(buffer);
        message.Encode(ref writer);
        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Bytes(byte value)
    {
        byte[] bytes = new byte[32];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static string Text(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static string[] KeysOf(JsonElement found) =>
        [.. found.Items("peers").Select(p => p.Text("publicKey")).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>A network of nodes, an ephemeral one of ours in it, and an ephemeral one of theirs.</summary>
    private sealed class Testnet : IAsyncDisposable
    {
        private readonly List<LoopbackDht> _keepers = [];

        private Testnet(NodePeer peer) => Peer = peer;

        public NodePeer Peer { get; }

        /// <summary>Our node that stores nothing itself.</summary>
        public LoopbackDht Node { get; private set; } = null!;

        public DhtAddress First { get; private set; }

        public DhtAddress TheirFirst { get; private set; }

        /// <summary>Nodes that keep records.</summary>
        public int Keepers { get; private set; }

        public static async Task<Testnet> StartAsync(Network network)
        {
            var net = new Testnet(await NodePeer.StartAsync());
            try
            {
                await net.StartNodesAsync(network);
                return net;
            }
            catch
            {
                await net.DisposeAsync();
                throw;
            }
        }

        /// <summary>Whom we find under the first topic.</summary>
        public async Task<string[]> LookupAsync()
        {
            var keys = new HashSet<string>(StringComparer.Ordinal);
            await Node.RunAsync(dht => dht.LookupAsync(
                new Hash(Bytes(1)), f => keys.UnionWith(f.Peers.Select(p => p.PublicKey.ToHex())), OperationOptions.Default, dht.Node.Scope));
            return [.. keys.Order(StringComparer.Ordinal)];
        }

        public async ValueTask DisposeAsync()
        {
            await Peer.DisposeAsync();
            foreach (LoopbackDht node in _keepers)
            {
                await node.DisposeAsync();
            }

            if (Node is not null)
            {
                await Node.DisposeAsync();
            }
        }

        private async Task StartNodesAsync(Network network)
        {
            if (network != Network.Theirs)
            {
                _keepers.Add(await LoopbackDht.StartAsync());
                First = _keepers[0].Address;
                while (_keepers.Count < NodesOfEach)
                {
                    _keepers.Add(await LoopbackDht.StartAsync(First));
                }
            }

            Keepers = _keepers.Count;
            if (network != Network.Ours)
            {
                object? bootstrap = network == Network.Mixed ? new[] { new { host = "127.0.0.1", port = First.Port } } : null;
                JsonElement testnet = await Peer.AskAsync("testnet", new { size = NodesOfEach, bootstrap });
                TheirFirst = new DhtAddress(0x7f00_0001, (ushort)testnet.Items("addresses").First().Number("port"));
                First = network == Network.Mixed ? First : new DhtAddress(0x7f00_0001, (ushort)testnet.Items("bootstrap").First().Number("port"));
                Keepers += testnet.Items("ephemeral").Count(e => !e.GetBoolean());
            }

            await Peer.AskAsync("node", new { bootstrap = new[] { new { host = "127.0.0.1", port = First.Port } } });
            Node = await LoopbackDht.StartAsync(First, isEphemeral: true);
        }
    }
}
