using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

/// <summary>Messages as hypercore's own encoder writes them: <c>tests/vectors/replication.mjs</c>.</summary>
public sealed class MessageVectorsTests
{
    private static readonly JsonElement File = Vectors.Load("replication.json");

    public static TheoryData<string, int> Messages()
    {
        var data = new TheoryData<string, int>();
        foreach (JsonProperty list in File.EnumerateObject().Where(list => list.Name is not "handshake"))
        {
            for (int i = 0; i < list.Value.GetArrayLength(); i++)
            {
                data.Add(list.Name, i);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_is_written_as_upstream_writes_it(string name, int number)
    {
        JsonElement vector = File.GetProperty(name)[number];

        Assert.Equal(vector.Text("bytes"), Hex(Make(name, vector.GetProperty("message"))));
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_of_upstream_is_read_in_full(string name, int number)
    {
        JsonElement vector = File.GetProperty(name)[number];
        byte[] bytes = vector.Hex("bytes");
        ReplicationMessage expected = Make(name, vector.GetProperty("message"));

        Assert.True(ReplicationCodec.TryDecode((ulong)expected.Type, bytes, out ReplicationMessage? message));
        Assert.Equal(expected.GetType(), message!.GetType());
        Assert.Equal(vector.Text("bytes"), Hex(message));
    }

    [Fact]
    public void A_handshake_is_written_and_read_as_upstream_does()
    {
        foreach (JsonElement vector in File.Items("handshake"))
        {
            JsonElement fields = vector.GetProperty("message");
            var handshake = new Handshake(fields.GetProperty("seeks").GetBoolean(), new Hash(fields.Hex("capability")));
            var output = new ArrayBufferWriter<byte>();
            var writer = new CompactWriter(output);
            handshake.Encode(ref writer);
            var reader = new CompactReader(output.WrittenSpan);

            Assert.Equal(vector.Text("bytes"), Convert.ToHexStringLower(output.WrittenSpan));
            Assert.True(Handshake.TryDecode(ref reader, out Handshake decoded));
            Assert.Equal(handshake, decoded);
        }
    }

    private static string Hex(ReplicationMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new CompactWriter(output);
        message.Encode(ref writer);
        return Convert.ToHexStringLower(output.WrittenSpan);
    }

    private static ReplicationMessage Make(string name, JsonElement m) => name switch
    {
        "sync" => new SyncMessage
        {
            Fork = m.Number("fork"),
            Length = m.Number("length"),
            RemoteLength = m.Number("remoteLength"),
            CanUpgrade = Flag(m, "canUpgrade"),
            IsUploading = Flag(m, "uploading"),
            IsDownloading = Flag(m, "downloading"),
            HasManifest = Flag(m, "hasManifest"),
            AllowsPush = Flag(m, "allowPush"),
        },
        "request" => new RequestMessage(
            m.Number("id"),
            new ProofRequest
            {
                Fork = m.Number("fork"),
                Block = Part(m, "block", b => new BlockRequest(b.Number("index"), b.Number("nodes"))),
                Hash = Part(m, "hash", b => new HashRequest(b.Number("index"), b.Number("nodes"))),
                Seek = Part(m, "seek", b => new SeekRequest(b.Number("bytes"), b.Number("padding"))),
                Upgrade = Part(m, "upgrade", b => new UpgradeRequest(b.Number("start"), b.Number("length"))),
                Manifest = Flag(m, "manifest"),
            },
            m.Number("priority")),
        "cancel" => new CancelMessage(m.Number("request")),
        "data" => new DataMessage(
            m.Number("request"),
            new Proof
            {
                Fork = m.Number("fork"),
                Block = Part(m, "block", b => new BlockProof(b.Number("index"), b.Hex("value"), Nodes(b, "nodes"))),
                Hash = Part(m, "hash", b => new HashProof(b.Number("index"), Nodes(b, "nodes"))),
                Seek = Part(m, "seek", b => new SeekProof(b.Number("bytes"), Nodes(b, "nodes"))),
                Upgrade = Part(m, "upgrade", b => new UpgradeProof(
                    b.Number("start"), b.Number("length"), Nodes(b, "nodes"), Nodes(b, "additionalNodes"), b.Hex("signature"))),
                Manifest = m.GetProperty("manifest").ValueKind == JsonValueKind.Null
                    ? null
                    : Manifest.ForSigner(new PublicKey(m.GetProperty("manifest").GetProperty("signers")[0].Hex("publicKey"))),
            }),
        "noData" => new NoDataMessage(m.Number("request"), (NoDataReason)m.Number("reason")),
        "want" => new WantMessage(m.Number("start"), m.Number("length"), Flag(m, "any")),
        "unwant" => new UnwantMessage(m.Number("start"), m.Number("length"), Flag(m, "any")),
        "bitfield" => new BitfieldMessage(m.Number("start"), Words(m)),
        "range" => new RangeMessage(m.Number("start"), m.Number("length"), Flag(m, "drop")),
        "extension" => new ExtensionMessage(m.Text("name"), m.Hex("message")),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such message."),
    };

    private static bool Flag(JsonElement m, string name) => m.GetProperty(name).GetBoolean();

    private static T? Part<T>(JsonElement m, string name, Func<JsonElement, T> make)
        where T : struct =>
        m.GetProperty(name) is { ValueKind: JsonValueKind.Object } part ? make(part) : null;

    private static TreeNode[] Nodes(JsonElement m, string name) =>
        [.. m.Items(name).Select(n => new TreeNode(n.Number("index"), n.Number("size"), new Hash(n.Hex("hash"))))];

    private static byte[] Words(JsonElement m)
    {
        uint[] words = [.. m.Items("bitfield").Select(word => word.GetUInt32())];
        var bytes = new byte[4 * words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 * i), words[i]);
        }

        return bytes;
    }
}
