using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class RpcLaws
{
    [Fact]
    public void No_bytes_make_the_decoder_throw_and_what_it_takes_has_whole_parts() => Check.That<byte[], byte, byte>((garbage, flags, kind) =>
    {
        byte[] datagram = [(byte)((kind & 1) == 0 ? 0x03 : 0x13), flags, .. garbage];
        for (int length = 0; length <= datagram.Length; length++)
        {
            if (RpcCodec.TryDecode(datagram.AsSpan(0, length), out RpcMessage message)
                && (message.CloserNodes.Length % DhtAddress.Size != 0
                    || message.Id.Length is not (0 or 32)
                    || message.Token.Length is not (0 or 32)
                    || message.Target.Length is not (0 or 32)))
            {
                return false;
            }
        }

        return true;
    }, cases: 300);

    [Fact]
    public void Decode_undoes_encode() => Check.That<byte[], uint, byte>((value, command, fields) =>
    {
        Hash hash = Blake2b.Hash256(value);
        Span<byte> output = new byte[RpcCodec.MaxOverhead + value.Length];
        int length = RpcCodec.EncodeRequest(
            output,
            (ushort)command,
            new DhtAddress(command, fields),
            (fields & 1) != 0 ? hash : null,
            (fields & 2) != 0 ? hash : null,
            (fields & 4) != 0,
            command,
            (fields & 8) != 0 ? hash : null,
            (fields & 16) != 0,
            value);
        bool isWhole = RpcCodec.TryDecode(output[..length], out RpcMessage message)
            && message.Command == command
            && message.IsInternal == ((fields & 4) != 0)
            && message.Id.SequenceEqual((fields & 1) != 0 ? hash.AsSpan() : default)
            && message.Token.SequenceEqual((fields & 2) != 0 ? hash.AsSpan() : default)
            && message.Target.SequenceEqual((fields & 8) != 0 ? hash.AsSpan() : default)
            && message.Value.SequenceEqual((fields & 16) != 0 ? value : default);
        for (int cut = 0; cut < length; cut++)
        {
            isWhole &= !RpcCodec.TryDecode(output[..cut], out _);
        }

        return isWhole;
    });

    [Fact]
    public void No_datagram_makes_a_node_throw() => Check.That<byte[], byte, byte>((garbage, flags, kind) =>
    {
        var cluster = new DhtCluster(2, seed: flags);
        DhtNode node = cluster.Nodes[0];
        _ = node.PingAsync(cluster.Nodes[1].PublicAddress!.Value, node.Scope);
        for (int tid = 0; tid < 4; tid++)
        {
            byte[] datagram = [(byte)((kind & 1) == 0 ? 0x03 : 0x13), (byte)(flags + tid), .. garbage];
            node.HandleDatagram(datagram, node.ServerSocket, new DhtAddress(0x0a00_0005, 7), cluster.Net.Now);
            node.HandleDatagram(datagram, node.ClientSocket, cluster.Nodes[1].PublicAddress!.Value, cluster.Net.Now);
        }

        cluster.Net.Run(TimeSpan.FromSeconds(1));
        return true;
    }, cases: 150);

    [Fact]
    public void The_same_seed_is_the_same_run()
    {
        Assert.Equal(Digest(5), Digest(5));
        Assert.NotEqual(Digest(5), Digest(6));

        static Hash Digest(ulong seed)
        {
            Hash digest = default;
            var cluster = new DhtCluster(12, seed);
            cluster.Net.Loss = 0.1;
            cluster.Net.Tap = (bytes, from, to) => digest = Blake2b.Hash256([.. digest.ToArray(), .. bytes, (byte)from.Host, (byte)to.Host]);
            cluster.Net.Run(TimeSpan.FromMinutes(3));
            return digest;
        }
    }
}
