using HyperActors.Crypto;
using static HyperActors.Swarm.Tests.SwarmHarness;

namespace HyperActors.Swarm.Tests;

public sealed class SwarmConnectionTests
{
    private static readonly DiscoveryKey _topic = Topic(1);

    [Fact]
    public void No_more_dials_run_at_a_time_than_may()
    {
        var swarm = new SwarmHarness();
        long query = Lookup(swarm);
        swarm.Found(query, [.. Enumerable.Range(1, 10).Select(Key)]);
        List<SwarmCommand.Dial> dials = swarm.TakeAll<SwarmCommand.Dial>();
        Assert.Equal(3, dials.Count);
        swarm.Do((m, now) => m.HandleOpened(dials[0].ConnectionId, now));
        swarm.Do((m, now) => m.HandleDialFailed(dials[1].ConnectionId, false, "unreachable", now));
        Assert.Equal(2, swarm.TakeAll<SwarmCommand.Dial>().Count);
        Assert.Equal(3, swarm.Machine.Connecting);
    }

    [Fact]
    public void Connections_in_and_out_never_exceed_their_maxima()
    {
        var swarm = new SwarmHarness(new SwarmOptions { MaxPeers = 5, MaxClientConnections = 2, MaxServerConnections = 3, MaxParallel = 10 });
        swarm.Found(Lookup(swarm), [.. Enumerable.Range(1, 10).Select(Key)]);
        Assert.Equal(2, swarm.TakeAll<SwarmCommand.Dial>().Count);
        for (int i = 20; i < 30; i++)
        {
            swarm.Do((m, now) => m.HandleIncoming(Key(i), now));
        }

        Assert.Equal(3, swarm.TakeAll<SwarmCommand.Admit>().Count);
        Assert.Equal(7, swarm.TakeAll<SwarmCommand.Refuse>().Count);
        swarm.Do((m, now) => m.JoinPeer(Key(40), now));
        Assert.Equal(Key(40), swarm.Take<SwarmCommand.Dial>().Peer);
    }

    [Fact]
    public void A_swarm_that_dials_nobody_more_still_lets_in_who_dials_it()
    {
        var swarm = new SwarmHarness(new SwarmOptions { MaxPeers = 2, MaxParallel = 10 });
        for (int i = 20; i < 200; i++)
        {
            swarm.Do((m, now) => m.HandleIncoming(Key(i), now));
        }

        Assert.Equal(180, swarm.TakeAll<SwarmCommand.Admit>().Count);
        swarm.Found(Lookup(swarm), Key(1), Key(2));
        Assert.Empty(swarm.TakeAll<SwarmCommand.Dial>());
        Assert.Empty(swarm.TakeAll<SwarmCommand.Refuse>());
    }

    [Fact]
    public void Other_limits_hold_at_once_for_dials_and_for_those_who_come_in()
    {
        var options = new SwarmOptions { MaxPeers = 1, MaxParallel = 10, MaxServerConnections = 1 };
        var swarm = new SwarmHarness(options);
        swarm.Do((m, now) => m.HandleIncoming(Key(20), now));
        swarm.Found(Lookup(swarm), Key(1), Key(2));
        Assert.Empty(swarm.TakeAll<SwarmCommand.Dial>());

        swarm.Do((m, now) => m.Reconfigure(options with { MaxPeers = 3, MaxServerConnections = 2 }, now));
        Assert.Equal(2, swarm.TakeAll<SwarmCommand.Dial>().Count);
        swarm.Do((m, now) => m.HandleIncoming(Key(21), now));
        Assert.Equal(2, swarm.TakeAll<SwarmCommand.Admit>().Count);

        swarm.Do((m, now) => m.Reconfigure(options, now));
        swarm.Do((m, now) => m.HandleIncoming(Key(22), now));
        Assert.Single(swarm.TakeAll<SwarmCommand.Refuse>());
        Assert.Empty(swarm.TakeAll<SwarmCommand.Close>());
    }

    [Fact]
    public void A_peer_that_was_asked_for_by_key_is_let_in_when_others_are_not()
    {
        var swarm = new SwarmHarness(new SwarmOptions { MaxServerConnections = 1 });
        swarm.Do((m, now) => m.HandleIncoming(Key(1), now));
        swarm.Do((m, now) => m.JoinPeer(Key(2), now));
        long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Do((m, now) => m.HandleDialFailed(dial, false, "unreachable", now));
        swarm.Do((m, now) => m.HandleIncoming(Key(2), now));
        swarm.Do((m, now) => m.HandleIncoming(Key(3), now));
        Assert.Equal(2, swarm.TakeAll<SwarmCommand.Admit>().Count);
        Assert.Single(swarm.TakeAll<SwarmCommand.Refuse>());
    }

    [Fact]
    public void A_dial_says_under_which_topics_the_peer_was_found_and_a_visitor_comes_without()
    {
        var swarm = new SwarmHarness();
        long first = Lookup(swarm);
        swarm.Join(Topic(2), isServer: false);
        swarm.Found(first, Key(1));
        swarm.Found(swarm.TakeAll<SwarmCommand.Lookup>()[0].QueryId, Key(1));
        long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Do((m, now) => m.HandleOpened(dial, now));
        long visitor = 0;
        swarm.Do((m, now) => visitor = m.HandleIncoming(Key(2), now));
        swarm.Do((m, now) => m.HandleOpened(visitor, now));
        List<SwarmMachineEvent.Connected> opened = [.. swarm.Events.OfType<SwarmMachineEvent.Connected>()];
        Assert.Equal([_topic, Topic(2)], opened[0].Topics);
        Assert.True(opened[0].IsInitiator);
        Assert.Empty(opened[1].Topics);
        Assert.False(opened[1].IsInitiator);
    }

    [Fact]
    public void Of_a_simultaneous_open_the_larger_key_keeps_the_stream_that_it_opened()
    {
        foreach ((PublicKey self, PublicKey peer) in new[] { (Key(9), Key(5)), (Key(5), Key(9)) })
        {
            var swarm = new SwarmHarness(self: self);
            swarm.Found(Lookup(swarm), peer);
            long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
            long incoming = 0;
            swarm.Do((m, now) => incoming = m.HandleIncoming(peer, now));
            if (self == Key(9))
            {
                Assert.Equal(incoming, swarm.Take<SwarmCommand.Refuse>().ConnectionId);
                Assert.Empty(swarm.TakeAll<SwarmCommand.Close>());
            }
            else
            {
                Assert.Equal(dial, swarm.Take<SwarmCommand.Close>().ConnectionId);
                Assert.Equal(incoming, swarm.Take<SwarmCommand.Admit>().ConnectionId);
            }
        }
    }

    [Fact]
    public void The_newcomer_is_admitted_only_when_the_stream_before_it_is_gone_and_the_newest_wins()
    {
        var swarm = new SwarmHarness { ClosesAtOnce = false };
        long first = Incoming(swarm, Key(1));
        swarm.Do((m, now) => m.HandleOpened(first, now));
        swarm.TakeAll<SwarmCommand.Admit>();
        long second = Incoming(swarm, Key(1));
        long third = Incoming(swarm, Key(1));
        Assert.Empty(swarm.TakeAll<SwarmCommand.Admit>());
        Assert.Equal(second, swarm.Take<SwarmCommand.Refuse>().ConnectionId);
        Assert.Equal(first, swarm.Take<SwarmCommand.Close>().ConnectionId);
        swarm.Do((m, now) => m.HandleClosed(first, null, now));
        Assert.Equal(third, swarm.Take<SwarmCommand.Admit>().ConnectionId);
    }

    [Fact]
    public void A_stream_that_never_says_that_it_is_closed_does_not_hold_the_place_of_the_next()
    {
        var swarm = new SwarmHarness { ClosesAtOnce = false };
        long first = Incoming(swarm, Key(1));
        swarm.Do((m, now) => m.HandleOpened(first, now));
        swarm.TakeAll<SwarmCommand.Admit>();
        long second = Incoming(swarm, Key(1));
        swarm.Wait(swarm.Options.ServiceTimeout);
        Assert.Equal(second, swarm.Take<SwarmCommand.Admit>().ConnectionId);
    }

    [Fact]
    public void A_dial_without_an_answer_is_given_up_and_an_answer_that_comes_too_late_is_closed()
    {
        var swarm = new SwarmHarness();
        swarm.Found(Lookup(swarm), Key(1));
        long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Wait(swarm.Options.DialTimeout);
        Assert.Equal(dial, swarm.Take<SwarmCommand.Close>().ConnectionId);
        Assert.Single(swarm.Events.OfType<SwarmMachineEvent.DialFailed>());
        swarm.Do((m, now) => m.HandleOpened(dial, now));
        Assert.Equal(dial, swarm.Take<SwarmCommand.Close>().ConnectionId);
    }

    [Fact]
    public void A_peer_that_is_lost_soon_is_dialled_again_with_growing_rests_and_then_given_up()
    {
        var swarm = new SwarmHarness();
        swarm.Found(Lookup(swarm), Key(1));
        var times = new List<TimeSpan>();
        for (int i = 0; i < 4; i++)
        {
            long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
            swarm.Do((m, now) => m.HandleDialFailed(dial, false, "unreachable", now));
            TimeSpan failed = swarm.Now;
            swarm.Wait(i == 3 ? TimeSpan.FromMinutes(1) : swarm.Machine.Deadline!.Value - swarm.Now);
            while (i < 3 && !swarm.Commands.OfType<SwarmCommand.Dial>().Any())
            {
                swarm.Wait(swarm.Machine.Deadline!.Value - swarm.Now);
            }

            times.Add(swarm.Now - failed);
        }

        Assert.Empty(swarm.TakeAll<SwarmCommand.Dial>());
        Assert.Empty(swarm.Machine.Peers);
        Assert.InRange(times[0], TimeSpan.FromSeconds(5 * 0.66), TimeSpan.FromSeconds(6.5 * 1.33));
        Assert.InRange(times[1], TimeSpan.FromSeconds(15 * 0.66), TimeSpan.FromSeconds(17.5 * 1.33));
        Assert.InRange(times[2], TimeSpan.FromSeconds(15 * 0.66), TimeSpan.FromSeconds(17.5 * 1.33));
    }

    [Fact]
    public void A_connection_that_lasted_is_dialled_again_soon_however_often_it_is_lost()
    {
        var swarm = new SwarmHarness();
        swarm.Found(Lookup(swarm), Key(1));
        for (int i = 0; i < 10; i++)
        {
            long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
            swarm.Do((m, now) => m.HandleOpened(dial, now));
            swarm.Wait(TimeSpan.FromSeconds(20));
            swarm.Do((m, now) => m.HandleClosed(dial, "lost", now));
            swarm.Wait(TimeSpan.FromSeconds(3));
        }
    }

    [Fact]
    public void A_peer_to_whom_no_hole_can_be_punched_is_dialled_through_a_relay_at_once()
    {
        var swarm = new SwarmHarness();
        swarm.Found(Lookup(swarm), Key(1));
        SwarmCommand.Dial first = swarm.Take<SwarmCommand.Dial>();
        Assert.False(first.ShouldForceRelay);
        swarm.Do((m, now) => m.HandleDialFailed(first.ConnectionId, true, "no hole", now));
        swarm.Wait(TimeSpan.FromSeconds(9));
        Assert.True(swarm.Take<SwarmCommand.Dial>().ShouldForceRelay);
    }

    [Fact]
    public void A_banned_peer_is_closed_not_dialled_and_not_let_in_until_the_ban_is_taken_back()
    {
        var swarm = new SwarmHarness();
        long query = Lookup(swarm);
        swarm.Found(query, Key(1));
        long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Do((m, now) => m.HandleOpened(dial, now));
        swarm.Do((m, now) => m.Ban(Key(1), now));
        Assert.Equal(dial, swarm.Take<SwarmCommand.Close>().ConnectionId);
        swarm.Found(query, Key(1));
        swarm.Do((m, now) => m.HandleIncoming(Key(1), now));
        swarm.Take<SwarmCommand.Refuse>();
        swarm.Wait(TimeSpan.FromMinutes(1));
        Assert.Empty(swarm.TakeAll<SwarmCommand.Dial>());
        swarm.Do((m, _) => m.Unban(Key(1)));
        swarm.Do((m, now) => m.HandleIncoming(Key(1), now));
        swarm.Take<SwarmCommand.Admit>();
        Assert.Single(swarm.Events.OfType<SwarmMachineEvent.Banned>());
        Assert.Single(swarm.Events.OfType<SwarmMachineEvent.Unbanned>());
    }

    [Fact]
    public void The_firewall_is_asked_both_ways_and_strangers_that_it_turns_away_are_not_remembered()
    {
        var swarm = new SwarmHarness(firewall: key => key == Key(1) || key == Key(2));
        swarm.Found(Lookup(swarm), Key(1));
        Assert.Empty(swarm.TakeAll<SwarmCommand.Dial>());
        Assert.True(Assert.Single(swarm.Machine.Peers).IsBanned);
        swarm.Do((m, now) => m.HandleIncoming(Key(2), now));
        swarm.Take<SwarmCommand.Refuse>();
        Assert.Single(swarm.Machine.Peers);
        Assert.Equal(2, swarm.Machine.Statistics.FirewallRejected);
    }

    [Fact]
    public void The_node_never_meets_itself()
    {
        var swarm = new SwarmHarness(self: Key(1));
        swarm.Found(Lookup(swarm), Key(1));
        swarm.Do((m, now) => m.JoinPeer(Key(1), now));
        swarm.Do((m, now) => m.Ban(Key(1), now));
        swarm.Do((m, now) => m.HandleIncoming(Key(1), now));
        swarm.Take<SwarmCommand.Refuse>();
        Assert.Empty(swarm.Commands);
        Assert.Empty(swarm.Machine.Peers);
    }

    [Fact]
    public void Peers_beyond_the_bound_are_not_taken_up_but_those_asked_for_are()
    {
        var swarm = new SwarmHarness(new SwarmOptions { MaxKnownPeers = 5, MaxParallel = 1 });
        swarm.Found(Lookup(swarm), [.. Enumerable.Range(1, 20).Select(Key)]);
        Assert.Equal(5, swarm.Machine.Peers.Count);
        Assert.Equal(15, swarm.Machine.Statistics.PeersNotTaken);
        swarm.Do((m, now) => m.JoinPeer(Key(30), now));
        Assert.Equal(6, swarm.Machine.Peers.Count);
    }

    [Fact]
    public void A_flush_waits_for_lookups_and_then_until_everybody_was_tried_once()
    {
        var swarm = new SwarmHarness();
        long query = Lookup(swarm);
        long flush = swarm.Ask((m, id, now) => m.FlushAll(id, now));
        swarm.Found(query, Key(1), Key(2), Key(3), Key(4));
        swarm.Done(query);
        List<SwarmCommand.Dial> dials = swarm.TakeAll<SwarmCommand.Dial>();
        swarm.Do((m, now) => m.HandleOpened(dials[0].ConnectionId, now));
        swarm.Do((m, now) => m.HandleDialFailed(dials[1].ConnectionId, false, "unreachable", now));
        swarm.Do((m, now) => m.HandleOpened(dials[2].ConnectionId, now));
        Assert.Null(swarm.AnswerTo(flush));
        long last = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Do((m, now) => m.HandleOpened(last, now));
        Assert.True(swarm.AnswerTo(flush));
        Assert.True(swarm.AnswerTo(swarm.Ask((m, id, now) => m.FlushAll(id, now))));
    }

    [Fact]
    public void A_flush_does_not_wait_for_peers_for_whom_there_is_no_room()
    {
        var swarm = new SwarmHarness(new SwarmOptions { MaxPeers = 1 });
        long query = Lookup(swarm);
        swarm.Found(query, Key(1), Key(2));
        swarm.Done(query);
        long flush = swarm.Ask((m, id, now) => m.FlushAll(id, now));
        Assert.Null(swarm.AnswerTo(flush));
        long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Do((m, now) => m.HandleOpened(dial, now));
        Assert.True(swarm.AnswerTo(flush));
    }

    [Fact]
    public void Suspending_takes_all_back_in_order_and_resuming_begins_anew()
    {
        var swarm = new SwarmHarness { ClosesAtOnce = false };
        swarm.Join(_topic);
        swarm.Listening();
        long announce = swarm.Take<SwarmCommand.Announce>().QueryId;
        swarm.Found(announce, Key(1));
        long dial = swarm.Take<SwarmCommand.Dial>().ConnectionId;
        swarm.Do((m, now) => m.HandleOpened(dial, now));
        swarm.Done(announce, Address(1));

        long suspend = swarm.Ask((m, id, now) => m.Suspend(id, now));
        Assert.Equal(dial, swarm.Take<SwarmCommand.Close>().ConnectionId);
        long unannounce = swarm.Take<SwarmCommand.Unannounce>().QueryId;
        swarm.Do((m, now) => m.HandleIncoming(Key(2), now));
        swarm.Take<SwarmCommand.Refuse>();
        swarm.Done(unannounce);
        Assert.Empty(swarm.Commands);
        swarm.Do((m, now) => m.HandleClosed(dial, null, now));
        swarm.Take<SwarmCommand.SuspendService>();
        Assert.Null(swarm.AnswerTo(suspend));
        swarm.Do((m, now) => m.HandleServiceSuspended(now));
        Assert.True(swarm.AnswerTo(suspend));
        Assert.Null(swarm.Machine.Deadline);

        long resume = swarm.Ask((m, id, now) => m.Resume(id, now));
        swarm.Take<SwarmCommand.ResumeService>();
        swarm.Do((m, now) => m.HandleServiceResumed(now));
        Assert.True(swarm.AnswerTo(resume));
        swarm.Found(swarm.Take<SwarmCommand.Announce>().QueryId, Key(1));
        swarm.Take<SwarmCommand.Dial>();
    }

    [Fact]
    public void A_wish_to_resume_that_comes_too_early_is_kept_and_the_wish_before_it_is_answered()
    {
        var swarm = new SwarmHarness();
        Lookup(swarm);
        swarm.Join(_topic, isServer: false);
        long suspend = swarm.Ask((m, id, now) => m.Suspend(id, now));
        long resume = swarm.Ask((m, id, now) => m.Resume(id, now));
        Assert.False(swarm.AnswerTo(suspend));
        Assert.Null(swarm.AnswerTo(resume));
        swarm.Failed(swarm.Take<SwarmCommand.CancelQuery>().QueryId);
        swarm.Take<SwarmCommand.SuspendService>();
        swarm.Do((m, now) => m.HandleServiceSuspended(now));
        swarm.Take<SwarmCommand.ResumeService>();
        swarm.Do((m, now) => m.HandleServiceResumed(now));
        Assert.True(swarm.AnswerTo(resume));
        swarm.Take<SwarmCommand.Lookup>();
    }

    [Fact]
    public void A_network_that_never_answers_does_not_keep_the_swarm_from_sleep()
    {
        var swarm = new SwarmHarness { ClosesAtOnce = false };
        long query = Lookup(swarm);
        swarm.Found(query, Key(1));
        long suspend = swarm.Ask((m, id, now) => m.Suspend(id, now));
        swarm.Wait(swarm.Options.QueryTimeout + swarm.Options.ServiceTimeout);
        Assert.True(swarm.AnswerTo(suspend));
    }

    private static long Lookup(SwarmHarness swarm)
    {
        swarm.Join(_topic, isServer: false);
        return swarm.Take<SwarmCommand.Lookup>().QueryId;
    }

    private static long Incoming(SwarmHarness swarm, PublicKey peer)
    {
        long id = 0;
        swarm.Do((m, now) => id = m.HandleIncoming(peer, now));
        return id;
    }
}
