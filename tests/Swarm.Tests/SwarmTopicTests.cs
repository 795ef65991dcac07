using System.Net;
using HyperActors.Crypto;
using static HyperActors.Swarm.Tests.SwarmHarness;

namespace HyperActors.Swarm.Tests;

public sealed class SwarmTopicTests
{
    private static readonly DiscoveryKey _topic = Topic(1);

    private readonly SwarmHarness _swarm = new();

    [Fact]
    public void A_client_looks_a_topic_up_and_never_listens()
    {
        _swarm.Join(_topic, isServer: false);
        Assert.Equal(_topic, _swarm.Take<SwarmCommand.Lookup>().Topic);
        Assert.Empty(_swarm.Commands);
    }

    [Fact]
    public void A_server_listens_before_it_announces_and_clears_what_a_former_life_left_only_once()
    {
        _swarm.Join(_topic);
        Assert.Empty(_swarm.TakeAll<SwarmCommand.Announce>());
        _swarm.Listening();
        SwarmCommand.Announce first = _swarm.Take<SwarmCommand.Announce>();
        Assert.True(first.ShouldClear);
        _swarm.Done(first.QueryId, Address(1), Address(2));
        _swarm.Wait(TimeSpan.FromMinutes(12));
        SwarmCommand.Announce second = _swarm.Take<SwarmCommand.Announce>();
        Assert.False(second.ShouldClear);
        Assert.Equal([Address(1), Address(2)], second.ClosestNodes);
    }

    [Fact]
    public void The_next_refresh_is_ten_to_twelve_minutes_after_the_last_has_ended()
    {
        var rests = new HashSet<TimeSpan>();
        for (ulong seed = 0; seed < 20; seed++)
        {
            var swarm = new SwarmHarness(seed: seed);
            swarm.Join(_topic, isServer: false);
            swarm.Done(swarm.Take<SwarmCommand.Lookup>().QueryId);
            TimeSpan rest = swarm.Machine.Deadline!.Value - swarm.Now;
            Assert.InRange(rest, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(12));
            rests.Add(rest);
        }

        Assert.True(rests.Count > 10, "chance has a say");
    }

    [Fact]
    public void A_refresh_that_comes_far_too_late_tells_of_sleep_and_is_drawn_anew()
    {
        _swarm.Join(_topic, isServer: false);
        _swarm.Done(_swarm.Take<SwarmCommand.Lookup>().QueryId);
        _swarm.Sleep(TimeSpan.FromHours(3));
        Assert.Empty(_swarm.Commands);
        Assert.Equal(1, _swarm.Machine.Statistics.Overdue);
        _swarm.Wait(TimeSpan.FromMinutes(2));
        _swarm.Take<SwarmCommand.Lookup>();
    }

    [Fact]
    public void Modes_of_all_sessions_count_and_a_change_gives_up_what_runs()
    {
        long client = _swarm.Join(_topic, isServer: false);
        long query = _swarm.Take<SwarmCommand.Lookup>().QueryId;
        _swarm.Join(_topic, isClient: false);
        Assert.Equal(query, _swarm.Take<SwarmCommand.CancelQuery>().QueryId);
        _swarm.Listening();
        _swarm.Take<SwarmCommand.Announce>();
        (DiscoveryKey topic, bool isServer, bool isClient, int sessions) = Assert.Single(_swarm.Machine.Topics);
        Assert.Equal((_topic, true, true, 2), (topic, isServer, isClient, sessions));
        _swarm.Ask((m, id, now) => m.EndSession(client, id, now));
        Assert.Equal(
            [(false, true), (true, true), (true, false)],
            _swarm.Events.OfType<SwarmMachineEvent.TopicChanged>().Select(e => (e.IsServer, e.IsClient)));
    }

    [Fact]
    public void Who_waits_for_a_refresh_that_is_overtaken_waits_for_the_one_that_overtook_it()
    {
        long session = _swarm.Join(_topic, isServer: false);
        long query = _swarm.Take<SwarmCommand.Lookup>().QueryId;
        long flush = _swarm.Ask((m, id, _) => m.FlushSession(session, id));
        _swarm.Join(_topic, isClient: false);
        _swarm.Failed(query);
        Assert.Null(_swarm.AnswerTo(flush));
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId);
        Assert.True(_swarm.AnswerTo(flush));
    }

    [Fact]
    public void When_the_last_server_goes_the_announcement_is_taken_back_while_the_client_stays()
    {
        _swarm.Join(_topic, isServer: false);
        _swarm.Take<SwarmCommand.Lookup>();
        long server = _swarm.Join(_topic);
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId, Address(1));
        long end = _swarm.Ask((m, id, now) => m.EndSession(server, id, now));
        SwarmCommand.LookupAndUnannounce query = _swarm.Take<SwarmCommand.LookupAndUnannounce>();
        Assert.Null(_swarm.AnswerTo(end));
        _swarm.Done(query.QueryId, Address(1));
        Assert.True(_swarm.AnswerTo(end));
        _swarm.Wait(TimeSpan.FromMinutes(12));
        _swarm.Take<SwarmCommand.Lookup>();
    }

    [Fact]
    public void Leaving_takes_the_announcement_back_from_the_nodes_that_hold_it()
    {
        long session = _swarm.Join(_topic);
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId, Address(1), Address(2));
        long end = _swarm.Ask((m, id, now) => m.EndSession(session, id, now));
        SwarmCommand.Unannounce unannounce = _swarm.Take<SwarmCommand.Unannounce>();
        Assert.Equal([Address(1), Address(2)], unannounce.ClosestNodes);
        Assert.Null(_swarm.AnswerTo(end));
        _swarm.Done(unannounce.QueryId);
        Assert.True(_swarm.AnswerTo(end));
        Assert.Empty(_swarm.Machine.Topics);
        Assert.Null(_swarm.Machine.Deadline);
    }

    [Fact]
    public void An_announcement_that_is_given_up_half_done_is_taken_back_from_the_old_nodes_and_the_new()
    {
        long session = _swarm.Join(_topic);
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId, Address(1));
        _swarm.Ask((m, id, now) => m.RefreshSession(session, id, now));
        long query = _swarm.Take<SwarmCommand.Announce>().QueryId;
        _swarm.Ask((m, id, now) => m.Leave(_topic, id, now));
        Assert.Equal(query, _swarm.Take<SwarmCommand.CancelQuery>().QueryId);
        Assert.Empty(_swarm.TakeAll<SwarmCommand.Unannounce>());
        _swarm.Done(query, Address(1), Address(3));
        Assert.Equal([Address(1), Address(3)], _swarm.Take<SwarmCommand.Unannounce>().ClosestNodes);
    }

    [Fact]
    public void Who_joins_again_while_the_topic_is_left_announces_only_after_it_was_taken_back()
    {
        _swarm.Join(_topic);
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId, Address(1));
        long left = _swarm.Ask((m, id, now) => m.Leave(_topic, id, now));
        SwarmCommand.Unannounce unannounce = _swarm.Take<SwarmCommand.Unannounce>();
        _swarm.Join(_topic);
        Assert.Empty(_swarm.Commands);
        _swarm.Done(unannounce.QueryId);
        Assert.True(_swarm.AnswerTo(left));
        Assert.True(_swarm.Take<SwarmCommand.Announce>().ShouldClear);
    }

    [Fact]
    public void Leaving_while_a_former_leave_still_runs_waits_for_both()
    {
        _swarm.Join(_topic);
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId, Address(1));
        _swarm.Ask((m, id, now) => m.Leave(_topic, id, now));
        long unannounce = _swarm.Take<SwarmCommand.Unannounce>().QueryId;
        long session = _swarm.Join(_topic);
        long end = _swarm.Ask((m, id, now) => m.EndSession(session, id, now));
        Assert.Null(_swarm.AnswerTo(end));
        _swarm.Done(unannounce);
        Assert.True(_swarm.AnswerTo(end));
        Assert.Empty(_swarm.TakeAll<SwarmCommand.Announce>());
    }

    [Fact]
    public void A_listener_that_fails_is_asked_for_again_with_the_next_refresh()
    {
        long session = _swarm.Join(_topic);
        long flush = _swarm.Ask((m, id, _) => m.FlushSession(session, id));
        _swarm.Take<SwarmCommand.Listen>();
        _swarm.Do((m, now) => m.HandleListening(false, now));
        Assert.False(_swarm.AnswerTo(flush));
        _swarm.Wait(TimeSpan.FromMinutes(2));
        _swarm.Listening();
        _swarm.Take<SwarmCommand.Announce>();
    }

    [Fact]
    public void A_listener_whose_network_begins_anew_before_it_answers_is_asked_for_again()
    {
        long session = _swarm.Join(_topic);
        long flush = _swarm.Ask((m, id, _) => m.FlushSession(session, id));
        _swarm.Take<SwarmCommand.Listen>();
        _swarm.Do((m, now) => m.HandleServiceRestarted(now));
        _swarm.Listening();
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId);
        Assert.True(_swarm.AnswerTo(flush));
    }

    [Fact]
    public void A_query_that_is_never_answered_is_given_up_and_tried_again_later()
    {
        long session = _swarm.Join(_topic, isServer: false);
        long flush = _swarm.Ask((m, id, _) => m.FlushSession(session, id));
        SwarmCommand.Lookup lookup = _swarm.Take<SwarmCommand.Lookup>();
        _swarm.Wait(_swarm.Options.QueryTimeout);
        Assert.Equal(lookup.QueryId, _swarm.Take<SwarmCommand.CancelQuery>().QueryId);
        Assert.False(_swarm.AnswerTo(flush));
        _swarm.Wait(TimeSpan.FromMinutes(12));
        _swarm.Take<SwarmCommand.Lookup>();
    }

    [Fact]
    public void A_limit_counts_peers_that_are_connected_already_and_nobody_twice()
    {
        long session = _swarm.Join(_topic, isServer: false, limit: 2);
        SwarmCommand.Lookup lookup = _swarm.Take<SwarmCommand.Lookup>();
        _swarm.Found(lookup.QueryId, Key(1), Key(1), Key(2), Key(3), Key(1));
        List<SwarmCommand.Dial> dials = _swarm.TakeAll<SwarmCommand.Dial>();
        Assert.Equal([Key(1), Key(2)], dials.Select(d => d.Peer));
        _swarm.Do((m, now) => m.HandleOpened(dials[0].ConnectionId, now));
        _swarm.Done(lookup.QueryId);
        _swarm.Ask((m, id, now) => m.RefreshSession(session, id, now));
        _swarm.Found(_swarm.Take<SwarmCommand.Lookup>().QueryId, Key(1), Key(4), Key(5));
        Assert.Equal([Key(4)], _swarm.TakeAll<SwarmCommand.Dial>().Select(d => d.Peer));
    }

    [Fact]
    public void A_pure_server_dials_nobody()
    {
        _swarm.Join(_topic, isClient: false);
        _swarm.Listening();
        _swarm.Found(_swarm.Take<SwarmCommand.Announce>().QueryId, Key(1));
        Assert.Empty(_swarm.Machine.Peers);
    }

    [Fact]
    public void The_local_network_serves_topics_that_are_looked_for_and_no_others()
    {
        _swarm.Join(_topic, isServer: false, limit: 1);
        IReadOnlyList<IPEndPoint> address = [Address(9)];
        _swarm.Do((m, now) => m.HandleLocalPeer(Topic(2), Key(1), address, now));
        Assert.Empty(_swarm.TakeAll<SwarmCommand.Dial>());
        _swarm.Do((m, now) => m.HandleLocalPeer(_topic, Key(1), address, now));
        Assert.Equal(address, _swarm.Take<SwarmCommand.Dial>().Relays);
        _swarm.Do((m, now) => m.HandleLocalPeer(_topic, Key(2), address, now));
        Assert.Empty(_swarm.TakeAll<SwarmCommand.Dial>());
    }

    [Fact]
    public void Topics_and_sessions_have_a_bound_that_counts_those_being_left()
    {
        var swarm = new SwarmHarness(new SwarmOptions { MaxTopics = 2, MaxSessions = 3 });
        swarm.Join(Topic(1), isServer: false);
        swarm.Join(Topic(2), isServer: false);
        Assert.False(swarm.Machine.TryJoin(Topic(3), false, true, null, swarm.Now, out _));
        swarm.Join(Topic(2), isServer: false);
        Assert.False(swarm.Machine.TryJoin(Topic(1), false, true, null, swarm.Now, out _));
        swarm.Ask((m, id, now) => m.Leave(Topic(2), id, now));
        Assert.False(swarm.Machine.TryJoin(Topic(3), false, true, null, swarm.Now, out _));
        swarm.Failed(swarm.TakeAll<SwarmCommand.Lookup>()[1].QueryId);
        swarm.Join(Topic(3), isServer: false);
    }

    [Fact]
    public void Stopping_leaves_every_topic_and_says_when_the_last_is_left()
    {
        _swarm.Join(Topic(1));
        _swarm.Join(Topic(2), isServer: false);
        _swarm.Listening();
        long lookup = _swarm.Take<SwarmCommand.Lookup>().QueryId;
        _swarm.Done(_swarm.Take<SwarmCommand.Announce>().QueryId, Address(1));
        long stop = _swarm.Ask((m, id, now) => m.Stop(id, now));
        _swarm.Failed(lookup);
        Assert.Null(_swarm.AnswerTo(stop));
        _swarm.Done(_swarm.Take<SwarmCommand.Unannounce>().QueryId);
        Assert.True(_swarm.AnswerTo(stop));
        Assert.False(_swarm.Machine.TryJoin(Topic(1), true, true, null, _swarm.Now, out _));
        Assert.Null(_swarm.Machine.Deadline);
    }

    [Fact]
    public void Another_network_has_every_topic_refreshed_and_every_connection_tried()
    {
        _swarm.Join(_topic, isServer: false);
        SwarmCommand.Lookup lookup = _swarm.Take<SwarmCommand.Lookup>();
        _swarm.Found(lookup.QueryId, Key(1), Key(2));
        List<SwarmCommand.Dial> dials = _swarm.TakeAll<SwarmCommand.Dial>();
        _swarm.Do((m, now) => m.HandleOpened(dials[0].ConnectionId, now));
        _swarm.Done(lookup.QueryId);
        _swarm.Do((m, now) => m.HandleNetworkChanged(now));
        _swarm.Take<SwarmCommand.Lookup>();
        Assert.Equal(dials[0].ConnectionId, _swarm.Take<SwarmCommand.KeepAlive>().ConnectionId);
    }
}
