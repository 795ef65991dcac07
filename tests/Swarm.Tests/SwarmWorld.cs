using HyperActors.Crypto;
using static HyperActors.Swarm.Tests.SwarmHarness;

namespace HyperActors.Swarm.Tests;

/// <summary>Swarms that meet: a table of announcements that all of them share, and streams that take their time.</summary>
internal sealed class SwarmWorld(ulong seed, SwarmOptions? options = null)
{
    private readonly RandomSource _random = RandomSource.Seeded(seed);
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _agenda = new();
    private readonly Dictionary<DiscoveryKey, HashSet<int>> _announced = [];
    private readonly List<Node> _nodes = [];
    private long _order;

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    public IReadOnlyList<Node> Nodes => _nodes;

    public Node Add()
    {
        int number = _nodes.Count;
        var node = new Node(number, new SwarmMachine(options ?? new SwarmOptions(), Key(number), RandomSource.Seeded(seed + (ulong)number)));
        _nodes.Add(node);
        return node;
    }

    public void Do(Node node, Action<SwarmMachine, TimeSpan> step)
    {
        if (node.IsGone)
        {
            return;
        }

        step(node.Machine, Now);
        Drain(node);
    }

    /// <summary>The process is gone: nobody is told, and streams break a while later.</summary>
    public void Kill(Node node)
    {
        node.IsGone = true;
        foreach (Stream stream in node.Streams.Values.ToArray())
        {
            After(TimeSpan.FromSeconds(20), () => Break(stream, "the peer is gone"));
        }
    }

    public void Run(TimeSpan time)
    {
        TimeSpan end = Now + time;
        while (true)
        {
            TimeSpan agenda = _agenda.TryPeek(out _, out (TimeSpan At, long) first) ? first.At : TimeSpan.MaxValue;
            Node? sleeper = _nodes.Where(n => !n.IsGone && n.Machine.Deadline is not null).MinBy(n => n.Machine.Deadline);
            TimeSpan alarm = sleeper?.Machine.Deadline ?? TimeSpan.MaxValue;
            TimeSpan next = agenda <= alarm ? agenda : alarm;
            if (next > end)
            {
                Now = end;
                return;
            }

            Now = next > Now ? next : Now;
            if (agenda <= alarm)
            {
                _agenda.Dequeue()();
            }
            else
            {
                Do(sleeper!, (m, now) => m.HandleTimeout(now));
            }
        }
    }

    /// <summary>Open streams between live nodes, as pairs of numbers, the smaller first.</summary>
    public List<(int, int)> Pairs() =>
    [
        .. _nodes.Where(n => !n.IsGone).SelectMany(n => n.Streams.Values)
            .Where(s => s.IsOpen).Distinct().Select(s => (Math.Min(s.From.Number, s.To.Number), Math.Max(s.From.Number, s.To.Number))),
    ];

    private void After(TimeSpan delay, Action what) => _agenda.Enqueue(what, (Now + delay, ++_order));

    private TimeSpan Latency() => TimeSpan.FromMilliseconds(5 + _random.NextInt32(100));

    private void Drain(Node node)
    {
        while (node.Machine.TryPollCommand(out SwarmCommand? command))
        {
            Carry(node, command);
        }

        while (node.Machine.TryPollEvent(out SwarmMachineEvent? machineEvent))
        {
            node.Events.Add(machineEvent);
        }
    }

    private void Carry(Node node, SwarmCommand command)
    {
        switch (command)
        {
            case SwarmCommand.Listen:
                After(Latency(), () => Do(node, (m, now) => m.HandleListening(true, now)));
                break;
            case SwarmCommand.Lookup lookup:
                Query(node, lookup.QueryId, lookup.Topic, null);
                break;
            case SwarmCommand.Announce announce:
                Query(node, announce.QueryId, announce.Topic, true);
                break;
            case SwarmCommand.LookupAndUnannounce query:
                Query(node, query.QueryId, query.Topic, false);
                break;
            case SwarmCommand.Unannounce unannounce:
                Query(node, unannounce.QueryId, unannounce.Topic, false);
                break;
            case SwarmCommand.Dial dial:
                Dial(node, dial);
                break;
            case SwarmCommand.Admit admit:
                Admit(node, admit.ConnectionId);
                break;
            case SwarmCommand.Refuse refuse:
                Break(node.Streams[refuse.ConnectionId], refuse.Reason);
                break;
            case SwarmCommand.Close close:
                if (node.Streams.TryGetValue(close.ConnectionId, out Stream? stream))
                {
                    Break(stream, close.Reason);
                }

                break;
        }
    }

    // The lookup is done before the announcement is stored, as in the network.
    private void Query(Node node, long id, DiscoveryKey topic, bool? announces)
    {
        HashSet<int> there = _announced.TryGetValue(topic, out HashSet<int>? known) ? known : _announced[topic] = [];
        int[] found = [.. there];
        After(Latency(), () =>
        {
            foreach (int number in found)
            {
                Do(node, (m, now) => m.HandlePeerFound(id, Key(number), [Address(number)], now));
            }

            _ = announces switch
            {
                true => there.Add(node.Number),
                false => there.Remove(node.Number),
                _ => false,
            };
            Do(node, (m, now) => m.HandleQueryDone(id, [Address(1)], null, now));
        });
    }

    private void Dial(Node node, SwarmCommand.Dial dial)
    {
        Node to = _nodes.Single(n => Key(n.Number) == dial.Peer);
        var stream = new Stream(node, to, dial.ConnectionId);
        node.Streams.Add(dial.ConnectionId, stream);
        After(Latency(), () =>
        {
            if (stream.IsOver)
            {
                return;
            }

            if (to.IsGone)
            {
                After(TimeSpan.FromSeconds(3), () => Break(stream, "nobody answers"));
                return;
            }

            // The number is known to the machine's owner before any command can speak of it.
            stream.ToId = to.Machine.HandleIncoming(Key(node.Number), Now);
            to.Streams.Add(stream.ToId, stream);
            Drain(to);
        });
    }

    private void Admit(Node node, long id)
    {
        Stream stream = node.Streams[id];
        After(Latency(), () =>
        {
            if (!stream.IsOver)
            {
                stream.IsOpen = true;
                Do(stream.From, (m, now) => m.HandleOpened(stream.FromId, now));
                Do(stream.To, (m, now) => m.HandleOpened(stream.ToId, now));
            }
        });
    }

    private void Break(Stream stream, string reason)
    {
        if (stream.IsOver)
        {
            return;
        }

        stream.IsOver = true;
        stream.IsOpen = false;
        After(TimeSpan.FromMilliseconds(1), () =>
        {
            stream.From.Streams.Remove(stream.FromId);
            stream.To.Streams.Remove(stream.ToId);
            Do(stream.From, (m, now) => m.HandleClosed(stream.FromId, reason, now));
            Do(stream.To, (m, now) => m.HandleClosed(stream.ToId, reason, now));
        });
    }

    internal sealed class Node(int number, SwarmMachine machine)
    {
        public int Number => number;

        public SwarmMachine Machine => machine;

        public bool IsGone { get; set; }

        public Dictionary<long, Stream> Streams { get; } = [];

        public List<SwarmMachineEvent> Events { get; } = [];
    }

    internal sealed class Stream(Node from, Node to, long fromId)
    {
        public Node From => from;

        public Node To => to;

        public long FromId => fromId;

        public long ToId { get; set; }

        public bool IsOpen { get; set; }

        public bool IsOver { get; set; }
    }
}
