namespace HyperActors.Kernel;

/// <content>Failing, restarting, resuming, stopping.</content>
internal sealed partial class ActorCell
{
    /// <summary>Who failed: this actor, or the child whose failure it passes on. Null while all is well.</summary>
    private ActorCell? _failedBy;

    private Exception? _recreateCause;

    /// <summary>Restarts of this actor, for introspection.</summary>
    internal int Restarts { get; private set; }

    /// <summary>Stops listening, and leaves the decision to the supervisor.</summary>
    private void HandleInvokeFailure(Exception cause, ActorCell? failedChild)
    {
        if (_failedBy is not null)
        {
            System.Report(new Error(cause, Path.ToString(), GetType(), $"Failed again while failing: {cause.Message}"));
            return;
        }

        _failedBy = failedChild ?? this;
        SuspendUserMessages();
        KeepCurrentEnvelope();
        SuspendChildren(failedChild);
        _parent.SendSystem(new Failed(this, cause));
    }

    /// <summary>The message at hand outlasts this turn: it leaves its slot.</summary>
    private void KeepCurrentEnvelope()
    {
        if (_actor is { KeptMessage: null } actor && CurrentMessage is { } message)
        {
            actor.KeepEnvelope(message, CurrentSender);
        }
    }

    private void HandleFailed(Failed failed)
    {
        // Only a failure of a child that is still known counts: its successor of the same name did nothing wrong.
        if (!HasChild(failed.Child))
        {
            return;
        }

        if (_actor is not { } actor)
        {
            Stop(failed.Child);
            return;
        }

        // Here the sender is the child that failed: a decider may ask.
        actor.KeepEnvelope(failed.Cause, failed.Child);
        bool handled = actor.Strategy.HandleFailure(this, failed.Child, failed.Cause);
        actor.ForgetEnvelope();
        if (!handled)
        {
            HandleInvokeFailure(failed.Cause, failed.Child);
        }
    }

    private void FaultRecreate(Exception cause)
    {
        DropAsyncTurn();
        if (_actor is not { } failedActor)
        {
            FaultCreate();
            return;
        }

        if (_suspended == 0)
        {
            SuspendUserMessages();
        }

        _timers?.CancelAll();
        try
        {
            failedActor.InvokePreRestart(cause, failedActor.KeptMessage);
        }
        catch (Exception e)
        {
            var wrapped = new PreRestartException(this, e, cause, failedActor.KeptMessage);
            System.Report(new Error(wrapped, Path.ToString(), failedActor.GetType(), e.Message));
        }

        Dispose(failedActor);
        DropActor();
        _recreateCause = cause;
        AwaitChildren(Phase.AwaitingChildrenToRecreate);
    }

    /// <summary>Goes on at once when no stopped child is left, and otherwise with the last one's end.</summary>
    private void AwaitChildren(Phase phase)
    {
        _phase = phase;
        if (_stopping is null || _stopping.Count == 0)
        {
            ContinueAfterChildren();
        }
    }

    private void ContinueAfterChildren()
    {
        switch (_phase)
        {
            case Phase.AwaitingChildrenToRecreate:
                FinishRecreate();
                break;
            case Phase.AwaitingChildrenToCreate:
                FinishCreate();
                break;
            case Phase.AwaitingChildrenToTerminate:
                FinishTerminate();
                break;
        }
    }

    private void FinishRecreate()
    {
        Exception cause = _recreateCause!;
        _recreateCause = null;
        _phase = Phase.Running;
        ActorCell[] survivors = SnapshotOfChildren();
        ResumeUserMessages();
        _failedBy = null;
        Restarts++;
        try
        {
            NewActor().InvokePostRestart(cause);
            foreach (ActorCell survivor in survivors)
            {
                survivor.SendSystem(new Recreate(cause));
            }
        }
        catch (Exception e)
        {
            DropActor();
            HandleInvokeFailure(new PostRestartException(this, e, cause), null);
        }
    }

    private void FaultResume(Exception? causedByFailure)
    {
        if (_actor is null)
        {
            FaultCreate();
            return;
        }

        _actor.ForgetEnvelope();
        ActorCell? culprit = _failedBy;
        ResumeUserMessages();
        if (causedByFailure is not null)
        {
            _failedBy = null;
        }

        foreach (ActorCell child in SnapshotOfChildren())
        {
            // The child whose failure was passed on resumes from it; the others were only suspended.
            child.SendSystem(new Resume(ReferenceEquals(child, culprit) ? causedByFailure : null));
        }
    }

    private void FaultCreate()
    {
        SetReceiveTimeout(null);
        StopAllAndRemember();
        AwaitChildren(Phase.AwaitingChildrenToCreate);
    }

    private void FinishCreate()
    {
        ResumeUserMessages();
        _failedBy = null;
        _phase = Phase.New;
        try
        {
            Create();
        }
        catch (Exception e)
        {
            HandleInvokeFailure(e, null);
        }
    }

    /// <summary>Children that were told to stop and have not yet.</summary>
    private HashSet<ActorCell>? _stopping;

    private void StopAllAndRemember()
    {
        foreach (ActorCell child in SnapshotOfChildren())
        {
            StopChild(child);
        }
    }

    /// <summary>Stops a child of this cell, from inside its own turn, and minds that it is about to end.</summary>
    internal void StopChild(ActorCell child)
    {
        if (HasChild(child) && (_stopping ??= []).Add(child))
        {
            child.SendSystem(new Terminate());
        }
    }

    private void BeginTerminate()
    {
        if (_phase is Phase.Terminated or Phase.AwaitingChildrenToTerminate)
        {
            return;
        }

        DropAsyncTurn();
        SetReceiveTimeout(null);
        UnwatchAll();
        CloseToChildren();
        StopAllAndRemember();
        _phase = Phase.AwaitingChildrenToTerminate;
        if (_stopping is { Count: > 0 })
        {
            SuspendUserMessages();

            // What fails from here on is nobody's business any more.
            _failedBy = this;
        }
        else
        {
            FinishTerminate();
        }
    }

    private void FinishTerminate()
    {
        // The order is a promise: PostStop, then the parent frees the name, then watchers hear of it.
        try
        {
            if (_actor is { } actor)
            {
                _timers?.CancelAll();
                actor.InvokePostStop();
                Dispose(actor);
            }
        }
        catch (Exception e)
        {
            System.Report(new Error(e, Path.ToString(), Props.Type, e.Message));
        }

        _phase = Phase.Terminated;
        _timers?.CancelAll();
        CloseMailbox();
        System.Counters.Retire(this);
        _parent.SendSystem(new DeathWatchNotification(this, existenceConfirmed: true));
        TellWatchers();
        UnwatchAll();
        DropActor();
        _watch = null;
        _deferred = null;
        _front = null;
    }

    private void ChildTerminated(ActorCell child)
    {
        if (!RemoveChild(child))
        {
            return;
        }

        _stopping?.Remove(child);
        if (_actor is not null)
        {
            try
            {
                _actor.ChildTerminated(child);
            }
            catch (Exception e)
            {
                HandleInvokeFailure(e, null);
            }
        }

        if (IsAwaitingChildren && _stopping is null or { Count: 0 })
        {
            ContinueAfterChildren();
        }
    }

    /// <summary>Ends what belongs to one incarnation: timers and stash.</summary>
    private void Dispose(ActorBase actor)
    {
        _timers?.CancelAll();
        if (actor is IActorStash { Stash: ActorStash stash })
        {
            stash.UnstashAll();
        }

        if (actor is IDisposable disposable)
        {
            disposable.Dispose();
        }
    }
}
