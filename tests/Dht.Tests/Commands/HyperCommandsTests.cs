using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht.Tests;

public class HyperCommandsTests
{
    private readonly HyperCluster _cluster = new(3);
    private readonly HyperDht _asker;
    private readonly HyperDht _keeper;
    private readonly KeyPair _keys = HyperCluster.Keys(1);
    private readonly Hash _topic = HyperCluster.Target(1);
    private readonly Hash _server;

    public HyperCommandsTests()
    {
        _asker = _cluster.JoinEphemeral();
        _keeper = _cluster.Nodes[1];
        _server = HyperCluster.TargetOf(_keys);
    }

    private DhtAddress KeeperAddress => _keeper.Node.ServerLocal;

    [Theory]
    [InlineData(HyperCommand.FindPeer)]
    [InlineData(HyperCommand.Lookup)]
    [InlineData(HyperCommand.Announce)]
    [InlineData(HyperCommand.Unannounce)]
    [InlineData(HyperCommand.MutablePut)]
    [InlineData(HyperCommand.MutableGet)]
    [InlineData(HyperCommand.ImmutablePut)]
    [InlineData(HyperCommand.ImmutableGet)]
    [InlineData(HyperCommand.Plugin)]
    public void A_node_that_is_not_persistent_does_not_know_the_commands_of_keepers(HyperCommand command)
    {
        DhtAddress ephemeral = _asker.Node.IsFirewalled ? _asker.Node.ClientLocal : _asker.Node.ServerLocal;
        DhtReply? reply = _cluster.Run(_keeper.Node.RequestAsync(
            new DhtRequest { To = ephemeral, Command = (uint)command, Target = _topic, Value = new byte[1] }, _keeper.Node.Scope));
        Assert.Equal(DhtErrors.UnknownCommand, reply!.Error);
    }

    [Fact]
    public void What_lacks_its_target_or_value_or_token_gets_no_answer()
    {
        Hash token = TokenFor(_topic);
        byte[] announce = Announcement(_topic, token).ToBytes();
        byte[] put = new MutablePutRequest(_keys.PublicKey, RecordSignatures.SignMutable(_keys, 1, new byte[] { 1 })).ToBytes();
        Assert.Null(Ask(HyperCommand.FindPeer));
        Assert.Null(Ask(HyperCommand.Lookup));
        Assert.Null(Ask(HyperCommand.Announce, null, token, announce));
        Assert.Null(Ask(HyperCommand.Announce, _topic, null, announce));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token));
        Assert.Null(Ask(HyperCommand.Unannounce, null, token, announce));
        Assert.Null(Ask(HyperCommand.Unannounce, _topic, null, announce));
        Assert.Null(Ask(HyperCommand.MutablePut, null, token, put));
        Assert.Null(Ask(HyperCommand.MutablePut, _server, null, put));
        Assert.Null(Ask(HyperCommand.MutablePut, _server, token));
        Assert.Null(Ask(HyperCommand.MutableGet, _server));
        Assert.Null(Ask(HyperCommand.MutableGet, null, null, [0]));
        Assert.Null(Ask(HyperCommand.ImmutablePut, null, token, [1]));
        Assert.Null(Ask(HyperCommand.ImmutablePut, Blake2b.Hash256([1]), null, [1]));
        Assert.Null(Ask(HyperCommand.ImmutablePut, Blake2b.Hash256([]), token));
        Assert.Null(Ask(HyperCommand.ImmutableGet));
        Assert.Null(Ask(HyperCommand.Plugin, _topic));
        Assert.Null(Ask(HyperCommand.Plugin, _topic, null, new PluginRequest("nobody", 1, 1, null).ToBytes()));
        Assert.Null(_keeper.Commands.Records);
        Assert.NotNull(Ask(HyperCommand.Announce, _topic, token, announce));
        Assert.NotNull(Ask(HyperCommand.MutablePut, _server, token, put));
        Assert.True(_keeper.Commands.Counters.Invalid >= 18);
    }

    [Fact]
    public void What_is_signed_wrongly_or_does_not_hash_to_its_target_gets_no_answer()
    {
        Hash token = TokenFor(_topic);
        AnnounceRequest announce = Announcement(_topic, token);
        using KeyPair mallory = HyperCluster.Keys(2);
        var renamed = new Peer(mallory.PublicKey, announce.Peer!.RelayAddresses);
        Assert.Null(Ask(HyperCommand.Announce, HyperCluster.Target(2), token, announce.ToBytes()));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token, (announce with { Peer = renamed }).ToBytes()));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token, (announce with { Refresh = _topic }).ToBytes()));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token, (announce with { Signature = null }).ToBytes()));
        Assert.Null(Ask(HyperCommand.Unannounce, _topic, token, announce.ToBytes()));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token, announce.ToBytes().AsSpan(0, 40).ToArray()));

        MutableRecord record = RecordSignatures.SignMutable(_keys, 1, new byte[] { 1 });
        Assert.Null(Ask(HyperCommand.MutablePut, _topic, token, new MutablePutRequest(_keys.PublicKey, record).ToBytes()));
        Assert.Null(Ask(HyperCommand.MutablePut, _server, token, new MutablePutRequest(_keys.PublicKey, record with { Sequence = 2 }).ToBytes()));
        Assert.Null(Ask(HyperCommand.ImmutablePut, _topic, token, [1, 2, 3]));
        Assert.Null(_keeper.Commands.Records);
    }

    [Fact]
    public void An_announcement_and_a_farewell_are_answered_bare_and_a_miss_with_a_token()
    {
        DhtReply miss = Ask(HyperCommand.Lookup, _topic)!;
        Assert.NotNull(miss.Token);
        Assert.Null(miss.Value);
        Assert.NotEmpty(miss.CloserNodes);
        DhtReply announced = Ask(HyperCommand.Announce, _topic, miss.Token, Announcement(_topic, miss.Token!.Value).ToBytes())!;
        Assert.Null(announced.Token);
        Assert.Empty(announced.CloserNodes);
        Assert.NotNull(Ask(HyperCommand.Lookup, _topic)!.Value);

        var peer = new Peer(_keys.PublicKey, []);
        var farewell = new AnnounceRequest
        {
            Peer = peer,
            Signature = RecordSignatures.SignUnannounce(_keys, _topic, _keeper.Node.TableId, miss.Token!.Value, peer),
        };
        DhtReply gone = Ask(HyperCommand.Unannounce, _topic, miss.Token, farewell.ToBytes())!;
        Assert.Null(gone.Token);
        Assert.Empty(gone.CloserNodes);
        Assert.Null(Ask(HyperCommand.Lookup, _topic)!.Value);
    }

    [Fact]
    public void A_false_token_is_an_error_and_one_of_another_host_is_false()
    {
        HyperDht thief = _cluster.JoinEphemeral(2);
        Hash token = TokenFor(_topic);
        byte[] announce = Announcement(_topic, token).ToBytes();
        Assert.Equal(DhtErrors.InvalidToken, Ask(HyperCommand.Announce, _topic, _topic, announce)!.Error);
        DhtReply? stolen = _cluster.Run(thief.Node.RequestAsync(
            new DhtRequest { To = KeeperAddress, Command = (uint)HyperCommand.Announce, Target = _topic, Token = token, Value = announce },
            thief.Node.Scope));
        Assert.Equal(DhtErrors.InvalidToken, stolen!.Error);
        Assert.Null(_keeper.Commands.Records);

        // The token holds for some seconds: an announcement that was recorded can't be played back later, nor elsewhere.
        _cluster.Wait(TimeSpan.FromMinutes(1));
        Assert.Equal(DhtErrors.InvalidToken, Ask(HyperCommand.Announce, _topic, token, announce)!.Error);
    }

    [Fact]
    public void Whoever_shows_what_was_promised_announces_again_without_signing()
    {
        Hash last = HyperCluster.Target(100);
        Hash middle = Blake2b.Hash256(last.AsSpan());
        Hash first = Blake2b.Hash256(middle.AsSpan());
        Hash token = TokenFor(_topic);
        var peer = new Peer(_keys.PublicKey, []);
        var announce = new AnnounceRequest
        {
            Peer = peer,
            Refresh = first,
            Signature = RecordSignatures.SignAnnounce(_keys, _topic, _keeper.Node.TableId, token, peer, first),
        };
        Assert.NotNull(Ask(HyperCommand.Announce, _topic, token, announce.ToBytes()));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token, new AnnounceRequest { Refresh = last }.ToBytes()));
        _cluster.Wait(TimeSpan.FromMinutes(14));
        token = TokenFor(_topic);
        Assert.NotNull(Ask(HyperCommand.Announce, _topic, token, new AnnounceRequest { Refresh = middle }.ToBytes()));
        Assert.Null(Ask(HyperCommand.Announce, _topic, token, new AnnounceRequest { Refresh = middle }.ToBytes()));
        Assert.NotNull(Ask(HyperCommand.Announce, _topic, token, new AnnounceRequest { Refresh = last }.ToBytes()));
        _cluster.Wait(TimeSpan.FromMinutes(13));
        Assert.NotNull(Ask(HyperCommand.Lookup, _topic)!.Value);
        _cluster.Wait(TimeSpan.FromMinutes(14));
        Assert.Null(Ask(HyperCommand.Lookup, _topic)!.Value);
    }

    [Fact]
    public void A_plugin_hears_requests_of_its_name_and_version()
    {
        var plugin = new EchoPlugin();
        _keeper.Commands.Register(plugin);
        DhtReply? reply = _cluster.Run(_asker.RequestPluginAsync(
            KeeperAddress, new PluginRequest("echo", 3, 1, new byte[] { 1, 2 }), null, null, _asker.Node.Scope));
        Assert.Equal([1, 2], reply!.Value!.Value.ToArray());
        Assert.Null(Ask(HyperCommand.Plugin, null, null, new PluginRequest("echo", 4, 1, null).ToBytes()));
        Assert.Null(Ask(HyperCommand.Plugin, null, null, new PluginRequest("Echo", 3, 1, null).ToBytes()));
        int answers = 0;
        DhtQuery query = _asker.QueryPlugin(_topic, new PluginRequest("echo", 3, 1, new byte[] { 7 }), OperationOptions.Default, _asker.Node.Scope);
        query.OnReply = r => answers += r.Value is null ? 0 : 1;
        _cluster.Run(query.Completion);
        Assert.Equal(1, answers);
    }

    private Hash TokenFor(Hash target) => Ask(HyperCommand.Lookup, target)!.Token!.Value;

    private AnnounceRequest Announcement(Hash target, Hash token)
    {
        var peer = new Peer(_keys.PublicKey, [new DhtAddress(1, 2)]);
        return new AnnounceRequest
        {
            Peer = peer,
            Signature = RecordSignatures.SignAnnounce(_keys, target, _keeper.Node.TableId, token, peer),
        };
    }

    private DhtReply? Ask(HyperCommand command, Hash? target = null, Hash? token = null, byte[]? value = null) =>
        _cluster.Run(_asker.Node.RequestAsync(
            new DhtRequest
            {
                To = KeeperAddress,
                Command = (uint)command,
                Target = target,
                Token = token,
                Value = value is null ? default(ReadOnlyMemory<byte>?) : value,
                Retries = 0,
            },
            _asker.Node.Scope));

    private sealed class EchoPlugin : IHyperPlugin
    {
        public string Name => "echo";

        public ulong Version => 3;

        public void HandleRequest(PluginRequest request, IncomingRequest incoming) => incoming.Reply(request.Value);
    }
}
