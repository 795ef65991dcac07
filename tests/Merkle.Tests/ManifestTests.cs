using System.Text.Json;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Merkle.Tests;

public class ManifestTests
{
    private static readonly JsonElement Vector = Vectors.Load("manifest.json");

    [Fact]
    public void Manifests_of_JavaScript_decode_encode_and_hash_to_the_same_key()
    {
        foreach (JsonElement entry in Vector.Items("manifests"))
        {
            Manifest manifest = Decode(entry.Hex("encoded"));
            Assert.Equal(entry.Hex("encoded"), manifest.ToArray());
            Assert.Equal(entry.Hex("key"), manifest.ToKey().ToArray());
            Assert.True(manifest.Describes(manifest.ToKey()));
        }
    }

    [Fact]
    public void The_manifest_of_one_signer_is_that_of_JavaScript()
    {
        using KeyPair pair = KeyPair.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());
        JsonElement expected = Vector.Items("manifests").Single(m => m.GetProperty("name").GetString() == "default");
        Assert.Equal(expected.Hex("encoded"), Manifest.ForSigner(pair.PublicKey).ToArray());
    }

    [Fact]
    public void A_feed_whose_key_is_its_only_signer_is_of_the_old_kind()
    {
        using KeyPair pair = KeyPair.FromSeed(new byte[32]);
        Manifest manifest = Manifest.ForSigner(pair.PublicKey);
        var key = new FeedKey(pair.PublicKey.AsSpan());
        Assert.True(manifest.IsCompat(key));
        Assert.True(manifest.Describes(key));
        Assert.False(manifest.IsCompat(manifest.ToKey()));
    }

    [Fact]
    public void Signatures_hold_where_they_hold_in_JavaScript()
    {
        foreach (JsonElement entry in Vector.Items("signatures"))
        {
            Manifest manifest = Decode(entry.Hex("manifest"));
            (TreeHead head, _) = Blocks.Tree(
                entry.GetProperty("length").GetUInt64(), entry.GetProperty("fork").GetUInt64());
            bool isValid = FeedSignature.Verify(new FeedKey(entry.Hex("key")), manifest, head, entry.Hex("signature"));
            Assert.True(entry.GetProperty("valid").GetBoolean() == isValid, entry.GetProperty("name").GetString());
        }
    }

    [Fact]
    public void A_single_signer_signs_the_bytes_that_JavaScript_signs()
    {
        using KeyPair pair = KeyPair.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());
        string[] single = ["default", "compat", "compat version 0", "version 0", "version 0 namespace", "linked"];
        foreach (JsonElement entry in Vector.Items("signatures").Where(s => single.Contains(s.GetProperty("name").GetString())))
        {
            (TreeHead head, _) = Blocks.Tree(
                entry.GetProperty("length").GetUInt64(), entry.GetProperty("fork").GetUInt64());
            byte[]? signature = FeedSignature.Sign(
                new FeedKey(entry.Hex("key")), Decode(entry.Hex("manifest")), head, pair);
            Assert.Equal(entry.Hex("signature"), signature);
        }
    }

    [Fact]
    public void Who_is_no_signer_or_not_enough_signs_nothing()
    {
        using KeyPair one = KeyPair.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());
        using KeyPair other = KeyPair.FromSeed(Enumerable.Repeat((byte)9, 32).ToArray());
        Manifest single = Manifest.ForSigner(one.PublicKey);
        var both = new Manifest { Quorum = 2, Signers = [single.Signers[0], Manifest.ForSigner(other.PublicKey).Signers[0]] };
        Assert.Null(FeedSignature.Sign(single.ToKey(), single, TreeHead.Empty(0), other));
        Assert.Null(FeedSignature.Sign(both.ToKey(), both, TreeHead.Empty(0), one));
    }

    [Fact]
    public void Garbage_is_no_manifest_and_no_signature_and_never_throws()
    {
        JsonElement[] manifests = [.. Vector.Items("manifests")];
        (TreeHead head, _) = Blocks.Tree(5);
        Check.That<byte[], byte, ushort>((garbage, which, at) =>
        {
            byte[] bytes = manifests[which % manifests.Length].Hex("encoded");
            Manifest manifest = Decode(bytes);
            bool isRefused = !FeedSignature.Verify(manifest.ToKey(), manifest, head, garbage);
            bytes[at % bytes.Length] ^= (byte)(1 + (garbage.Length % 255));
            var reader = new CompactReader(bytes);
            Manifest.TryDecode(ref reader, out _);
            reader = new CompactReader(garbage);
            Manifest.TryDecode(ref reader, out _);
            return isRefused;
        });
    }

    private static Manifest Decode(byte[] bytes)
    {
        var reader = new CompactReader(bytes);
        Assert.True(Manifest.TryDecode(ref reader, out Manifest? manifest));
        Assert.True(reader.IsAtEnd);
        return manifest!;
    }
}
