using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

public sealed class MessageLaws
{
    [Fact]
    public void Decode_undoes_encode() => Check.That<ulong>(
        seed =>
        {
            ReplicationMessage message = Any(RandomSource.Seeded(seed));
            byte[] bytes = Encode(message);
            Assert.True(ReplicationCodec.TryDecode((ulong)message.Type, bytes, out ReplicationMessage? decoded));
            return Encode(decoded!).AsSpan().SequenceEqual(bytes);
        },
        1000);

    [Fact]
    public void Garbage_never_throws() => Check.That<byte, byte[]>(
        (type, bytes) =>
        {
            ReplicationCodec.TryDecode((ulong)(type % 12), bytes, out _);
            return true;
        },
        3000);

    [Fact]
    public void A_message_cut_short_never_throws_and_one_with_more_behind_it_is_the_same() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            ReplicationMessage message = Any(random);
            byte[] bytes = Encode(message);
            for (int length = 0; length < bytes.Length; length++)
            {
                ReplicationCodec.TryDecode((ulong)message.Type, bytes.AsMemory(0, length), out _);
            }

            // Extensions run to the end; two messages have fields that may be left out.
            if (message is ExtensionMessage or WantMessage or UnwantMessage or NoDataMessage)
            {
                return true;
            }

            byte[] longer = [.. bytes, 1, 2, 3];
            Assert.True(ReplicationCodec.TryDecode((ulong)message.Type, longer, out ReplicationMessage? decoded));
            return Encode(decoded!).AsSpan().SequenceEqual(bytes);
        },
        300);

    [Fact]
    public void A_message_of_an_unknown_type_is_ignored()
    {
        Assert.True(ReplicationCodec.TryDecode(10, new byte[] { 1, 2, 3 }, out ReplicationMessage? message));
        Assert.Null(message);
        Assert.True(ReplicationCodec.TryDecode(ulong.MaxValue, default, out message));
        Assert.Null(message);
    }

    [Fact]
    public void A_block_is_not_copied_when_it_is_decoded()
    {
        byte[] bytes = Encode(new DataMessage(1, new Proof { Block = new BlockProof(3, new byte[1000], []) }));
        Assert.True(ReplicationCodec.TryDecode((ulong)MessageType.Data, bytes, out ReplicationMessage? message));
        ReadOnlyMemory<byte> value = ((DataMessage)message!).Proof.Block!.Value.Value;
        bytes[500] = 0x77;

        Assert.Contains((byte)0x77, value.ToArray());
    }

    [Fact]
    public void A_bitfield_that_promises_more_words_than_it_has_is_refused() =>
        Assert.False(ReplicationCodec.TryDecode((ulong)MessageType.Bitfield, new byte[] { 0, 0xfe, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4 }, out _));

    [Fact]
    public void A_size_that_is_guessed_covers_the_message() => Check.That<ulong>(
        seed =>
        {
            ReplicationMessage message = Any(RandomSource.Seeded(seed));
            return message.ApproximateSize >= Encode(message).Length - 64;
        },
        500);

    internal static ReplicationMessage Any(RandomSource random) => random.NextInt32(10) switch
    {
        0 => new SyncMessage
        {
            Fork = Number(random),
            Length = Number(random),
            RemoteLength = Number(random),
            CanUpgrade = Coin(random),
            IsUploading = Coin(random),
            IsDownloading = Coin(random),
            HasManifest = Coin(random),
            AllowsPush = Coin(random),
        },
        1 => new RequestMessage(Number(random), AnyRequest(random), random.NextUInt64(3)),
        2 => new CancelMessage(Number(random)),
        3 => new DataMessage(random.NextUInt64(20), AnyProof(random)),
        4 => new NoDataMessage(random.NextUInt64(20), (NoDataReason)random.NextInt32(3)),
        5 => new WantMessage(Number(random), Number(random), Coin(random)),
        6 => new UnwantMessage(Number(random), Number(random), Coin(random)),
        7 => new BitfieldMessage(32 * random.NextUInt64(1000), Bytes(random, 4 * random.NextInt32(20))),
        8 => new RangeMessage(Number(random), Number(random), Coin(random)),
        _ => new ExtensionMessage(Coin(random) ? string.Empty : "name", Bytes(random, random.NextInt32(20))),
    };

    private static ProofRequest AnyRequest(RandomSource random) => new()
    {
        Fork = random.NextUInt64(3),
        Block = Coin(random) ? new BlockRequest(Number(random), random.NextUInt64(10)) : null,
        Hash = Coin(random) ? new HashRequest(Number(random), random.NextUInt64(10)) : null,
        Seek = Coin(random) ? new SeekRequest(Number(random), random.NextUInt64(10)) : null,
        Upgrade = Coin(random) ? new UpgradeRequest(Number(random), Number(random)) : null,
        Manifest = Coin(random),
    };

    private static Proof AnyProof(RandomSource random) => new()
    {
        Fork = random.NextUInt64(3),
        Block = Coin(random) ? new BlockProof(Number(random), Bytes(random, random.NextInt32(50)), Nodes(random)) : null,
        Hash = Coin(random) ? new HashProof(Number(random), Nodes(random)) : null,
        Seek = Coin(random) ? new SeekProof(Number(random), Nodes(random)) : null,
        Upgrade = Coin(random)
            ? new UpgradeProof(random.NextUInt64(5), random.NextUInt64(9), Nodes(random), Nodes(random), Bytes(random, 64))
            : null,
        Manifest = Coin(random) ? MemoryFeed.Writer().Manifest : null,
    };

    private static TreeNode[] Nodes(RandomSource random) =>
        [.. Enumerable.Range(0, random.NextInt32(5)).Select(_ => new TreeNode(random.NextUInt64(40), random.NextUInt64(100), new Hash(Bytes(random, 32))))];

    private static byte[] Bytes(RandomSource random, int length)
    {
        var bytes = new byte[length];
        random.Fill(bytes);
        return bytes;
    }

    private static bool Coin(RandomSource random) => random.NextInt32(2) == 0;

    private static ulong Number(RandomSource random) => random.NextInt32(4) switch
    {
        0 => random.NextUInt64(20),
        1 => random.NextUInt64(1 << 20),
        2 => random.NextUInt64(1UL << 53),
        _ => CompactReader.MaxUInt,
    };

    private static byte[] Encode(ReplicationMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new CompactWriter(output);
        message.Encode(ref writer);
        return output.WrittenSpan.ToArray();
    }
}
