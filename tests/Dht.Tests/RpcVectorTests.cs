using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>What dht-rpc, kademlia-routing-table and nat-sampler say to the same.</summary>
public class RpcVectorTests
{
    private static readonly JsonElement File = Vectors.Load("dht-rpc.json");
    private static readonly DhtAddress Own = MemoryNet.Address("127.0.0.1", 49_738);

    public static TheoryData<int> Requests => [.. Enumerable.Range(0, File.Items("requests").Count())];

    public static TheoryData<int> Replies => [.. Enumerable.Range(0, File.Items("replies").Count())];

    [Fact]
    public void An_id_is_the_hash_of_an_address()
    {
        foreach (JsonElement vector in File.Items("ids"))
        {
            Assert.Equal(vector.Text("id"), Address(vector.Text("address")).ToNodeId().ToString());
        }
    }

    [Fact]
    public void Tokens_rotate_as_upstreams_do()
    {
        var issuer = new TokenIssuer(File.GetProperty("tokens").Hex("secrets"));
        foreach (JsonElement round in File.GetProperty("tokens").Items("rounds"))
        {
            foreach (JsonElement token in round.Items("tokens"))
            {
                uint host = MemoryNet.Address(token.Text("host"), 0).Host;
                Assert.Equal(token.Text("new"), issuer.Create(host).ToString());
                Assert.True(issuer.IsValid(host, token.Hex("old")));
                Assert.True(issuer.IsValid(host, token.Hex("new")));
                Assert.False(issuer.IsValid(host + 1, token.Hex("new")));
            }

            issuer.Drain(TokenIssuer.RotationDrains);
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_is_the_same_to_the_byte(int index)
    {
        JsonElement vector = File.Items("requests").ElementAt(index);
        Span<byte> output = new byte[2048];
        byte[]? value = Optional(vector, "value")?.ToArray();
        int length = RpcCodec.EncodeRequest(
            output,
            (ushort)vector.Number("tid"),
            Address(vector.Text("to")),
            HashOf(vector, "id"),
            HashOf(vector, "token"),
            vector.GetProperty("internal").GetBoolean(),
            (uint)vector.Number("command"),
            HashOf(vector, "target"),
            value is not null,
            value);
        Assert.Equal(vector.Text("hex"), Convert.ToHexStringLower(output[..length]));

        Assert.True(RpcCodec.TryDecode(output[..length], out RpcMessage message));
        Assert.False(message.IsResponse);
        Assert.Equal(vector.Number("tid"), message.Tid);
        Assert.Equal(Address(vector.Text("to")), message.To);
        Assert.Equal(vector.GetProperty("internal").GetBoolean(), message.IsInternal);
        Assert.Equal(vector.Number("command"), message.Command);
        Assert.Equal(vector.Hex("id"), message.Id.ToArray());
        Assert.Equal(vector.Hex("token"), message.Token.ToArray());
        Assert.Equal(vector.Hex("target"), message.Target.ToArray());
        Assert.Equal(value is not null, message.HasValue);
        Assert.Equal(vector.Hex("value"), message.Value.ToArray());
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_reply_is_the_same_to_the_byte(int index)
    {
        JsonElement vector = File.Items("replies").ElementAt(index);
        Assert.True(RpcCodec.TryDecode(vector.Hex("question"), out RpcMessage question));
        Assert.True(RpcCodec.TryDecode(vector.Hex("hex"), out RpcMessage answer));
        RoutingSnapshot table = TableOf(Own.ToNodeId(), vector.Items("table").Select(a => new Contact(Address(a.GetString()!))));
        DhtAddress to = Address(vector.Text("to"));
        var tokens = new TokenIssuer(File.GetProperty("tokens").Hex("secrets"));
        Hash? id = vector.GetProperty("ephemeral").GetBoolean() ? null : Own.ToNodeId();
        string name = vector.Text("name");
        Span<byte> output = new byte[2048];
        int length = name == "relay"
            ? RpcCodec.EncodeRequest(
                output, question.Tid, to, id, null, question.IsInternal, question.Command, question.TargetHash, true, answer.Value)
            : RpcCodec.EncodeResponse(
                output,
                question.Tid,
                to,
                id,
                name is "reply" or "empty value" or "no value" or "error with token" ? tokens.Create(to.Host) : null,
                name is "bare" or "elsewhere" ? [] : table.Closest(question.TargetHash, 20),
                name switch { "error" => 16u, "error with token" => 2u, _ => 0u },
                name is "reply" or "empty value" or "elsewhere",
                answer.Value);
        Assert.Equal(vector.Text("hex"), Convert.ToHexStringLower(output[..length]));
    }

    [Fact]
    public void The_table_takes_and_orders_contacts_as_upstreams_does()
    {
        foreach (JsonElement vector in File.Items("routing"))
        {
            var tableId = new Hash(vector.Hex("id"));
            var buckets = new Dictionary<int, Bucket>();
            var options = new DhtOptions { MaxContactsPerNetworkInBucket = int.MaxValue };
            Contact[] contacts = [.. vector.Items("nodes").Select(a => new Contact(Address(a.GetString()!)))];
            bool[] taken = [.. vector.Items("taken").Select(t => t.GetBoolean())];
            foreach ((Contact contact, bool isTaken) in contacts.Zip(taken))
            {
                Bucket bucket = BucketFor(contact);
                int before = bucket.Count;
                bucket.Seen(contact, TimeSpan.Zero);
                Assert.Equal(isTaken, bucket.Count > before);
            }

            foreach (Contact removed in vector.Items("removed").Select(a => new Contact(Address(a.GetString()!))))
            {
                BucketFor(removed).Failed(removed.Id, TimeSpan.Zero);
            }

            var table = new RoutingSnapshot(tableId);
            foreach ((int place, Bucket bucket) in buckets)
            {
                Assert.True(bucket.TryPollEvent(out BucketEvent? changed));
                table = table.With(place, Assert.IsType<BucketEvent.Changed>(changed).Contacts);
            }

            Assert.Equal((int)vector.Number("size"), table.Count);
            foreach (JsonElement closest in vector.Items("closest"))
            {
                Assert.Equal(
                    closest.Items("nodes").Select(a => Address(a.GetString()!)),
                    table.Closest(new Hash(closest.Hex("target")), (int)closest.Number("count")).Select(c => c.Address));
            }

            Bucket BucketFor(Contact contact)
            {
                int place = Distance.BucketOf(tableId, contact.Id);
                return buckets.TryGetValue(place, out Bucket? bucket) ? bucket : buckets[place] = new Bucket(options, TimeSpan.Zero);
            }
        }
    }

    [Fact]
    public void The_nat_sampler_is_of_the_same_opinion_after_each_sample()
    {
        foreach (JsonElement run in File.Items("nat"))
        {
            var sampler = new NatSampler();
            foreach (JsonElement step in run.EnumerateArray())
            {
                sampler.Add(Address(step.Text("add")));
                string? host = step.GetProperty("host").GetString();
                Assert.Equal(host is null ? null : MemoryNet.Address(host, 0).Host, sampler.Host);
                Assert.Equal(step.Number("port"), sampler.Port);
                Assert.Equal((int)step.Number("size"), sampler.Count);
            }
        }
    }

    [Fact]
    public void The_health_of_the_network_is_judged_the_same()
    {
        foreach (JsonElement run in File.Items("health"))
        {
            var health = new NetworkHealth();
            foreach (JsonElement step in run.EnumerateArray())
            {
                health.Update((long)step.Number("responses"), (long)step.Number("timeouts"));
                Assert.Equal(step.GetProperty("online").GetBoolean(), health.IsOnline);
                Assert.Equal(step.GetProperty("degraded").GetBoolean(), health.IsDegraded);
            }
        }
    }

    [Fact]
    public void Two_ticks_without_any_answer_are_offline_and_one_answer_is_online()
    {
        var health = new NetworkHealth();
        foreach (int answered in new[] { 10, 20, 30, 40 })
        {
            health.Update(answered, 0);
        }

        health.Update(40, 10);
        Assert.True(health.IsOnline);
        health.Update(40, 20);
        Assert.False(health.IsOnline);
        health.Update(45, 20);
        Assert.True(health.IsOnline);
    }

    private static RoutingSnapshot TableOf(Hash id, IEnumerable<Contact> contacts)
    {
        var table = new RoutingSnapshot(id);
        foreach (IGrouping<int, Contact> bucket in contacts.GroupBy(c => Distance.BucketOf(id, c.Id)))
        {
            table = table.With(bucket.Key, [.. bucket.Order(RoutingSnapshot.ById)]);
        }

        return table;
    }

    private static DhtAddress Address(string text)
    {
        string[] parts = text.Split(':');
        return MemoryNet.Address(parts[0], ushort.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private static ImmutableArray<byte>? Optional(JsonElement vector, string property) =>
        vector.GetProperty(property).ValueKind == JsonValueKind.Null ? null : [.. vector.Hex(property)];

    private static Hash? HashOf(JsonElement vector, string property) =>
        Optional(vector, property) is { } bytes ? new Hash(bytes.AsSpan()) : null;
}
