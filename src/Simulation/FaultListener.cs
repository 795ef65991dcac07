using HyperActors.Abstractions;
using HyperActors.Storage;

namespace HyperActors.Simulation;

/// <summary>Hears what the engine reports, and tells of everything that is a fault of ours: disks may fail, code may not.</summary>
internal sealed class FaultListener : ReceiveActor
{
    public FaultListener(Action<string> fail)
    {
        Receive<Error>(e =>
        {
            if (!IsFaultOfTheWorld(e.Cause))
            {
                fail($"{e.LogSource} failed: {e.Message} {e.Cause}");
            }
        });
        Receive<UnhandledMessage>(m => fail($"{m.Recipient} has no handler for {m.Message}"));
    }

    public static void Subscribe(ActorSystem system, Action<string> fail)
    {
        IActorRef listener = system.ActorOf(Props.Create(() => new FaultListener(fail)), "faults");
        system.EventStream.Subscribe(listener, typeof(Error));
        system.EventStream.Subscribe(listener, typeof(UnhandledMessage));
    }

    private static bool IsFaultOfTheWorld(Exception? cause) => cause switch
    {
        SimulatedDiskException or DiskFullException => true,

        // A process may die while it makes a feed, and leave a directory without one.
        FeedConflictException => true,
        ActorInitializationException or FeedFailedException => IsFaultOfTheWorld(cause.InnerException),
        _ => false,
    };
}
