using System.Net;
using HyperActors.Crypto;
using HyperActors.TestKit;
using static HyperActors.Swarm.Tests.SwarmHarness;

namespace HyperActors.Swarm.Tests;

/// <summary>Whatever the network and the owner say, in whatever order: bounds hold, wishes are answered, nothing throws.</summary>
public sealed class SwarmMachineLaws
{
    private readonly SwarmOptions _options = new()
    {
        MaxPeers = 6,
        MaxParallel = 2,
        MaxClientConnections = 3,
        MaxServerConnections = 2,
        MaxTopics = 3,
        MaxSessions = 6,
        MaxKnownPeers = 10,
        MaxFlushes = 3,
    };

    [Fact]
    public void Any_order_of_words_keeps_every_bound_and_answers_every_wish() => Check.That<ulong>(Holds, cases: 150);

    private bool Holds(ulong seed)
    {
        RandomSource random = RandomSource.Seeded(seed);
        SwarmHarness swarm = new(_options, Key(8), seed: seed) { ClosesAtOnce = false };
        var requests = new List<long>();
        var refreshes = new List<long>();
        var connections = new HashSet<long>();
        var queries = new List<long>();
        var sessions = new List<long>();
        for (int i = 0; i < 300; i++)
        {
            Step(swarm, random, requests, refreshes, connections, queries, sessions);
            swarm.Drain();
            foreach (SwarmCommand command in swarm.Commands)
            {
                long? query = command switch
                {
                    SwarmCommand.Lookup c => c.QueryId,
                    SwarmCommand.Announce c => c.QueryId,
                    SwarmCommand.LookupAndUnannounce c => c.QueryId,
                    SwarmCommand.Unannounce c => c.QueryId,
                    _ => null,
                };
                queries.AddRange(query is { } id ? [id] : []);
                long? opened = command switch
                {
                    SwarmCommand.Dial c => c.ConnectionId,
                    SwarmCommand.Admit c => c.ConnectionId,
                    _ => null,
                };
                Assert.True(opened is not { } connection || connections.Add(connection));
            }

            swarm.Commands.Clear();
            SwarmMachine machine = swarm.Machine;
            Assert.InRange(machine.Connecting, 0, _options.MaxParallel);
            Assert.InRange(machine.OpenConnections, 0, _options.MaxClientConnections + _options.MaxServerConnections + 3);
            Assert.InRange(machine.Topics.Count(), 0, _options.MaxTopics);
            Assert.InRange(machine.Peers.Count, 0, _options.MaxKnownPeers + 9);
        }

        // Nobody answers any more: what was asked of a topic still comes to its end, and everything else when the node stops.
        swarm.Wait(TimeSpan.FromMinutes(30));
        if (!refreshes.TrueForAll(request => swarm.AnswerTo(request) is not null))
        {
            return false;
        }

        swarm.Ask((m, id, now) => m.Stop(id, now));
        swarm.Wait(TimeSpan.FromMinutes(30));
        return requests.TrueForAll(request => swarm.AnswerTo(request) is not null);
    }

    private static void Step(
        SwarmHarness swarm, RandomSource random, List<long> requests, List<long> refreshes, HashSet<long> connections, List<long> queries, List<long> sessions)
    {
        DiscoveryKey topic = Topic(random.NextInt32(4));
        PublicKey peer = Key(random.NextInt32(12));
        long connection = Any(connections.ToList());
        long query = Any(queries);
        long session = Any(sessions);
        IReadOnlyList<IPEndPoint> nodes = [.. Enumerable.Range(0, random.NextInt32(3)).Select(Address)];
        switch (random.NextInt32(21))
        {
            case 0 or 1:
                bool isServer = random.NextInt32(2) == 0;
                int? limit = random.NextInt32(2) == 0 ? null : random.NextInt32(4);
                if (swarm.Machine.TryJoin(topic, isServer, random.NextInt32(2) == 0, limit, swarm.Now, out long joined))
                {
                    sessions.Add(joined);
                }

                break;
            case 2:
                Ask((m, id, now) => m.EndSession(session, id, now));
                break;
            case 3:
                Ask((m, id, now) => m.Leave(topic, id, now));
                break;
            case 4:
                refreshes.Add(Ask((m, id, now) => m.RefreshSession(session, id, now)));
                break;
            case 5:
                refreshes.Add(Ask((m, id, _) => m.FlushSession(session, id)));
                break;
            case 6:
                Ask((m, id, now) => m.FlushAll(id, now));
                break;
            case 7 or 8:
                swarm.Do((m, now) => m.HandlePeerFound(query, peer, nodes, now));
                break;
            case 9:
                swarm.Do((m, now) => m.HandleQueryDone(query, nodes, random.NextInt32(3) == 0 ? "lost" : null, now));
                break;
            case 10:
                swarm.Do((m, now) => m.HandleListening(random.NextInt32(4) > 0, now));
                break;
            case 11 or 12:
                swarm.Do((m, now) => m.HandleOpened(connection, now));
                break;
            case 13:
                connections.Remove(connection);
                swarm.Do((m, now) => m.HandleClosed(connection, null, now));
                break;
            case 14:
                connections.Remove(connection);
                swarm.Do((m, now) => m.HandleDialFailed(connection, random.NextInt32(2) == 0, "unreachable", now));
                break;
            case 15:
                swarm.Do((m, now) => m.HandleIncoming(peer, now));
                break;
            case 16:
                swarm.Do((m, now) => m.HandleLocalPeer(topic, peer, nodes, now));
                break;
            case 17:
                Wish(swarm, random, peer, Ask);
                break;
            case 18:
                swarm.Do((m, now) => m.HandleNetworkChanged(now));
                break;
            case 19:
                swarm.Do((m, now) => m.HandleServiceRestarted(now));
                break;
            default:
                swarm.Wait(TimeSpan.FromMilliseconds(random.NextInt32(20_000)));
                break;
        }

        long Ask(Action<SwarmMachine, long, TimeSpan> wish)
        {
            requests.Add(swarm.Ask(wish));
            return requests[^1];
        }

        long Any(List<long> ids) => ids.Count == 0 ? 999_999 : ids[random.NextInt32(ids.Count)];
    }

    private static void Wish(SwarmHarness swarm, RandomSource random, PublicKey peer, Func<Action<SwarmMachine, long, TimeSpan>, long> ask)
    {
        switch (random.NextInt32(8))
        {
            case 0:
                swarm.Do((m, now) => m.JoinPeer(peer, now));
                break;
            case 1:
                swarm.Do((m, _) => m.LeavePeer(peer));
                break;
            case 2:
                swarm.Do((m, now) => m.Ban(peer, now));
                break;
            case 3:
                swarm.Do((m, _) => m.Unban(peer));
                break;
            case 4:
                ask((m, id, now) => m.Suspend(id, now));
                break;
            case 5:
                ask((m, id, now) => m.Resume(id, now));
                break;
            case 6:
                swarm.Do((m, now) => m.HandleServiceSuspended(now));
                break;
            default:
                swarm.Do((m, now) => m.HandleServiceResumed(now));
                break;
        }
    }
}
