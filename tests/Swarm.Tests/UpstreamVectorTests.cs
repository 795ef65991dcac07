using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Swarm.Tests;

/// <summary>What hyperswarm itself decides: the same questions to our machine.</summary>
public sealed class UpstreamVectorTests
{
    private static readonly JsonElement _vectors = Vectors.Load("hyperswarm.json");

    public static TheoryData<int> Conversations() => [.. Enumerable.Range(0, _vectors.Items("conversations").Count())];

    [Fact]
    public void Attempts_decide_the_class_in_which_a_peer_waits()
    {
        foreach (JsonElement row in _vectors.Items("priorities"))
        {
            Assert.Equal((int)row.Number("priority"), (int)SwarmPeer.PriorityOf((int)row.Number("attempts")));
        }
    }

    [Fact]
    public void What_a_peer_has_shown_decides_how_long_it_rests()
    {
        foreach (JsonElement row in _vectors.Items("rests"))
        {
            RetryTimers.Rest rest = RetryTimers.RestOf(
                (int)row.Number("attempts"), Is(row, "proven"), Is(row, "explicit"), Is(row, "banned"));
            Assert.Equal(row.GetProperty("rest").GetInt32(), (int)rest);
        }
    }

    [Fact]
    public void Who_rests_is_woken_on_the_same_tick()
    {
        foreach (JsonElement row in _vectors.Items("bulk"))
        {
            var began = TimeSpan.FromHours(1);
            var timer = new BulkTimer(Milliseconds(row.Number("time")));
            var added = new Dictionary<SwarmPeer, ulong>();
            var fired = new List<(ulong Added, ulong Fired)>();
            foreach (JsonElement peer in row.Items("fired"))
            {
                TickUntil(began + Milliseconds(peer.Number("added")));
                var info = new SwarmPeer(SwarmHarness.Key(added.Count));
                added.Add(info, peer.Number("added"));
                timer.Add(info, began + Milliseconds(peer.Number("added")));
            }

            TickUntil(began + TimeSpan.FromHours(1));
            Assert.Equal(row.Items("fired").Select(p => (p.Number("added"), p.Number("fired"))), fired);

            void TickUntil(TimeSpan end)
            {
                while (timer.Deadline is { } tick && tick <= end)
                {
                    fired.AddRange(timer.Tick(tick)!.Select(p => (added[p], (ulong)(tick - began).TotalMilliseconds)));
                }
            }
        }
    }

    [Fact]
    public void Of_two_connections_the_same_one_stays()
    {
        foreach (JsonElement row in _vectors.Items("duplicates"))
        {
            bool keepsNew = SwarmMachine.KeepsNew(
                new PublicKey(row.Hex("self")), new PublicKey(row.Hex("peer")), Is(row, "established"), isNewInitiator: false);
            Assert.Equal(Is(row, "keepNew"), keepsNew);
        }
    }

    [Fact]
    public void Peers_that_were_asked_for_make_the_search_stop_at_the_same_number()
    {
        foreach (JsonElement row in _vectors.Items("limits"))
        {
            int factor = SwarmMachine.LimitFactor((int)row.Number("explicit"));
            int most = 0;
            while (factor * most < (int)row.Number("maxPeers"))
            {
                most++;
            }

            Assert.Equal((int)row.Number("most"), most);
        }
    }

    [Theory]
    [MemberData(nameof(Conversations))]
    public void In_a_conversation_with_the_network_every_step_ends_in_the_same_state(int number)
    {
        double[] backoffs = [.. _vectors.Items("backoffs").Select(b => b.GetDouble())];
        var options = new SwarmOptions
        {
            MaxParallel = 100,
            BackoffJitter = TimeSpan.Zero,
            ShortBackoff = TimeSpan.FromMilliseconds(backoffs[0]),
            MediumBackoff = TimeSpan.FromMilliseconds(backoffs[1]),
            LongBackoff = TimeSpan.FromMilliseconds(backoffs[2]),
            ExplicitBackoff = TimeSpan.FromMilliseconds(backoffs[3]),

            // Upstream leaves this to the network below, which in the conversation takes its time.
            DialTimeout = TimeSpan.FromDays(1),
            QueryTimeout = TimeSpan.FromDays(1),
            ServiceTimeout = TimeSpan.FromDays(1),
        };
        var keys = _vectors.GetProperty("keys").EnumerateObject().ToDictionary(p => p.Name, p => new PublicKey(p.Value.Hex()));
        var world = new Conversation(new SwarmHarness(options, new PublicKey(_vectors.Hex("self"))), keys, new DiscoveryKey(_vectors.Hex("topic")));
        int at = 0;
        foreach (JsonElement step in _vectors.Items("conversations").ElementAt(number).Items("steps"))
        {
            string dials = world.Play(step, out bool? refused);
            string where = $"step {at++}, {step.Text("op")}";
            Assert.Equal((where, step.Text("dials")), (where, dials));
            Assert.Equal((where, step.Text("connections")), (where, world.Connections));
            Assert.Equal((where, step.Text("peers")), (where, world.Peers));
            Assert.Equal((where, step.Text("stats")), (where, world.Statistics));
            Assert.Equal((int)step.Number("connecting"), world.Harness.Machine.Connecting);
            Assert.Equal(step.TryGetProperty("refused", out JsonElement expected) ? expected.GetBoolean() : null, refused);
        }
    }

    private static bool Is(JsonElement row, string property) => row.GetProperty(property).GetBoolean();

    private static TimeSpan Milliseconds(ulong count) => TimeSpan.FromMilliseconds(count);

    /// <summary>The network of the vectors' script: dials and connections that end when a step says so.</summary>
    private sealed class Conversation
    {
        private readonly Dictionary<string, PublicKey> _keys;
        private readonly DiscoveryKey _topic;
        private readonly List<Stream> _streams = [];

        public Conversation(SwarmHarness harness, Dictionary<string, PublicKey> keys, DiscoveryKey topic)
        {
            (Harness, _keys, _topic) = (harness, keys, topic);
            harness.Join(topic, isServer: false);
        }

        public SwarmHarness Harness { get; }

        public string Connections => Join(_streams.Where(s => s.IsOpen).Select(s => (s.IsInitiator ? ">" : "<") + s.Peer));

        public string Peers => string.Join("; ", Harness.Machine.Peers.Select(Describe).Order(StringComparer.Ordinal));

        public string Statistics
        {
            get
            {
                SwarmStatistics s = Harness.Machine.Statistics;
                return $"{s.ClientAttempted} {s.ClientOpened} {s.ClientClosed} {s.ServerOpened} {s.ServerClosed}";
            }
        }

        public string Play(JsonElement step, out bool? refused)
        {
            string op = step.Text("op");
            string peer = op == "wait" ? string.Empty : step.Text("peer");
            PublicKey key = op == "wait" ? default : _keys[peer];
            refused = null;
            switch (op)
            {
                case "found":
                    Harness.Do((m, now) => m.HandleLocalPeer(_topic, key, [], now));
                    break;
                case "opened":
                    Stream dial = _streams.Single(s => s.Peer == peer && !s.IsOpen);
                    dial.IsOpen = true;
                    Harness.Do((m, now) => m.HandleOpened(dial.Id, now));
                    break;
                case "failed" or "unpunched":
                    Stream failed = _streams.Single(s => s.Peer == peer && !s.IsOpen);
                    _streams.Remove(failed);
                    Harness.Do((m, now) => m.HandleDialFailed(failed.Id, op == "unpunched", "unreachable", now));
                    break;
                case "closed":
                    Stream closed = _streams.Single(s => s.Peer == peer && s.IsOpen);
                    _streams.Remove(closed);
                    Harness.Do((m, now) => m.HandleClosed(closed.Id, null, now));
                    break;
                case "join":
                    Harness.Do((m, now) => m.JoinPeer(key, now));
                    break;
                case "leave":
                    Harness.Do((m, _) => m.LeavePeer(key));
                    break;
                case "incoming":
                    long id = 0;
                    Harness.Do((m, now) => id = m.HandleIncoming(key, now));
                    refused = Harness.TakeAll<SwarmCommand.Refuse>().Exists(r => r.ConnectionId == id);
                    break;
                case "established":
                    Harness.Do((m, now) => m.HandleOpened(_streams.Single(s => s.Peer == peer && s.IsOpen).Id, now));
                    break;
                default:
                    Harness.Wait(TimeSpan.FromMilliseconds(step.Number("ms")));
                    break;
            }

            return Settle(peer);
        }

        private static string Join(IEnumerable<string> words) => string.Join(' ', words.Order(StringComparer.Ordinal));

        private string Describe(SwarmPeer peer)
        {
            var words = new List<string> { NameOf(peer.PublicKey), $"{peer.Attempts}" };
            Add(peer.IsProven, "proven");
            Add(peer.IsExplicit, "explicit");
            Add(peer.IsWaiting, "waiting");
            Add(peer.IsQueued, "queued");
            Add(peer.IsClient, "client");
            Add(peer.MustRelay, "relay");
            return string.Join(' ', words);

            void Add(bool isSet, string flag) => words.AddRange(isSet ? [flag] : []);
        }

        private string NameOf(PublicKey key) => _keys.Single(k => k.Value == key).Key;

        private string Settle(string incoming)
        {
            var dials = new List<string>();
            foreach (SwarmCommand command in Harness.Commands)
            {
                switch (command)
                {
                    case SwarmCommand.Dial dial:
                        dials.Add(NameOf(dial.Peer));
                        _streams.Add(new Stream(dial.ConnectionId, NameOf(dial.Peer), true));
                        break;
                    case SwarmCommand.Close close:
                        _streams.RemoveAll(s => s.Id == close.ConnectionId);
                        break;
                    case SwarmCommand.Admit admit:
                        _streams.Add(new Stream(admit.ConnectionId, incoming, false) { IsOpen = true });
                        break;
                }
            }

            Harness.Commands.Clear();
            return Join(dials);
        }

        private sealed record Stream(long Id, string Peer, bool IsInitiator)
        {
            public bool IsOpen { get; set; }
        }
    }
}
