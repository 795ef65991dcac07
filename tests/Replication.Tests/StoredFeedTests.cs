using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Storage;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

/// <summary>Replicators over feeds on a disk: what they ask of a feed is what a <see cref="FeedLog"/> does.</summary>
public sealed class StoredFeedTests
{
    private static readonly PeerId Peer = new(1);

    [Fact]
    public void A_stored_feed_is_copied_into_another_and_follows_it_over_cuts() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            using FeedHarness source = FeedHarness.Writer(new MemoryDevice());
            using FeedHarness copy = FeedHarness.Reader(new MemoryDevice(), source.Log.Key);
            source.Append(Blocks(random, 40));
            var writer = new Stored(source);
            var reader = new Stored(copy);
            reader.Replicator.Download(1, 0, null, default);
            Stored.Open(writer, reader);
            Stored.Run(writer, reader);
            for (int i = 0; i < 6; i++)
            {
                if (random.NextInt32(3) == 0)
                {
                    ulong length = 1 + random.NextUInt64(source.Log.Head.Length);
                    if (length < source.Log.Head.Length)
                    {
                        source.Truncate(length);
                        writer.Replicator.HandleTruncated(writer.State, length, default);
                    }
                }
                else
                {
                    source.Append(Blocks(random, 30));
                    writer.Replicator.HandleAppended(writer.State, default);
                }

                // Sometimes several changes come before the reader hears of the first.
                if (random.NextInt32(2) == 0)
                {
                    Stored.Run(writer, reader);
                }
            }

            Stored.Run(writer, reader);
            Assert.Equal(source.Log.Head.Hash, copy.Log.Head.Hash);
            Assert.Equal(source.Log.Head.Fork, copy.Log.Head.Fork);
            Assert.Equal(source.Log.Head.Length, copy.Log.ContiguousLength);
            Assert.Equal(copy.Log.ContiguousLength, reader.Replicator.ContiguousLength);
            Assert.Equal(0, reader.Blamed + writer.Blamed);
            for (ulong block = 0; block < source.Log.Head.Length; block++)
            {
                Assert.Equal(source.Get(block), copy.Get(block));
            }

            return true;
        },
        40);

    private static byte[][] Blocks(RandomSource random, int most) => [.. Enumerable.Range(0, 1 + random.NextInt32(most)).Select(_ =>
    {
        var block = new byte[random.NextInt32(60)];
        random.Fill(block);
        return block;
    })];

    private sealed class Stored
    {
        private readonly FeedHarness _feed;

        public Stored(FeedHarness feed)
        {
            _feed = feed;
            var have = new BlockSet();
            for (ulong block = 0; block < feed.Log.Head.Length; block++)
            {
                if (feed.Log.Has(block))
                {
                    have.Add(block);
                }
            }

            Replicator = new Replicator(feed.Log.Key, State, have, new ReplicationOptions(), RandomSource.Seeded(1));
            Replicator.SetDownloading(true, default);
        }

        public Replicator Replicator { get; }

        public int Blamed { get; private set; }

        public FeedState State => new(_feed.Log.Head.Fork, _feed.Log.Head.Length, _feed.Log.Head.ByteLength, _feed.Log.Manifest);

        public static void Open(Stored a, Stored b)
        {
            foreach (Stored side in (Stored[])[a, b])
            {
                side.Replicator.Attach(Peer, default);
                side.Replicator.HandleOpened(Peer, Side.Handshake, default);
            }
        }

        public static void Run(Stored a, Stored b)
        {
            while (a.Turn(b) | b.Turn(a))
            {
            }
        }

        private bool Turn(Stored other)
        {
            bool isBusy = false;
            while (Replicator.TryPollEvent(out ReplicatorEvent? e))
            {
                isBusy = true;
                Handle(e);
            }

            while (Replicator.TryPollTransmit(out Transmission transmission))
            {
                isBusy = true;
                Replicator.HandleSent(Peer, transmission.Size, default);
                other.Replicator.HandleMessages(
                    Peer, [.. transmission.Messages.Select(message => Side.Decode(Side.Encode(message)))], null, default);
            }

            return isBusy;
        }

        private void Handle(ReplicatorEvent e)
        {
            switch (e)
            {
                case ReplicatorEvent.Serve serve:
                    List<ProofAnswer> answers = _feed.Prove([.. serve.Requests.Select(r => r.Request)]);
                    Replicator.HandleServed(Peer, [.. answers.Select((answer, i) => ToAnswer(serve.Requests[i], answer))], null, default);
                    break;
                case ReplicatorEvent.Apply apply:
                    IReadOnlyList<ApplyOutcome> outcomes = _feed.Ask<FeedLogEvent.Applied>(
                        id => _feed.Log.Apply(id, [.. apply.Proofs.Select(p => p.Proof)])).Outcomes;
                    Replicator.HandleApplied(apply.Id, [.. outcomes.Select(ToVerdict)], State, default);
                    break;
                case ReplicatorEvent.ReadNodes read:
                    Replicator.HandleNodes(
                        read.Id, _feed.Ask<FeedLogEvent.NodesRead>(id => _feed.Log.ReadNodes(id, read.Indices)).Nodes, default);
                    break;
                case ReplicatorEvent.Reorganize reorganize:
                    _feed.Ask<FeedLogEvent.Reorganized>(id => _feed.Log.Reorganize(
                        id, reorganize.Head, reorganize.Ancestors, reorganize.Nodes, reorganize.Signature, reorganize.Manifest));
                    Replicator.HandleTruncated(State, reorganize.Ancestors, default);
                    break;
                case ReplicatorEvent.PeerFailed:
                    Blamed++;
                    break;
            }
        }

        private ServeAnswer ToAnswer(ServeRequest request, ProofAnswer answer) => answer.Status switch
        {
            ProofStatus.Done => new ServeAnswer(request.Ticket, ServeResult.Proven, answer.Proof),
            ProofStatus.Invalid => new ServeAnswer(request.Ticket, ServeResult.Invalid, null),
            _ when request.Request.Fork != _feed.Log.Head.Fork => new ServeAnswer(request.Ticket, ServeResult.OtherFork, null),
            _ => new ServeAnswer(request.Ticket, ServeResult.NotAvailable, null),
        };

        private ApplyVerdict ToVerdict(ApplyOutcome outcome)
        {
            ApplyVerdict verdict = outcome.Status switch
            {
                ApplyStatus.Applied => ApplyVerdict.Applied,
                ApplyStatus.Unverifiable => ApplyVerdict.Unverifiable,
                ApplyStatus.Invalid when outcome.Error is ProofError.BadNodes or ProofError.BadPrologue => ApplyVerdict.Malformed,
                ApplyStatus.Invalid or ApplyStatus.Conflict => ApplyVerdict.False,
                _ => ApplyVerdict.Stale,
            };
            Blamed += verdict is ApplyVerdict.False or ApplyVerdict.Malformed ? 1 : 0;
            return verdict;
        }
    }
}
