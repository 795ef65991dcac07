using System.Buffers;
using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class HandshakeStateTests
{
    public static TheoryData<int> Handshakes => [.. Enumerable.Range(0, Vectors.Load("noise.json").Items("handshakes").Count())];

    [Theory]
    [MemberData(nameof(Handshakes))]
    public void Every_message_key_and_hash_is_that_of_JavaScript(int index)
    {
        JsonElement vector = Vectors.Load("noise.json").Items("handshakes").ElementAt(index);
        (HandshakeState initiator, HandshakeState responder) = Pair(vector);
        (HandshakeState writer, HandshakeState reader) = (initiator, responder);
        foreach (JsonElement message in vector.Items("messages"))
        {
            var bytes = new ArrayBufferWriter<byte>();
            var payload = new ArrayBufferWriter<byte>();
            Assert.True(writer.TryWrite(message.Hex("payload"), bytes));
            Assert.Equal(message.Hex("bytes"), bytes.WrittenSpan.ToArray());
            Assert.True(reader.TryRead(bytes.WrittenSpan, payload));
            Assert.Equal(message.Hex("payload"), payload.WrittenSpan.ToArray());
            (writer, reader) = (reader, writer);
        }

        Assert.True(initiator.IsComplete && responder.IsComplete);
        using SessionKeys ofInitiator = initiator.Split();
        using SessionKeys ofResponder = responder.Split();
        Assert.Equal(vector.Hex("hash"), ofInitiator.HandshakeHash.ToArray());
        Assert.Equal(vector.Hex("hash"), ofResponder.HandshakeHash.ToArray());
        Assert.Equal(vector.Hex("initiatorKey"), ofInitiator.SendKey.ToArray());
        Assert.Equal(vector.Hex("responderKey"), ofInitiator.ReceiveKey.ToArray());
        Assert.Equal(vector.Hex("responderKey"), ofResponder.SendKey.ToArray());
        Assert.Equal(vector.Hex("initiatorKey"), ofResponder.ReceiveKey.ToArray());
        Assert.Equal(ofInitiator.LocalPublicKey, ofResponder.RemotePublicKey);
        Assert.Equal(ofResponder.LocalPublicKey, ofInitiator.RemotePublicKey);
    }

    [Theory]
    [MemberData(nameof(Handshakes))]
    public void A_changed_bit_anywhere_in_any_message_ends_in_no_handshake(int index)
    {
        JsonElement vector = Vectors.Load("noise.json").Items("handshakes").ElementAt(index);
        int messages = vector.Items("messages").Count();
        RandomSource random = RandomSource.Seeded(5);
        for (int changed = 0; changed < messages; changed++)
        {
            int size = vector.Items("messages").ElementAt(changed).Hex("bytes").Length;
            for (int at = 0; at < size; at++)
            {
                Assert.False(Run(vector, changed, bytes => bytes[at] ^= (byte)(1 << random.NextInt32(8))));
            }
        }
    }

    [Fact]
    public void A_message_that_is_cut_is_refused()
    {
        JsonElement vector = Vectors.Load("noise.json").Items("handshakes").First();
        int[] sizes = [32, 96, 64];
        for (int size = 0; size < 32; size++)
        {
            (_, HandshakeState responder) = Pair(vector);
            Assert.False(responder.TryRead(new byte[size], new ArrayBufferWriter<byte>()));
            Assert.False(responder.MayWrite || responder.MayRead || responder.IsComplete);
        }

        Assert.Equal(sizes, vector.Items("messages").Select(message => message.Hex("bytes").Length));
    }

    [Theory]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void A_key_that_is_no_point_of_the_main_subgroup_is_refused(string point)
    {
        JsonElement vector = Vectors.Load("noise.json").Items("handshakes").First();
        (_, HandshakeState responder) = Pair(vector);
        Assert.True(responder.TryRead(Convert.FromHexString(point), new ArrayBufferWriter<byte>()));
        Assert.False(responder.TryWrite(default, new ArrayBufferWriter<byte>()));
        Assert.False(responder.MayRead || responder.MayWrite || responder.IsComplete);
    }

    [Fact]
    public void A_prologue_that_differs_ends_in_no_handshake()
    {
        using KeyPair a = Keys(1);
        using KeyPair b = Keys(2);
        var initiator = new HandshakeState(HandshakePattern.IK, true, "one"u8, a, Keys(3), b.PublicKey);
        var responder = new HandshakeState(HandshakePattern.IK, false, "two"u8, b, Keys(4));
        var message = new ArrayBufferWriter<byte>();
        Assert.True(initiator.TryWrite(default, message));
        Assert.False(responder.TryRead(message.WrittenSpan, new ArrayBufferWriter<byte>()));
    }

    // True when all messages arrive and both ends hold the same keys.
    private static bool Run(JsonElement vector, int changed, Action<byte[]> change)
    {
        (HandshakeState initiator, HandshakeState responder) = Pair(vector);
        (HandshakeState writer, HandshakeState reader) = (initiator, responder);
        for (int i = 0; writer.MayWrite; i++)
        {
            var bytes = new ArrayBufferWriter<byte>();
            if (!writer.TryWrite(vector.Items("messages").ElementAt(i).Hex("payload"), bytes))
            {
                return false;
            }

            byte[] message = bytes.WrittenSpan.ToArray();
            if (i == changed)
            {
                change(message);
            }

            if (!reader.TryRead(message, new ArrayBufferWriter<byte>()))
            {
                return false;
            }

            (writer, reader) = (reader, writer);
        }

        return initiator.IsComplete && responder.IsComplete
            && initiator.Split().HandshakeHash.Span.SequenceEqual(responder.Split().HandshakeHash.Span);
    }

    private static (HandshakeState Initiator, HandshakeState Responder) Pair(JsonElement vector)
    {
        HandshakePattern pattern = string.Equals(vector.Text("pattern"), "XX", StringComparison.Ordinal)
            ? HandshakePattern.XX
            : HandshakePattern.IK;
        byte[] prologue = vector.Hex("prologue");
        JsonElement i = vector.GetProperty("initiator");
        JsonElement r = vector.GetProperty("responder");
        KeyPair responderKeys = KeyPair.FromSeed(r.Hex("static"));
        return (
            new HandshakeState(
                pattern,
                true,
                prologue,
                KeyPair.FromSeed(i.Hex("static")),
                KeyPair.FromSeed(i.Hex("ephemeral")),
                pattern.ResponderIsKnown ? responderKeys.PublicKey : null),
            new HandshakeState(pattern, false, prologue, responderKeys, KeyPair.FromSeed(r.Hex("ephemeral"))));
    }

    private static KeyPair Keys(byte seed) => KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray());
}
