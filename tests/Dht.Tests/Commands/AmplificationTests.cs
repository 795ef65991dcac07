using HyperActors.Crypto;

namespace HyperActors.Dht.Tests;

public class AmplificationTests
{
    private const int Nodes = 30;

    // The table of docs/hyperdht.md#what-a-strangers-request-costs-others: bytes out for a byte in, at the worst.
    [Theory]
    [InlineData(HyperCommand.Lookup, 29)]
    [InlineData(HyperCommand.FindPeer, 6)]
    [InlineData(HyperCommand.ImmutableGet, 29)]
    [InlineData(HyperCommand.MutableGet, 30)]
    public void An_answer_without_a_token_is_at_most_so_much_larger_than_its_request(HyperCommand command, int bound)
    {
        var cluster = new HyperCluster(Nodes);
        HyperDht node = cluster.JoinEphemeral();
        using KeyPair keys = HyperCluster.Keys(1);
        DhtAddress[] relays = [new(1, 1), new(2, 2), new(3, 3), new(4, 4)];
        Hash topic = HyperCluster.Target(3);
        Hash server = HyperCluster.TargetOf(keys);
        for (int i = 0; i < 25; i++)
        {
            using KeyPair other = HyperCluster.Keys(100 + i);
            cluster.Announce(node, topic, other, relays);
        }

        cluster.Announce(node, server, keys, relays);
        byte[] value = new byte[1000];
        Hash hash = cluster.Run(node.PutImmutableAsync(value, OperationOptions.Default, node.Node.Scope)).Target;
        cluster.Run(node.PutMutableAsync(keys, 1, value, OperationOptions.Default, node.Node.Scope));
        Hash target = command switch
        {
            HyperCommand.Lookup => topic,
            HyperCommand.ImmutableGet => hash,
            _ => server,
        };
        long received = 0;
        long sent = 0;
        cluster.Net.Tap = (bytes, _, _) =>
        {
            received += bytes[0] == 0x03 ? bytes.Length : 0;
            sent += bytes[0] == 0x13 ? bytes.Length : 0;
        };
        DhtAddress keeper = cluster.Nodes
            .Where(n => n.Commands.Records is { Announcements: > 20, Forwards: > 0, Immutables: > 0, Mutables: > 0 })
            .Select(n => n.Node.ServerLocal)
            .First();
        DhtReply? reply = cluster.Run(node.Node.RequestAsync(
            new DhtRequest { To = keeper, Command = (uint)command, Target = target, Value = new byte[] { 0 }, Retries = 0 }, node.Node.Scope));
        Assert.NotNull(reply!.Value);
        Assert.InRange((double)sent / received, bound / 2.0, bound);
    }
}
