namespace HyperActors.Swarm;

/// <content>Sleep and waking.</content>
/// <remarks>
/// <code>
/// running --Suspend--> leaving (topics unannounced, connections closed) --> service suspends --> suspended
/// suspended --Resume--> service resumes --> running
/// </code>
/// What is wished for in between is done when the step that runs has ended.
/// </remarks>
public sealed partial class SwarmMachine
{
    private readonly List<long> _suspendRequests = [];
    private readonly List<long> _resumeRequests = [];
    private Phase _phase;
    private bool _shouldSuspend;
    private Service? _service;

    private enum Phase
    {
        Running,
        Beginning,
        Leaving,
        ServiceSuspending,
        Suspended,
        ServiceResuming,
    }

    /// <summary>Takes announcements back, closes connections, and has the network below closed. Answered when it is.</summary>
    public void Suspend(long requestId, TimeSpan now)
    {
        _shouldSuspend = true;
        _suspendRequests.Add(requestId);
        AnswerAll(_resumeRequests, false);
        ContinueSuspend(now);
    }

    /// <summary>Goes on where <see cref="Suspend"/> stopped. Answered when the network below is open again.</summary>
    public void Resume(long requestId, TimeSpan now)
    {
        _shouldSuspend = false;
        _resumeRequests.Add(requestId);
        AnswerAll(_suspendRequests, false);
        ContinueSuspend(now);
    }

    /// <summary>The network below is closed.</summary>
    public void HandleServiceSuspended(TimeSpan now)
    {
        if (_phase == Phase.ServiceSuspending)
        {
            _alarms.Set(_service!, null);
            _phase = Phase.Suspended;
            ContinueSuspend(now);
        }
    }

    /// <summary>The network below is open again.</summary>
    public void HandleServiceResumed(TimeSpan now)
    {
        if (_phase != Phase.ServiceResuming)
        {
            return;
        }

        _alarms.Set(_service!, null);
        _phase = Phase.Running;
        IsSuspended = false;
        foreach (TopicDiscovery topic in _topics.Values.ToArray())
        {
            StartRefresh(topic, now);
            Report(topic);
        }

        Attempt(now);
        ContinueSuspend(now);
    }

    private void ContinueSuspend(TimeSpan now)
    {
        switch (_phase)
        {
            case Phase.Running when _shouldSuspend:
                BeginToLeave(now);
                break;
            case Phase.Running:
                AnswerAll(_resumeRequests, true);
                break;
            case Phase.Leaving when _connections.Count == 0 && _topics.Values.All(t => !t.IsAborting):
                _phase = Phase.ServiceSuspending;
                _rests.Clear();
                foreach (SwarmPeer peer in _peers.Values.ToArray())
                {
                    peer.IsWaiting = false;
                    ForgetMaybe(peer);
                }

                ClearQueue();
                Ask(new SwarmCommand.SuspendService(), HandleServiceSuspended, now);
                break;
            case Phase.Suspended when _shouldSuspend:
                AnswerAll(_suspendRequests, true);
                break;
            case Phase.Suspended:
                _phase = Phase.ServiceResuming;
                Ask(new SwarmCommand.ResumeService(), HandleServiceResumed, now);
                break;
        }
    }

    private void BeginToLeave(TimeSpan now)
    {
        // What ends in the middle of this must not be taken for the end of all.
        _phase = Phase.Beginning;
        IsSuspended = true;
        foreach (TopicDiscovery topic in _topics.Values.ToArray())
        {
            Report(topic);
            Abort(topic, now);
        }

        foreach (Connection connection in _connections.Values.ToArray())
        {
            Close(connection, "the swarm is suspended", now);
        }

        _phase = Phase.Leaving;
        ContinueSuspend(now);
    }

    private void Ask(SwarmCommand command, Action<TimeSpan> giveUp, TimeSpan now)
    {
        _service = new Service(giveUp);
        _alarms.Set(_service, now + _options.ServiceTimeout);
        _commands.Enqueue(command);
    }

    private void AnswerAll(List<long> requests, bool succeeded)
    {
        requests.ForEach(requestId => Answer(requestId, succeeded));
        requests.Clear();
    }
}
