namespace HyperActors.Kernel;

/// <summary>Stands at the root, above the users' and above the engine's actors. Takes no messages.</summary>
internal sealed class GuardianActor : ActorBase
{
    protected override bool Receive(object message) => false;

    /// <summary>A guardian that is restarted keeps its children: there is nothing in it that they could share.</summary>
    protected override void PreRestart(Exception reason, object message)
    {
    }

    /// <summary>The users' actors go first, the engine's next, the root last.</summary>
    internal override void ChildTerminated(ActorCell child)
    {
        ActorSystem system = Cell.System;
        if (ReferenceEquals(child, system.UserGuardian))
        {
            system.SystemGuardian.SendSystem(new Terminate());
        }
        else if (ReferenceEquals(child, system.SystemGuardian))
        {
            system.RootGuardian.SendSystem(new Terminate());
        }
    }
}

/// <summary>The parent of the root: hears of the end of the world.</summary>
internal sealed class BubbleWalker(ActorSystem system) : InternalRef
{
    public override ActorPath Path { get; } = ActorPath.RootOf(system.Address) / "bubble-walker";

    public override ActorSystem Home => system;

    public override void Tell(object message, IActorRef? sender)
    {
    }

    public override void SendSystem(SystemMessage message)
    {
        switch (message)
        {
            case DeathWatchNotification:
                system.AllActorsStopped();
                break;
            case Failed failed:
                failed.Child.SendSystem(new Terminate());
                break;
        }
    }
}
