using System.Security.Cryptography;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Replication.Tests;

/// <summary>Replicators over links with delay, one virtual clock, everything else chosen by one seed.</summary>
internal sealed class Network(ulong seed)
{
    private readonly PriorityQueue<Action, (TimeSpan, long)> _agenda = new();
    private readonly RandomSource _random = RandomSource.Seeded(seed);
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<Node> _nodes = [];
    private long _order;
    private ulong _nextPeer;

    public TimeSpan Now { get; private set; }

    public long BytesOnTheWire { get; private set; }

    public int OpenLeases { get; private set; }

    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>SHA-256 over every byte that went over a link so far.</summary>
    public string Digest => Convert.ToHexString(_digest.GetCurrentHash());

    public Node Add(MemoryFeed feed, ReplicationOptions? options = null, bool isDownloading = true)
    {
        var node = new Node(this, feed, options ?? new ReplicationOptions(), _random.NextUInt64());
        _nodes.Add(node);
        node.Replicator.SetDownloading(isDownloading, Now);
        return node;
    }

    public Connection Connect(Node a, Node b, TimeSpan? delay = null)
    {
        var connection = new Connection(this, a, b, new PeerId(++_nextPeer), new PeerId(++_nextPeer), delay ?? TimeSpan.FromMilliseconds(5));
        connection.Start();
        return connection;
    }

    /// <summary>Runs until nothing happens any more, or until that time.</summary>
    public void Run(TimeSpan? until = null)
    {
        TimeSpan limit = until ?? Now + TimeSpan.FromMinutes(10);
        while (_agenda.TryPeek(out _, out (TimeSpan Time, long) next) && next.Time <= limit)
        {
            Action action = _agenda.Dequeue();
            Now = next.Time;
            action();
        }

        Assert.True(until is not null || _agenda.Count == 0 || _agenda.Peek() is not null);
    }

    public void RunUntil(Func<bool> condition)
    {
        TimeSpan limit = Now + TimeSpan.FromMinutes(10);
        while (!condition())
        {
            Assert.True(_agenda.TryPeek(out _, out (TimeSpan Time, long) next) && next.Time <= limit, $"nothing happens any more (seed {seed})\n{Describe()}");
            Action action = _agenda.Dequeue();
            Now = next.Time;
            action();
        }
    }

    private string Describe() => string.Join('\n', _nodes.Select(node =>
        $"fork {node.Feed.Head.Fork} length {node.Feed.Head.Length} blocks {node.Feed.Blocks.Count} / {node.Replicator.State}\n"
        + string.Join('\n', node.Replicator.GetPeers().Select(peer => $"    {peer}"))));

    internal void At(TimeSpan time, Action action) => _agenda.Enqueue(action, (time, _order++));

    internal TimeSpan Jitter(TimeSpan most) => most * _random.NextDouble();

    internal void Count(ReadOnlySpan<byte> bytes)
    {
        BytesOnTheWire += bytes.Length;
        _digest.AppendData(bytes);
    }

    internal sealed class Node
    {
        private readonly Network _network;
        private readonly Queue<ReplicatorEvent> _feedWork = new();
        private bool _isFeedBusy;
        private TimeSpan _alarm = TimeSpan.MaxValue;

        public Node(Network network, MemoryFeed feed, ReplicationOptions options, ulong seed)
        {
            _network = network;
            Feed = feed;
            Replicator = new Replicator(feed.Key, feed.State, feed.Have(), options, RandomSource.Seeded(seed));
        }

        public MemoryFeed Feed { get; }

        public Replicator Replicator { get; }

        public List<ReplicatorEvent.Finished> Finished { get; } = [];

        public List<ReplicatorEvent.ExtensionReceived> Extensions { get; } = [];

        public List<ReplicationError> Errors { get; } = [];

        public int Conflicts { get; private set; }

        public Dictionary<PeerId, Connection> Connections { get; } = [];

        public void Do(Action<Replicator, TimeSpan> action)
        {
            action(Replicator, _network.Now);
            Drain();
        }

        public void Append(params string[] blocks)
        {
            Feed.Append(blocks);
            Do((r, now) => r.HandleAppended(Feed.State, now));
        }

        public void Truncate(ulong length)
        {
            Feed.Truncate(length);
            Do((r, now) => r.HandleTruncated(Feed.State, length, now));
        }

        public bool IsDone(ulong ticket) => Finished.Exists(f => f.Ticket == ticket);

        public void Drain()
        {
            while (true)
            {
                if (Replicator.TryPollEvent(out ReplicatorEvent? e))
                {
                    Handle(e);
                }
                else if (Replicator.TryPollTransmit(out Transmission transmission))
                {
                    Connections[transmission.Peer].Send(this, transmission);
                }
                else
                {
                    break;
                }
            }

            if (Replicator.Deadline is { } deadline && deadline < _alarm)
            {
                _alarm = deadline;
                _network.At(deadline > _network.Now ? deadline : _network.Now, () =>
                {
                    _alarm = TimeSpan.MaxValue;
                    Do((r, now) => r.HandleTimeout(now));
                });
            }
        }

        private void Handle(ReplicatorEvent e)
        {
            switch (e)
            {
                case ReplicatorEvent.OpenChannel open:
                    Connections[open.Peer].Open(this);
                    break;
                case ReplicatorEvent.PeerFailed failed:
                    Errors.Add(failed.Error);
                    Connections[failed.Peer].Cut();
                    break;
                case ReplicatorEvent.Finished finished:
                    Finished.Add(finished);
                    break;
                case ReplicatorEvent.ExtensionReceived extension:
                    Extensions.Add(extension);
                    break;
                case ReplicatorEvent.ConflictFound:
                    Conflicts++;
                    break;
                default:
                    _feedWork.Enqueue(e);
                    WorkOnFeed();
                    break;
            }
        }

        // The feed takes its time, and does one thing after the other.
        private void WorkOnFeed()
        {
            if (_isFeedBusy || !_feedWork.TryDequeue(out ReplicatorEvent? e))
            {
                return;
            }

            _isFeedBusy = true;
            _network.At(_network.Now + _network.Jitter(TimeSpan.FromMilliseconds(2)), () =>
            {
                Answer(e);
                _isFeedBusy = false;
                WorkOnFeed();
            });
        }

        private void Answer(ReplicatorEvent e)
        {
            switch (e)
            {
                case ReplicatorEvent.Serve serve:
                    ServeAnswer[] answers = [.. serve.Requests.Select(Feed.Serve)];

                    // Like JavaScript, which reads in parallel: answers come in any order.
                    Shuffle(answers);
                    _network.OpenLeases++;
                    Do((r, now) => r.HandleServed(serve.Peer, answers, new Lease(_network), now));
                    break;
                case ReplicatorEvent.Apply apply:
                    ApplyVerdict[] verdicts = [.. apply.Proofs.Select(p => Feed.Apply(p.Proof))];
                    foreach (IDisposable lease in apply.Leases)
                    {
                        lease.Dispose();
                    }

                    Do((r, now) => r.HandleApplied(apply.Id, verdicts, Feed.State, now));
                    break;
                case ReplicatorEvent.ReadNodes read:
                    Do((r, now) => r.HandleNodes(read.Id, Feed.Read(read.Indices), now));
                    break;
                case ReplicatorEvent.Reorganize reorganize:
                    Feed.Reorganize(reorganize);
                    Do((r, now) => r.HandleTruncated(Feed.State, reorganize.Ancestors, now));
                    break;
            }
        }

        private void Shuffle(ServeAnswer[] answers)
        {
            for (int i = answers.Length - 1; i > 0; i--)
            {
                int j = _network._random.NextInt32(Math.Min(i + 1, 8));
                (answers[i], answers[i - j]) = (answers[i - j], answers[i]);
            }
        }
    }

    internal sealed class Connection(Network network, Node a, Node b, PeerId atA, PeerId atB, TimeSpan delay)
    {
        private bool _isCut;
        private bool _openA;
        private bool _openB;
        private int _session;
        private TimeSpan _lastToA;
        private TimeSpan _lastToB;

        public void Start()
        {
            a.Connections.Add(atA, this);
            b.Connections.Add(atB, this);
            a.Do((r, now) => r.Attach(atA, now));
            b.Do((r, now) => r.Attach(atB, now));
        }

        public void Open(Node node)
        {
            if (node == a)
            {
                _openA = true;
            }
            else
            {
                _openB = true;
            }

            if (_openA && _openB)
            {
                int session = ++_session;
                Deliver(toA: true, () => session == _session, () => a.Do((r, now) => r.HandleOpened(atA, Side.Handshake, now)));
                Deliver(toA: false, () => session == _session, () => b.Do((r, now) => r.HandleOpened(atB, Side.Handshake, now)));
            }
        }

        public void Send(Node from, Transmission transmission)
        {
            using var writer = new MessageBatchWriter();
            ReplicationCodec.Encode(transmission.Messages, writer);
            MessageBatch? batch = writer.Build();
            foreach (IDisposable lease in transmission.Leases)
            {
                lease.Dispose();
            }

            int session = _session;
            bool toA = from == b;
            PeerId fromId = from == a ? atA : atB;
            Deliver(toA, () => true, () =>
            {
                from.Do((r, now) => r.HandleSent(fromId, transmission.Size, now));
                Receive(toA, session, batch);
                if (transmission.ThenClose && session == _session && !_isCut)
                {
                    Close(toA);
                }
            });
        }

        public void Cut()
        {
            if (_isCut)
            {
                return;
            }

            _isCut = true;
            network.At(network.Now, () =>
            {
                a.Do((r, now) => r.Detach(atA, now));
                b.Do((r, now) => r.Detach(atB, now));
            });
        }

        private void Close(bool toA)
        {
            _session++;
            _openA = false;
            _openB = false;
            if (toA)
            {
                a.Do((r, now) => r.HandleClosed(atA, now));
            }
            else
            {
                b.Do((r, now) => r.HandleClosed(atB, now));
            }
        }

        private void Receive(bool toA, int session, MessageBatch? batch)
        {
            if (batch is null)
            {
                return;
            }

            if (_isCut || session != _session)
            {
                batch.Dispose();
                return;
            }

            foreach (Message message in batch)
            {
                network.Count(message.Payload.Span);
            }

            var messages = new List<ReplicationMessage>();
            Assert.True(ReplicationCodec.TryDecode(batch, messages));
            network.OpenLeases++;
            var lease = new Lease(network, batch);
            if (toA)
            {
                a.Do((r, now) => r.HandleMessages(atA, messages, lease, now));
            }
            else
            {
                b.Do((r, now) => r.HandleMessages(atB, messages, lease, now));
            }
        }

        // In order in each direction, however long each takes.
        private void Deliver(bool toA, Func<bool> isCurrent, Action action)
        {
            ref TimeSpan last = ref toA ? ref _lastToA : ref _lastToB;
            TimeSpan arrival = network.Now + delay + network.Jitter(delay);
            last = arrival > last ? arrival : last;
            network.At(last, () =>
            {
                if (isCurrent())
                {
                    action();
                }
            });
        }
    }

    private sealed class Lease(Network network, IDisposable? inner = null) : IDisposable
    {
        private bool _isDisposed;

        public void Dispose()
        {
            Assert.False(_isDisposed, "a lease was disposed twice");
            _isDisposed = true;
            network.OpenLeases--;
            inner?.Dispose();
        }
    }
}
