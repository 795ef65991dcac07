using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class DatagramBoxTests
{
    private static readonly byte[] Hash = [.. Enumerable.Repeat((byte)7, Capability.HandshakeHashSize)];

    [Fact]
    public void The_initiators_key_is_that_of_JavaScript()
    {
        byte[] key = new byte[SecretBox.KeySize];
        Capability.DatagramKey(isInitiator: true, Hash, key);
        Assert.Equal("e6ad7fff510a359f7c6c3a8e3be4a9790b75b131e7134e0a76f204d627ea9783", Convert.ToHexStringLower(key));
    }

    [Fact]
    public void What_one_side_seals_the_other_opens_and_nobody_else() => Check.That<byte[], bool>((message, isInitiator) =>
    {
        using var sender = new DatagramBox(isInitiator, Hash, RandomSource.Seeded(1));
        using var receiver = new DatagramBox(!isInitiator, Hash, RandomSource.Seeded(2));
        byte[] envelope = new byte[message.Length + DatagramBox.Overhead];
        byte[] opened = new byte[message.Length];
        Assert.True(sender.TrySeal(message, envelope));
        return receiver.TryOpen(envelope, opened) && opened.AsSpan().SequenceEqual(message) && !sender.TryOpen(envelope, opened);
    });

    [Fact]
    public void The_counter_goes_up_by_one_for_each_message_until_it_is_where_it_began()
    {
        using var sender = new DatagramBox(true, Hash, new FixedRandom([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
        byte[] envelope = new byte[DatagramBox.Overhead];
        Assert.True(sender.TrySeal([], envelope));
        Assert.Equal("ffffffffffffffff", Convert.ToHexStringLower(envelope.AsSpan(0, 8)));
        Assert.True(sender.TrySeal([], envelope));
        Assert.Equal("0000000000000000", Convert.ToHexStringLower(envelope.AsSpan(0, 8)));
    }

    [Fact]
    public void Garbage_and_what_was_changed_do_not_open() => Check.That<byte[], int>((garbage, position) =>
    {
        using var sender = new DatagramBox(true, Hash, RandomSource.Seeded(1));
        using var receiver = new DatagramBox(false, Hash, RandomSource.Seeded(2));
        byte[] envelope = new byte[garbage.Length + DatagramBox.Overhead];
        sender.TrySeal(garbage, envelope);
        envelope[(position & int.MaxValue) % envelope.Length] ^= 1;
        byte[] message = new byte[garbage.Length];
        byte[] other = new byte[Math.Max(0, garbage.Length - DatagramBox.Overhead)];
        return !receiver.TryOpen(envelope, message) && !receiver.TryOpen(garbage, other);
    });

    [Fact]
    public void A_link_has_messages_once_it_has_keys_and_until_it_is_over()
    {
        byte[] one = new byte[32];
        byte[] two = new byte[32];
        two[0] = 1;
        using KeyPair keys = KeyPair.Generate(RandomSource.Seeded(1));
        using var early = new Link(new LinkOptions(), true, keys, RandomSource.Seeded(1), TimeSpan.Zero);
        Assert.Null(early.SealDatagram([1]));
        Assert.Null(early.OpenDatagram(new byte[40]));

        using var a = new Link(new LinkOptions(), new SessionKeys(true, one, two, Hash, default, default), RandomSource.Seeded(1), TimeSpan.Zero);
        using var b = new Link(new LinkOptions(), new SessionKeys(false, two, one, Hash, default, default), RandomSource.Seeded(2), TimeSpan.Zero);
        byte[] envelope = a.SealDatagram([1, 2, 3])!;
        Assert.Equal([1, 2, 3], b.OpenDatagram(envelope));
        Assert.Empty(a.OpenDatagram(b.SealDatagram([])!)!);
        Assert.Null(b.OpenDatagram([]));
        b.Fail(WireError.ChannelProtocol);
        Assert.Null(b.OpenDatagram(envelope));
        Assert.Null(b.SealDatagram([1]));
    }
}
