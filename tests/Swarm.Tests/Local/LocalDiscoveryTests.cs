using System.Net;
using HyperActors.Crypto;
using HyperActors.TestKit;
using static HyperActors.Swarm.Tests.SwarmHarness;

namespace HyperActors.Swarm.Tests;

public sealed class LocalDiscoveryTests
{
    private static readonly DiscoveryKey _topic = Topic(1);

    private readonly LocalLink _link = new();
    private readonly LocalLink.Node _server;
    private readonly LocalLink.Node _client;

    public LocalDiscoveryTests()
    {
        _server = _link.Add();
        _client = _link.Add();
    }

    [Fact]
    public void A_client_finds_a_server_that_was_there_before()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromMinutes(1));
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(1));
        LocalDiscoveryEvent.PeerSeen seen = Assert.Single(_client.Seen);
        Assert.Equal((_topic, _server.Key), (seen.Topic, seen.PublicKey));
        Assert.Equal([new IPEndPoint(IPAddress.Parse("192.168.7.1"), 4000)], seen.Addresses);
    }

    [Fact]
    public void A_client_hears_of_a_server_that_comes_later_within_a_second_or_two()
    {
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromHours(5));
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromSeconds(1.2));
        Assert.Single(_client.Seen);
    }

    [Fact]
    public void Nobody_else_is_told_and_the_topic_itself_is_not_on_the_wire()
    {
        LocalLink.Node other = _link.Add();
        _link.Set(other, Topic(2), isServer: true, isClient: true);
        _link.Set(_server, _topic, isServer: true);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromMinutes(1));
        Assert.Empty(other.Seen);
        Assert.Empty(_server.Seen);
        Assert.Single(_client.Seen);
        Assert.All(_link.Sent, sent => Assert.DoesNotContain(_topic.ToHex()[..8], sent.Message.ToString() + string.Join(',', sent.Message.Answers), StringComparison.Ordinal));
    }

    [Fact]
    public void Peers_who_do_both_find_each_other_once_and_themselves_never()
    {
        LocalLink.Node[] all = [_server, _client, .. Enumerable.Range(0, 6).Select(_ => _link.Add())];
        foreach (LocalLink.Node node in all)
        {
            _link.Set(node, _topic, isServer: true, isClient: true);
        }

        _link.Run(TimeSpan.FromMinutes(5));
        foreach (LocalLink.Node node in all)
        {
            Assert.Equal(
                all.Where(n => n != node).Select(n => n.Key.ToHex()).Order(StringComparer.Ordinal),
                node.Seen.Select(s => s.PublicKey.ToHex()).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void A_name_is_probed_three_times_before_it_is_announced_twice()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromMinutes(1));
        List<DnsMessage> sent = [.. _link.Sent.Select(s => s.Message)];
        Assert.Equal(5, sent.Count);
        Assert.All(sent.Take(3), m => Assert.Equal((false, 2, 3), (m.IsResponse, m.Questions.Count, m.Authorities.Count)));
        Assert.All(sent.Skip(3), m => Assert.True(m.IsResponse));
        Assert.Null(_server.Machine.Deadline);
        Assert.All(sent[3].Answers.OfType<DnsRecord.Ptr>(), r => Assert.False(r.IsUnique));
        Assert.All(sent[3].Answers.Where(r => r is not DnsRecord.Ptr), r => Assert.True(r.IsUnique));
    }

    [Fact]
    public void Leaving_says_goodbye_and_is_heard()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Set(_server, Topic(2), isServer: true);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(5));
        _link.Set(_server, _topic);
        Assert.Equal(_server.Key, Assert.Single(_client.Gone).PublicKey);
        Assert.Single(_link.Sent[^1].Message.Answers);
        _link.Do(_server, (m, now) => m.Stop(now));
        Assert.All(_link.Sent[^1].Message.Answers, r => Assert.Equal(TimeSpan.Zero, r.TimeToLive));
        Assert.True(_link.Sent[^1].Message.Answers.Count > 1);
    }

    [Fact]
    public void A_peer_that_vanishes_is_asked_for_and_then_forgotten()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(5));
        _link.LosesAll = true;
        _link.Run(TimeSpan.FromSeconds(4400));
        Assert.Empty(_client.Gone);
        _link.Run(TimeSpan.FromSeconds(200));
        Assert.Single(_client.Gone);
    }

    [Fact]
    public void A_peer_that_stays_is_told_again_as_often_as_a_lookup_would()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromHours(3));
        Assert.Empty(_client.Gone);
        Assert.InRange(_client.Seen.Count(), 17, 20);
    }

    [Fact]
    public void Who_knows_the_answer_is_not_answered_and_questions_grow_rare()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(3));
        int before = _link.Sent.Count;
        _link.Run(TimeSpan.FromMinutes(20));
        List<(int From, DnsMessage Message, IPEndPoint? To)> later = _link.Sent[before..];
        Assert.DoesNotContain(later, s => s.From == _server.Number);
        Assert.InRange(later.Count, 5, 12);
        Assert.All(later, s => Assert.Single(s.Message.Answers));
    }

    [Fact]
    public void The_first_question_may_be_answered_to_the_asker_alone()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromSeconds(5));
        int before = _link.Sent.Count;
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(0.5));
        Assert.Equal(_client.Address, Assert.Single(_link.Sent[before..], s => s.From == _server.Number).To);
    }

    [Fact]
    public void What_was_just_said_to_everybody_is_not_said_again_within_a_second()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromSeconds(10));
        int before = _link.Sent.Count;
        for (int i = 0; i < 50; i++)
        {
            Query(i);
            _link.Run(TimeSpan.FromMilliseconds(20));
        }

        Assert.InRange(_link.Sent.Count - before, 1, 2);
    }

    [Fact]
    public void A_flood_of_questions_is_answered_at_a_bounded_rate()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromSeconds(10));
        int before = _link.Sent.Count;
        for (int i = 0; i < 2000; i++)
        {
            Query(i, isUnicast: true);
            _link.Run(TimeSpan.FromMilliseconds(5));
        }

        Assert.InRange(_link.Sent.Count - before, 100, 10 * 20 + 25);
        Assert.True(_server.Machine.Statistics.AnswersDropped > 0);
    }

    [Fact]
    public void Packets_from_beyond_the_link_are_not_even_read()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(0.4));
        DnsMessage announcement = Announcement(Key(9), "192.168.7.9");
        _link.Inject(_client, announcement, new IPEndPoint(IPAddress.Parse("192.168.8.9"), 5353));
        _link.Inject(_client, announcement, new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353), timeToLive: 254);
        _link.Inject(_client, announcement, new IPEndPoint(IPAddress.Parse("192.168.7.9"), 40000));
        Assert.Empty(_client.Seen);
        Assert.Equal(3, _client.Machine.Statistics.NotOnLink);
        _link.Inject(_client, announcement, new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353));
        Assert.Single(_client.Seen);
    }

    [Fact]
    public void An_address_beyond_the_link_and_a_key_under_a_foreign_name_are_not_believed()
    {
        _link.Set(_client, _topic, isClient: true);
        var source = new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353);
        _link.Inject(_client, Announcement(Key(9), "8.8.8.8"), source);
        _link.Inject(_client, Announcement(Key(10), "192.168.7.9", label: LocalNames.LabelOf(Key(11), 0)), source);
        _link.Inject(_client, Announcement(Key(12), "192.168.7.9", version: "2"), source);
        Assert.Empty(_client.Seen);
    }

    [Fact]
    public void Details_that_an_answer_lacks_are_asked_for_a_few_times()
    {
        _link.Set(_client, _topic, isClient: true);
        DnsMessage whole = Announcement(Key(9), "192.168.7.9");
        var source = new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353);
        _link.Inject(_client, whole with { Answers = [.. whole.Answers.OfType<DnsRecord.Ptr>()] }, source);
        _link.Run(TimeSpan.FromSeconds(0.5));
        Assert.Contains(_link.Sent, s => s.Message.Questions.Any(q => q.Type == DnsType.Any));
        _link.Inject(_client, whole with { Answers = [.. whole.Answers.Where(r => r is not DnsRecord.Ptr)] }, source);
        Assert.Single(_client.Seen);
    }

    [Fact]
    public void Another_key_under_our_name_makes_us_take_another_name_and_the_same_key_does_not()
    {
        _link.Set(_server, _topic, isServer: true);
        _link.Run(TimeSpan.FromSeconds(5));
        string label = LocalNames.LabelOf(_server.Key, 0);
        var source = new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353);
        _link.Inject(_server, Announcement(_server.Key, "192.168.7.9"), source);
        Assert.Equal(0, _server.Machine.Statistics.Conflicts);
        _link.Inject(_server, Announcement(Key(9), "192.168.7.9", label: label), source);
        _link.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(1, _server.Machine.Statistics.Conflicts);
        Assert.Equal(label + "-2", ((DnsRecord.Ptr)_link.Sent[^1].Message.Answers[0]).Target.Split('.')[0]);
        _link.Set(_client, _topic, isClient: true);
        _link.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(_server.Key, Assert.Single(_client.Seen).PublicKey);
    }

    [Fact]
    public void Who_takes_every_name_silences_us_for_a_while_and_not_for_good()
    {
        _link.Set(_server, _topic, isServer: true);
        var source = new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353);
        for (int i = 0; i < 11; i++)
        {
            _link.Run(TimeSpan.FromMilliseconds(300));
            _link.Inject(_server, Announcement(Key(9), "192.168.7.9", label: LocalNames.LabelOf(_server.Key, i)), source);
        }

        int before = _link.Sent.Count;
        _link.Run(TimeSpan.FromSeconds(30));
        Assert.Equal(before, _link.Sent.Count);
        _link.Run(TimeSpan.FromMinutes(1));
        Assert.True(_link.Sent.Count > before);
    }

    [Fact]
    public void Many_topics_share_packets_that_stay_small()
    {
        for (int i = 0; i < 100; i++)
        {
            _link.Set(_server, Topic(i), isServer: true);
            _link.Set(_client, Topic(i), isClient: true);
        }

        _link.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(64, _client.Seen.Count());
        Assert.InRange(_link.LongestPacket, 500, 1400);
        Assert.All(_link.Sent, s => Assert.InRange(s.Message.Questions.Count, 0, 20));
    }

    [Fact]
    public void A_crowd_of_peers_is_remembered_up_to_the_bound()
    {
        _link.Set(_client, _topic, isClient: true);
        for (int i = 0; i < 300; i++)
        {
            _link.Inject(_client, Announcement(Key(i + 100), "192.168.7.9"), new IPEndPoint(IPAddress.Parse("192.168.7.9"), 5353));
        }

        Assert.Equal(256, _client.Seen.Count());
        Assert.Equal(44, _client.Machine.Statistics.PeersNotTaken);
    }

    [Fact]
    public void No_packet_makes_it_throw_and_it_stays_bounded() => Check.That<ulong>(
        seed =>
        {
            var link = new LocalLink(seed);
            LocalLink.Node[] nodes = [link.Add(), link.Add(), link.Add()];
            RandomSource random = RandomSource.Seeded(seed);
            byte[] noise = new byte[6];
            for (int i = 0; i < 200; i++)
            {
                LocalLink.Node node = nodes[random.NextInt32(nodes.Length)];
                int what = random.NextInt32(4);
                if (what == 0)
                {
                    link.Set(node, Topic(random.NextInt32(3)), random.NextInt32(2) == 0, random.NextInt32(2) == 0);
                }
                else if (what == 1 && link.Sent.Count > 0)
                {
                    // A packet that was on the link, with some bytes of it changed.
                    byte[] packet = DnsCodec.Encode(link.Sent[random.NextInt32(link.Sent.Count)].Message);
                    random.Fill(noise);
                    packet[noise[0] % packet.Length] = noise[1];
                    packet[noise[2] * packet.Length / 256] = noise[3];
                    link.Do(node, (m, now) => m.HandlePacket(packet, nodes[noise[4] % nodes.Length].Address, null, now));
                }
                else
                {
                    link.Run(TimeSpan.FromMilliseconds(random.NextInt32(3000)));
                }
            }

            int before = link.Sent.Count;
            link.Run(TimeSpan.FromMinutes(10));
            return link.Sent.Count - before < 300;
        },
        cases: 60);

    private static DnsMessage Announcement(PublicKey key, string address, string? label = null, string version = "1")
    {
        string name = LocalNames.InstanceOf(label ?? LocalNames.LabelOf(key, 0));
        string host = LocalNames.HostOf(label ?? LocalNames.LabelOf(key, 0));
        TimeSpan life = TimeSpan.FromSeconds(120);
        return new DnsMessage
        {
            IsResponse = true,
            Answers =
            [
                new DnsRecord.Ptr(name) { Name = LocalNames.SubtypeOf(_topic), TimeToLive = life },
                new DnsRecord.Srv(0, 0, 4000, host) { Name = name, TimeToLive = life, IsUnique = true },
                new DnsRecord.Txt(["txtvers=1", "v=" + version, "pk=" + key]) { Name = name, TimeToLive = life, IsUnique = true },
                new DnsRecord.Host(IPAddress.Parse(address)) { Name = host, TimeToLive = life, IsUnique = true },
            ],
        };
    }

    private void Query(int from, bool isUnicast = false) => _link.Inject(
        _server,
        new DnsMessage { Questions = [new DnsQuestion(LocalNames.SubtypeOf(_topic), DnsType.Ptr, isUnicast)] },
        new IPEndPoint(new IPAddress([192, 168, 7, (byte)(100 + (from % 100))]), 5353));
}
