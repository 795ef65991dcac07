using HyperActors.TestKit;

namespace HyperActors.Crypto.Tests;

public class CipherLaws
{
    [Fact]
    public void Two_ends_agree_on_one_secret_and_a_third_does_not() => Check.That<ulong>(seed =>
    {
        RandomSource random = RandomSource.Seeded(seed);
        using KeyPair a = KeyPair.Generate(random);
        using KeyPair b = KeyPair.Generate(random);
        using KeyPair c = KeyPair.Generate(random);
        Span<byte> ab = stackalloc byte[32];
        Span<byte> ba = stackalloc byte[32];
        Span<byte> cb = stackalloc byte[32];
        return Ed25519.TryDiffieHellman(a.SecretKey, b.PublicKey.AsSpan(), ab)
            && Ed25519.TryDiffieHellman(b.SecretKey, a.PublicKey.AsSpan(), ba)
            && Ed25519.TryDiffieHellman(c.SecretKey, b.PublicKey.AsSpan(), cb)
            && ab.SequenceEqual(ba) && !ab.SequenceEqual(cb);
    });

    [Fact]
    public void A_remote_key_of_any_bytes_never_throws() => Check.That<byte[]>(bytes =>
    {
        using KeyPair pair = KeyPair.FromSeed(new byte[32]);
        byte[] padded = new byte[32];
        bytes.AsSpan(0, Math.Min(bytes.Length, 32)).CopyTo(padded);
        _ = Ed25519.TryDiffieHellman(pair.SecretKey, padded, new byte[32]);
        return bytes.Length == 32 || !Ed25519.TryDiffieHellman(pair.SecretKey, bytes, new byte[32]);
    });

    [Fact]
    public void A_signature_with_one_bit_flipped_is_refused() => Check.That<ulong, byte[]>((seed, message) =>
    {
        RandomSource random = RandomSource.Seeded(seed);
        using KeyPair pair = KeyPair.Generate(random);
        byte[] signature = new byte[Ed25519.SignatureSize];
        pair.Sign(message, signature);
        bool accepted = Ed25519.Verify(signature, message, pair.PublicKey);
        int bit = random.NextInt32(signature.Length * 8);
        signature[bit / 8] ^= (byte)(1 << (bit % 8));
        return accepted && !Ed25519.Verify(signature, message, pair.PublicKey);
    });

    [Fact]
    public void A_signature_of_another_length_is_refused() => Check.That<byte[]>(
        bytes => !Ed25519.Verify(bytes, "message"u8, KeyPair.FromSeed(new byte[32]).PublicKey));

    [Fact]
    public void A_sealed_message_with_one_bit_flipped_is_refused() => Check.That<ulong, byte[]>((seed, message) =>
    {
        RandomSource random = RandomSource.Seeded(seed);
        byte[] key = new byte[32];
        byte[] nonce = new byte[12];
        random.Fill(key);
        random.Fill(nonce);
        byte[] output = new byte[message.Length + ChaCha20Poly1305Ietf.TagSize];
        byte[] opened = new byte[message.Length];
        ChaCha20Poly1305Ietf.Encrypt(key, nonce, "data"u8, message, output);
        bool accepted = ChaCha20Poly1305Ietf.TryDecrypt(key, nonce, "data"u8, output, opened) && opened.AsSpan().SequenceEqual(message);
        bool otherData = ChaCha20Poly1305Ietf.TryDecrypt(key, nonce, "dato"u8, output, opened);
        output[random.NextInt32(output.Length)] ^= 1;
        return accepted && !otherData && !ChaCha20Poly1305Ietf.TryDecrypt(key, nonce, "data"u8, output, opened);
    });

    [Fact]
    public void A_sealed_message_too_short_for_its_tag_is_refused() =>
        Assert.False(ChaCha20Poly1305Ietf.TryDecrypt(new byte[32], new byte[12], [], new byte[15], []));

    [Fact]
    public void A_stream_carries_messages_in_order_and_in_place() => Check.That<ulong, byte[][]>((seed, messages) =>
    {
        (SecretStreamPush push, SecretStreamPull pull) = Pair(seed);
        foreach (byte[] message in messages)
        {
            // In place, as a link does it: the plaintext one byte behind the ciphertext's first.
            byte[] frame = new byte[message.Length + SecretStream.Overhead];
            Span<byte> plaintext = frame.AsSpan(SecretStream.PlaintextOffset, message.Length);
            message.CopyTo(plaintext);
            push.Push(plaintext, frame);
            if (!pull.TryPull(frame, plaintext) || !plaintext.SequenceEqual(message))
            {
                return false;
            }
        }

        return true;
    });

    [Fact]
    public void A_stream_refuses_a_message_that_was_forged_repeated_or_left_out() => Check.That<ulong>(seed =>
    {
        (SecretStreamPush push, SecretStreamPull pull) = Pair(seed);
        byte[] first = new byte[5 + SecretStream.Overhead];
        byte[] second = new byte[5 + SecretStream.Overhead];
        byte[] opened = new byte[5];
        push.Push("first"u8, first);
        push.Push("other"u8, second);

        byte[] forged = [.. first];
        forged[RandomSource.Seeded(seed).NextInt32(forged.Length)] ^= 4;
        return !pull.TryPull(second, opened)
            && !pull.TryPull(forged, opened)
            && pull.TryPull(first, opened)
            && !pull.TryPull(first, opened)
            && pull.TryPull(second, opened)
            && opened.AsSpan().SequenceEqual("other"u8);
    });

    [Fact]
    public void A_stream_refuses_what_is_too_short_to_be_a_message()
    {
        (_, SecretStreamPull pull) = Pair(1);
        for (int length = 0; length < SecretStream.Overhead; length++)
        {
            Assert.False(pull.TryPull(new byte[length], []));
        }
    }

    private static (SecretStreamPush Push, SecretStreamPull Pull) Pair(ulong seed)
    {
        RandomSource random = RandomSource.Seeded(seed);
        byte[] key = new byte[SecretStream.KeySize];
        byte[] header = new byte[SecretStream.HeaderSize];
        random.Fill(key);
        random.Fill(header);
        return (new SecretStreamPush(key, header), new SecretStreamPull(key, header));
    }
}
