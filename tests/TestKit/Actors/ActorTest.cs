using System.Globalization;

namespace HyperActors.TestKit;

/// <summary>A test of actors: one thread, virtual time, one seed. xunit makes one of these for each test.</summary>
/// <remarks>
/// The seed is 1, or what <c>HYPERACTORS_RUN_SEED</c> says; every failed expectation names it, and setting that variable
/// to it repeats the run.
/// </remarks>
public abstract class ActorTest : IDisposable
{
    private int _probes;

    protected ActorTest()
        : this(SeedFromEnvironment())
    {
    }

    protected ActorTest(ulong seed, DeterministicSetup? setup = null)
    {
        Run = DeterministicSystem.Create(seed, setup ?? new DeterministicSetup());
        Events = new EventFilter(Run);
    }

    protected DeterministicSystem Run { get; }

    protected ActorSystem System => Run.System;

    /// <summary>What the engine reported: failures, dead letters, unhandled messages.</summary>
    protected EventFilter Events { get; }

    /// <summary>The seed that <c>HYPERACTORS_RUN_SEED</c> asks for, or 1.</summary>
    public static ulong SeedFromEnvironment() =>
        ulong.TryParse(
            Environment.GetEnvironmentVariable("HYPERACTORS_RUN_SEED"), CultureInfo.InvariantCulture, out ulong seed)
            ? seed
            : 1;

    protected TestProbe CreateProbe(string? name = null) => new(Run, name ?? $"probe-{++_probes}");

    /// <summary>Makes an actor and lets it start.</summary>
    protected IActorRef Start(Props props, string? name = null)
    {
        IActorRef actor = System.ActorOf(props, name);
        Run.RunUntilIdle();
        return actor;
    }

    /// <summary>Tells, and lets everything happen that follows at this moment.</summary>
    protected void Tell(IActorRef actor, object message, IActorRef? sender = null)
    {
        actor.Tell(message, sender);
        Run.RunUntilIdle();
    }

    /// <summary>Asks, and gives the answer; time passes as needed.</summary>
    protected T Ask<T>(ICanTell actor, object message, TimeSpan? timeout = null) =>
        Run.Run(actor.Ask<T>(message, timeout ?? TimeSpan.FromSeconds(10)));

    public virtual void Dispose()
    {
        Run.Dispose();
        GC.SuppressFinalize(this);
    }
}
