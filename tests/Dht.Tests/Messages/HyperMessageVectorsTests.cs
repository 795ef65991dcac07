using System.Collections.Immutable;
using System.Text.Json;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Wire;

namespace HyperActors.Dht.Tests;

public class HyperMessageVectorsTests
{
    private static readonly JsonElement All = Vectors.Load("hyperdht.json");

    public static TheoryData<int> Messages => Indices("messages");

    public static TheoryData<int> Handshakes => Indices("handshakes");

    public static TheoryData<int> Sealed => Indices("sealed");

    [Theory]
    [MemberData(nameof(Messages))]
    public void Every_message_reads_and_writes_as_in_JavaScript(int index)
    {
        JsonElement vector = All.Items("messages").ElementAt(index);
        JsonElement fields = vector.GetProperty("message");
        byte[] bytes = vector.Hex("bytes");
        var reader = new CompactReader(bytes);
        switch (vector.Text("type"))
        {
            case "peer":
                Assert.True(Peer.TryDecode(ref reader, out Peer peer));
                Assert.Equal(PeerOf(fields), peer);
                Assert.Equal(bytes, peer.ToBytes());
                break;
            case "lookupReply":
                Assert.True(LookupReply.TryDecode(ref reader, out LookupReply lookup));
                Assert.Equal(fields.Items("peers").Select(PeerOf), lookup.Peers);
                Assert.Equal(fields.Number("bump"), lookup.Bump);
                Assert.Equal(bytes, lookup.ToBytes());
                break;
            case "announce":
                Assert.True(AnnounceRequest.TryDecode(ref reader, out AnnounceRequest announce));
                Assert.Equal(IsNull(fields, "peer") ? null : PeerOf(fields.GetProperty("peer")), announce.Peer);
                Assert.Equal(HashOf(fields, "refresh"), announce.Refresh);
                Assert.Equal(
                    IsNull(fields, "signature") ? null : fields.Hex("signature"), announce.Signature?.AsSpan().ToArray());
                Assert.Equal(IsNull(fields, "bump") ? 0 : fields.Number("bump"), announce.Bump);
                Assert.Equal(bytes, announce.ToBytes());
                break;
            case "mutablePutRequest":
                Assert.True(MutablePutRequest.TryDecode(ref reader, out MutablePutRequest put));
                Assert.Equal(fields.Hex("publicKey"), put.PublicKey.ToArray());
                Assert.Equal(fields.Hex("value"), put.Record.Value.ToArray());
                Assert.Equal(bytes, put.ToBytes());
                break;
            case "mutableGetResponse":
                Assert.True(MutableRecord.TryDecode(ref reader, out MutableRecord record));
                Assert.Equal(fields.Number("seq"), record.Sequence);
                Assert.Equal(fields.Hex("value"), record.Value.ToArray());
                Assert.Equal(fields.Hex("signature"), record.Signature.AsSpan().ToArray());
                Assert.Equal(bytes, record.ToBytes());
                break;
            case "pluginRequest":
                Assert.True(PluginRequest.TryDecode(ref reader, out PluginRequest plugin));
                Assert.Equal(fields.Text("plugin"), plugin.Plugin);
                Assert.Equal(fields.Number("version"), plugin.Version);
                Assert.Equal(fields.Number("command"), plugin.Command);
                Assert.Equal(IsNull(fields, "value") ? null : fields.Hex("value"), plugin.Value?.ToArray());
                Assert.Equal(bytes, plugin.ToBytes());
                break;
            case "handshake":
                Assert.True(HandshakeEnvelope.TryDecode(ref reader, out HandshakeEnvelope handshake));
                Assert.Equal(fields.Number("mode"), (ulong)handshake.Mode);
                Assert.Equal(fields.Hex("noise"), handshake.Noise.ToArray());
                Assert.Equal(AddressOf(fields, "peerAddress"), handshake.PeerAddress);
                Assert.Equal(AddressOf(fields, "relayAddress"), handshake.RelayAddress);
                Assert.Equal(bytes, handshake.ToBytes());
                break;
            case "holepunch":
                Assert.True(HolepunchEnvelope.TryDecode(ref reader, out HolepunchEnvelope holepunch));
                Assert.Equal(fields.Number("mode"), (ulong)holepunch.Mode);
                Assert.Equal(fields.Number("id"), holepunch.Id);
                Assert.Equal(fields.Hex("payload"), holepunch.Payload.ToArray());
                Assert.Equal(AddressOf(fields, "peerAddress"), holepunch.PeerAddress);
                Assert.Equal(bytes, holepunch.ToBytes());
                break;
            case "noisePayload":
                Assert.True(NoisePayload.TryDecode(ref reader, out NoisePayload noise));
                AssertNoisePayload(fields, noise);
                Assert.Equal(bytes, noise.ToBytes());
                break;
            case "holepunchPayload":
                Assert.True(HolepunchPayload.TryDecode(ref reader, out HolepunchPayload payload));
                AssertHolepunchPayload(fields, payload);
                Assert.Equal(bytes, payload.ToBytes());
                break;
            default:
                Assert.Fail($"A message that nobody reads: {vector.Text("type")}");
                break;
        }

        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Numbers_and_namespaces_are_those_of_JavaScript()
    {
        Assert.Equal(11, Enum.GetValues<HyperCommand>().Length);
        foreach (HyperCommand command in Enum.GetValues<HyperCommand>())
        {
            Assert.Equal((ulong)command, All.GetProperty("commands").Number(UpperSnake($"{command}")));
        }

        foreach ((HyperError error, string name) in new[]
        {
            (HyperError.None, "NONE"), (HyperError.Aborted, "ABORTED"), (HyperError.VersionMismatch, "VERSION_MISMATCH"),
            (HyperError.TryLater, "TRY_LATER"), (HyperError.SequenceReused, "SEQ_REUSED"), (HyperError.SequenceTooLow, "SEQ_TOO_LOW"),
        })
        {
            Assert.Equal((ulong)error, All.GetProperty("errors").Number(name));
        }

        foreach (Firewall firewall in Enum.GetValues<Firewall>())
        {
            Assert.Equal((ulong)firewall, All.GetProperty("firewalls").Number(UpperSnake($"{firewall}")));
        }

        JsonElement namespaces = All.GetProperty("namespaces");
        Assert.Equal(namespaces.Hex("ANNOUNCE"), Namespaces.DhtAnnounce.ToArray());
        Assert.Equal(namespaces.Hex("UNANNOUNCE"), Namespaces.DhtUnannounce.ToArray());
        Assert.Equal(namespaces.Hex("MUTABLE_PUT"), Namespaces.DhtMutablePut.ToArray());
        Assert.Equal(namespaces.Hex("PEER_HANDSHAKE"), Namespaces.DhtPeerHandshake.ToArray());
        Assert.Equal(namespaces.Hex("PEER_HOLEPUNCH"), Namespaces.DhtPeerHolepunch.ToArray());
        Assert.Equal(namespaces.Hex("PLUGIN"), Namespaces.DhtPlugin.ToArray());
    }

    [Fact]
    public void Announcements_are_signed_and_verified_as_in_JavaScript()
    {
        JsonElement signatures = All.GetProperty("signatures");
        (Hash target, Hash nodeId, Hash token) = (new Hash(signatures.Hex("target")), new Hash(signatures.Hex("nodeId")), new Hash(signatures.Hex("token")));
        foreach (JsonElement vector in signatures.Items("announces"))
        {
            AnnounceRequest request = AnnounceOf(vector);
            using KeyPair keyPair = KeyPair.FromSeed(vector.Hex("seed"));
            Signature signature = RecordSignatures.SignAnnounce(keyPair, target, nodeId, token, request.Peer!, request.Refresh);
            Assert.Equal(vector.Hex("signature"), signature.AsSpan().ToArray());
            Assert.True(RecordSignatures.VerifyAnnounce(request, target, nodeId, token));
            Assert.True(RecordSignatures.VerifyAnnounce(request with { Bump = 1 }, target, nodeId, token));
            Assert.False(RecordSignatures.VerifyUnannounce(request, target, nodeId, token));
            Assert.False(RecordSignatures.VerifyAnnounce(request, nodeId, nodeId, token));
            Assert.False(RecordSignatures.VerifyAnnounce(request, target, target, token));
            Assert.False(RecordSignatures.VerifyAnnounce(request, target, nodeId, target));
            Assert.False(RecordSignatures.VerifyAnnounce(request with { Refresh = target }, target, nodeId, token));
            Assert.False(RecordSignatures.VerifyAnnounce(request with { Signature = null }, target, nodeId, token));
            Assert.False(RecordSignatures.VerifyAnnounce(request with { Peer = null }, target, nodeId, token));
        }

        JsonElement farewell = signatures.GetProperty("unannounce");
        AnnounceRequest unannounce = AnnounceOf(farewell);
        using KeyPair alice = KeyPair.FromSeed(farewell.Hex("seed"));
        Assert.True(RecordSignatures.VerifyUnannounce(unannounce, target, nodeId, token));
        Assert.Equal(unannounce.Signature, RecordSignatures.SignUnannounce(alice, target, nodeId, token, unannounce.Peer!));
    }

    [Fact]
    public void Mutable_values_are_signed_and_verified_as_in_JavaScript()
    {
        foreach (JsonElement vector in All.GetProperty("signatures").Items("mutables"))
        {
            using KeyPair keyPair = KeyPair.FromSeed(vector.Hex("seed"));
            MutableRecord record = RecordSignatures.SignMutable(keyPair, vector.Number("seq"), vector.Hex("value"));
            Assert.Equal(vector.Hex("signature"), record.Signature.AsSpan().ToArray());
            Assert.True(RecordSignatures.VerifyMutable(record, keyPair.PublicKey));
            Assert.False(RecordSignatures.VerifyMutable(record with { Sequence = 2 }, keyPair.PublicKey));
            Assert.False(RecordSignatures.VerifyMutable(record with { Value = new byte[1] }, keyPair.PublicKey));
        }
    }

    [Theory]
    [MemberData(nameof(Handshakes))]
    public void The_handshake_is_that_of_JavaScript_to_the_byte(int index)
    {
        JsonElement vector = All.Items("handshakes").ElementAt(index);
        using KeyPair clientKeys = KeyPair.FromSeed(vector.Hex("clientSeed"));
        using KeyPair serverKeys = KeyPair.FromSeed(vector.Hex("serverSeed"));
        using PeerHandshake client = PeerHandshake.WithEphemeral(
            clientKeys, KeyPair.FromSeed(vector.Hex("clientEphemeralSeed")), serverKeys.PublicKey);
        using PeerHandshake server = PeerHandshake.WithEphemeral(serverKeys, KeyPair.FromSeed(vector.Hex("serverEphemeralSeed")), null);

        Assert.True(client.TryWrite(PayloadOf(vector, "clientPayload"), out byte[] first));
        Assert.Equal(vector.Hex("first"), first);
        Assert.True(server.TryRead(first, out NoisePayload clientPayload));
        Assert.Equal(vector.Hex("clientPayload"), clientPayload.ToBytes());
        Assert.Equal(clientKeys.PublicKey, server.RemotePublicKey);

        Assert.True(server.TryWrite(PayloadOf(vector, "serverPayload"), out byte[] second));
        Assert.Equal(vector.Hex("second"), second);
        Assert.True(client.TryRead(second, out NoisePayload serverPayload));
        Assert.Equal(vector.Hex("serverPayload"), serverPayload.ToBytes());

        Assert.True(client.IsComplete && server.IsComplete);
        using SessionKeys ofClient = client.Split();
        using SessionKeys ofServer = server.Split();
        Assert.Equal(vector.Hex("hash"), ofClient.HandshakeHash.ToArray());
        Assert.Equal(vector.Hex("clientKey"), ofClient.SendKey.ToArray());
        Assert.Equal(vector.Hex("serverKey"), ofServer.SendKey.ToArray());
        Assert.True(ofClient.IsInitiator && !ofServer.IsInitiator);

        RandomSource random = RandomSource.Seeded(1);
        using HolepunchCipher atClient = client.CreateHolepunchCipher(random);
        using var atJavaScript = new HolepunchCipher(vector.Hex("holepunchSecret"), random);
        var payload = new HolepunchPayload { Round = 5 };
        Assert.True(atJavaScript.TryOpen(atClient.Seal(payload), out HolepunchPayload opened));
        Assert.Equal(payload, opened);
    }

    [Theory]
    [MemberData(nameof(Sealed))]
    public void A_sealed_payload_is_that_of_JavaScript(int index)
    {
        JsonElement vector = All.Items("sealed").ElementAt(index);
        byte[] bytes = vector.Hex("bytes");
        using var cipher = new HolepunchCipher(vector.Hex("secret"), RandomSource.Seeded(2));
        Assert.True(cipher.TryOpen(bytes, out HolepunchPayload payload));
        Assert.Equal(vector.Hex("plaintext"), payload.ToBytes());
        Assert.Equal(bytes.Length, cipher.Seal(payload).Length);
        Assert.NotEqual(cipher.Seal(payload), cipher.Seal(payload));
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 1;
            Assert.False(cipher.TryOpen(bytes, out _));
            Assert.False(cipher.TryOpen(bytes.AsSpan(0, i), out _));
            bytes[i] ^= 1;
        }
    }

    [Fact]
    public void A_locator_is_bytes_or_text()
    {
        foreach (JsonElement vector in All.Items("locators"))
        {
            byte[] bytes = vector.Hex("bytes");
            var reader = new CompactReader(bytes);
            Assert.True(PeerLocator.TryDecode(ref reader, out PeerLocator locator));
            Assert.Equal(vector.Hex("key"), locator.PublicKey.ToArray());
            Assert.Equal(IsNull(vector, "nodes"), locator.Nodes is null);
            Assert.Equal(bytes, locator.ToBytes());
            Assert.True(PeerLocator.TryParse(vector.Text("text"), out PeerLocator? parsed));
            Assert.Equal(bytes, parsed.ToBytes());
            Assert.True(PeerLocator.TryParse($"{locator}", out PeerLocator? again));
            Assert.Equal(bytes, again.ToBytes());

            var bare = new CompactReader(bytes.AsSpan(0, PublicKey.Size));
            Assert.True(PeerLocator.TryDecode(ref bare, out PeerLocator key));
            Assert.Null(key.Nodes);
        }

        Assert.False(PeerLocator.TryParse("not an address", out _));
        Assert.False(PeerLocator.TryParse(new string('y', 5000), out _));
    }

    private static void AssertNoisePayload(JsonElement fields, NoisePayload noise)
    {
        Assert.Equal(fields.Number("error"), (ulong)noise.Error);
        Assert.Equal(fields.Number("firewall"), (ulong)noise.Firewall);
        Assert.Equal(fields.Items("addresses4").Select(AddressOf), noise.Addresses);
        Assert.Equal(fields.Items("addresses6").Count() * 18, noise.IPv6Addresses.Length);
        Assert.Equal(IsNull(fields, "holepunch"), noise.Holepunch is null);
        if (noise.Holepunch is { } holepunch)
        {
            Assert.Equal(fields.GetProperty("holepunch").Number("id"), holepunch.Id);
            Assert.Equal(
                fields.GetProperty("holepunch").Items("relays")
                    .Select(relay => new RelayInfo(AddressOf(relay, "relayAddress")!.Value, AddressOf(relay, "peerAddress")!.Value)),
                holepunch.Relays);
        }

        Assert.Equal(IsNull(fields, "udx"), noise.Udx is null);
        if (noise.Udx is { } udx)
        {
            JsonElement expected = fields.GetProperty("udx");
            var made = new UdxInfo((uint)expected.Number("id"), (uint)expected.Number("seq"), expected.GetProperty("reusableSocket").GetBoolean());
            Assert.Equal(made, udx);
        }

        Assert.Equal(IsNull(fields, "secretStream") ? null : 1ul, noise.SecretStreamVersion);
        Assert.Equal(IsNull(fields, "relayThrough") ? null : fields.GetProperty("relayThrough").Hex("token"), noise.RelayThrough?.Token.ToArray());
        Assert.Equal(
            IsNull(fields, "relayAddresses") ? null : fields.Items("relayAddresses").Select(AddressOf), noise.RelayAddresses?.AsEnumerable());
    }

    private static void AssertHolepunchPayload(JsonElement fields, HolepunchPayload payload)
    {
        Assert.Equal(fields.Number("error"), (ulong)payload.Error);
        Assert.Equal(fields.Number("firewall"), (ulong)payload.Firewall);
        Assert.Equal(fields.Number("round"), payload.Round);
        Assert.Equal(fields.GetProperty("connected").GetBoolean(), payload.IsConnected);
        Assert.Equal(fields.GetProperty("punching").GetBoolean(), payload.IsPunching);
        Assert.Equal(IsNull(fields, "addresses") ? null : fields.Items("addresses").Select(AddressOf), payload.Addresses?.AsEnumerable());
        Assert.Equal(AddressOf(fields, "remoteAddress"), payload.RemoteAddress);
        Assert.Equal(HashOf(fields, "token"), payload.Token);
        Assert.Equal(HashOf(fields, "remoteToken"), payload.RemoteToken);
    }

    private static AnnounceRequest AnnounceOf(JsonElement vector)
    {
        var reader = new CompactReader(vector.Hex("bytes"));
        Assert.True(AnnounceRequest.TryDecode(ref reader, out AnnounceRequest request));
        return request;
    }

    private static NoisePayload PayloadOf(JsonElement vector, string property)
    {
        var reader = new CompactReader(vector.Hex(property));
        Assert.True(NoisePayload.TryDecode(ref reader, out NoisePayload payload));
        return payload;
    }

    private static Peer PeerOf(JsonElement fields) =>
        new(new PublicKey(fields.Hex("publicKey")), [.. fields.Items("relayAddresses").Select(AddressOf)]);

    private static Hash? HashOf(JsonElement fields, string property) =>
        IsNull(fields, property) ? null : new Hash(fields.Hex(property));

    private static DhtAddress? AddressOf(JsonElement fields, string property) =>
        IsNull(fields, property) ? null : AddressOf(fields.GetProperty(property));

    private static DhtAddress AddressOf(JsonElement fields)
    {
        byte[] host = System.Net.IPAddress.Parse(fields.Text("host")).GetAddressBytes();
        return new DhtAddress(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(host), (ushort)fields.Number("port"));
    }

    private static bool IsNull(JsonElement fields, string property) =>
        !fields.TryGetProperty(property, out JsonElement value) || value.ValueKind == JsonValueKind.Null;

    private static string UpperSnake(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));

    private static TheoryData<int> Indices(string list) => [.. Enumerable.Range(0, All.Items(list).Count())];
}
