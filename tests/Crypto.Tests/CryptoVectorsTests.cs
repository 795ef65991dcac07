using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Crypto.Tests;

/// <summary>Our hashes, keys, signatures and ciphers are those of the JavaScript stack.</summary>
public class CryptoVectorsTests
{
    private static readonly JsonElement Crypto = Vectors.Load("crypto.json");

    [Fact]
    public void Blake2b_hashes_as_JavaScript_does()
    {
        foreach (JsonElement vector in Crypto.Items("blake2b"))
        {
            byte[] input = vector.Hex("input");
            byte[] key = vector.Hex("key");
            byte[] expected = vector.Hex("hash");
            byte[] output = new byte[expected.Length];

            Blake2b.Keyed(key, input, output);
            Assert.Equal(expected, output);

            int cut = input.Length / 3;
            output.AsSpan().Clear();
            Blake2b.Concat(key, input.AsSpan(0, cut), input.AsSpan(cut, cut), input.AsSpan(2 * cut), output);
            Assert.Equal(expected, output);

            if (key.Length == 0)
            {
                Blake2b.Hash(input, output);
                Assert.Equal(expected, output);
                Blake2b.Concat(input.AsSpan(0, cut), input.AsSpan(cut), output);
                Assert.Equal(expected, output);
            }
        }
    }

    [Fact]
    public void A_leaf_is_that_of_JavaScript()
    {
        JsonElement trees = Crypto.GetProperty("trees");
        foreach ((JsonElement block, JsonElement leaf) in trees.Items("blocks").Zip(trees.Items("leaves")))
        {
            Assert.Equal(leaf.GetString(), TreeHash.Leaf(block.Hex()).ToString());
        }
    }

    [Fact]
    public void A_parent_is_that_of_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("parents"))
        {
            JsonElement left = vector.GetProperty("left");
            JsonElement right = vector.GetProperty("right");
            Hash parent = TreeHash.Parent(
                left.Number("size"), new Hash(left.Hex("hash")), right.Number("size"), new Hash(right.Hex("hash")));
            Assert.Equal(vector.Text("hash"), parent.ToString());
        }
    }

    [Fact]
    public void A_tree_hash_is_that_of_JavaScript_at_every_length()
    {
        foreach (JsonElement vector in Crypto.GetProperty("trees").Items("lengths"))
        {
            (Hash, ulong, ulong)[] roots =
                [.. vector.Items("roots").Select(r => (new Hash(r.Hex("hash")), r.Number("index"), r.Number("size")))];
            Assert.Equal(vector.Text("hash"), TreeHash.Tree(roots).ToString());
        }
    }

    [Fact]
    public void A_key_pair_grows_from_its_seed_as_in_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("keyPairs"))
        {
            using KeyPair pair = KeyPair.FromSeed(vector.Hex("seed"));
            Assert.Equal(vector.Text("publicKey"), pair.PublicKey.ToHex());
            Assert.Equal(vector.Text("secretKey"), Convert.ToHexStringLower(pair.SecretKey.AsSpan()));
            Assert.Equal(vector.Text("text"), pair.PublicKey.ToString());
            Assert.Equal(vector.Text("discoveryKey"), new FeedKey(pair.PublicKey.AsSpan()).ToDiscoveryKey().ToHex());
        }
    }

    [Fact]
    public void A_signature_is_that_of_JavaScript_and_verifies()
    {
        foreach (JsonElement vector in Crypto.Items("keyPairs"))
        {
            using KeyPair pair = KeyPair.FromSeed(vector.Hex("seed"));
            foreach (JsonElement signed in vector.Items("signatures"))
            {
                byte[] signature = new byte[Ed25519.SignatureSize];
                pair.Sign(signed.Hex("message"), signature);
                Assert.Equal(signed.Text("signature"), Convert.ToHexStringLower(signature));
                Assert.True(Ed25519.Verify(signature, signed.Hex("message"), pair.PublicKey));
            }
        }
    }

    [Fact]
    public void A_signature_over_a_tree_is_that_of_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("treeSignatures"))
        {
            using KeyPair pair = KeyPair.FromSeed(vector.Hex("secretKeySeed"));
            byte[] signature = new byte[Ed25519.SignatureSize];
            pair.Sign(vector.Hex("signable"), signature);

            // Version 1 wraps it: one proof, of signer 0; behind it no patch and no nodes.
            byte[] stored = vector.Hex("signature");
            Assert.Equal(
                stored,
                stored.Length == Ed25519.SignatureSize ? signature : [1, 0, .. signature, 0, 0]);
        }
    }

    [Fact]
    public void A_shared_secret_is_that_of_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("diffieHellman"))
        {
            using KeyPair pair = KeyPair.FromSeed(vector.Hex("seed"));
            byte[] shared = new byte[Ed25519.SharedSecretSize];
            Assert.True(Ed25519.TryDiffieHellman(pair.SecretKey, vector.Hex("remotePublicKey"), shared));
            Assert.Equal(vector.Text("shared"), Convert.ToHexStringLower(shared));
        }
    }

    [Fact]
    public void A_point_that_JavaScript_refuses_gives_no_shared_secret()
    {
        using KeyPair pair = KeyPair.FromSeed(new byte[KeyPair.SeedSize]);
        byte[] shared = new byte[Ed25519.SharedSecretSize];
        Assert.NotEmpty(Crypto.Items("refusedPoints"));
        foreach (JsonElement point in Crypto.Items("refusedPoints"))
        {
            Assert.False(Ed25519.TryDiffieHellman(pair.SecretKey, point.Hex(), shared), point.GetString());
        }
    }

    [Fact]
    public void Namespaces_are_those_of_JavaScript()
    {
        JsonElement expected = Crypto.GetProperty("namespaces");
        AssertNamespace(nameof(Namespaces.Tree), Namespaces.Tree);
        AssertNamespace(nameof(Namespaces.ReplicateInitiator), Namespaces.ReplicateInitiator);
        AssertNamespace(nameof(Namespaces.ReplicateResponder), Namespaces.ReplicateResponder);
        AssertNamespace(nameof(Namespaces.Manifest), Namespaces.Manifest);
        AssertNamespace(nameof(Namespaces.DefaultNamespace), Namespaces.DefaultNamespace);
        AssertNamespace(nameof(Namespaces.DefaultEncryption), Namespaces.DefaultEncryption);
        AssertNamespace(nameof(Namespaces.StreamInitiator), Namespaces.StreamInitiator);
        AssertNamespace(nameof(Namespaces.StreamResponder), Namespaces.StreamResponder);
        AssertNamespace(nameof(Namespaces.StreamSend), Namespaces.StreamSend);
        AssertNamespace(nameof(Namespaces.Corestore), Namespaces.Corestore);
        Assert.Equal(10, expected.EnumerateObject().Count());

        void AssertNamespace(string name, ReadOnlySpan<byte> value) =>
            Assert.Equal(expected.Text(name), Convert.ToHexStringLower(value));
    }

    [Fact]
    public void Capabilities_and_stream_ids_are_those_of_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("capabilities"))
        {
            bool isInitiator = vector.GetProperty("isInitiator").GetBoolean();
            byte[] handshakeHash = vector.Hex("handshakeHash");
            Hash capability = Capability.ForFeed(isInitiator, handshakeHash, new FeedKey(vector.Hex("key")));
            Assert.Equal(vector.Text("capability"), capability.ToString());
            Assert.Equal(vector.Text("streamId"), Capability.StreamId(isInitiator, handshakeHash).ToString());
        }
    }

    [Fact]
    public void The_cipher_of_the_handshake_is_that_of_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("aead"))
        {
            byte[] key = vector.Hex("key");
            byte[] nonce = vector.Hex("nonce");
            byte[] associated = vector.Hex("associatedData");
            byte[] plaintext = vector.Hex("plaintext");
            byte[] ciphertext = vector.Hex("ciphertext");
            byte[] output = new byte[ciphertext.Length];
            byte[] opened = new byte[plaintext.Length];

            ChaCha20Poly1305Ietf.Encrypt(key, nonce, associated, plaintext, output);
            Assert.Equal(ciphertext, output);
            Assert.True(ChaCha20Poly1305Ietf.TryDecrypt(key, nonce, associated, ciphertext, opened));
            Assert.Equal(plaintext, opened);
        }
    }

    [Fact]
    public void The_cipher_of_the_stream_is_that_of_JavaScript()
    {
        foreach (JsonElement vector in Crypto.Items("secretStreams"))
        {
            using var push = new SecretStreamPush(vector.Hex("key"), vector.Hex("header"));
            using var pull = new SecretStreamPull(vector.Hex("key"), vector.Hex("header"));
            foreach (JsonElement message in vector.Items("messages"))
            {
                byte[] plaintext = message.Hex("plaintext");
                byte[] ciphertext = message.Hex("ciphertext");
                byte[] output = new byte[ciphertext.Length];
                byte[] opened = new byte[plaintext.Length];

                push.Push(plaintext, output);
                Assert.Equal(ciphertext, output);
                Assert.True(pull.TryPull(ciphertext, opened));
                Assert.Equal(plaintext, opened);
            }
        }
    }

    [Fact]
    public void Named_key_pairs_are_those_of_Corestore()
    {
        foreach (JsonElement vector in Crypto.Items("derivations"))
        {
            Hash space = CorestoreKeys.RootNamespace;
            foreach (JsonElement name in vector.Items("path"))
            {
                space = CorestoreKeys.ChildNamespace(space, name.GetString()!);
            }

            using KeyPair pair = CorestoreKeys.Derive(vector.Hex("primaryKey"), space, vector.Text("name"));
            Assert.Equal(vector.Text("namespace"), space.ToString());
            Assert.Equal(vector.Text("seed"), Convert.ToHexStringLower(pair.SecretKey.AsSpan()[..KeyPair.SeedSize]));
            Assert.Equal(vector.Text("publicKey"), pair.PublicKey.ToHex());
        }
    }
}
