namespace HyperActors.Kernel.Tests.Conformance;

public sealed class ShutdownConformance : ConformanceTest
{
    public sealed class Resident : ReceiveActor
    {
        private readonly Action _ended;

        public Resident(Action ended) => _ended = ended;

        protected override void PostStop() => _ended();
    }

    private static void Add(List<string> log, string what)
    {
        lock (log)
        {
            log.Add(what);
        }
    }

    private static Task<Done> Note(List<string> log, string what)
    {
        Add(log, what);
        return Task.FromResult(Done.Instance);
    }

    [Fact]
    public async Task Phases_run_one_after_another_and_end_the_system()
    {
        var log = new List<string>();
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(System);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "stop", () => Note(log, "stop"));
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "before", () => Note(log, "before"));
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "unbind", () => Note(log, "unbind"));
        Action ended = () => Add(log, "actor ended");
        System.ActorOf(Props.Create(() => new Resident(ended)));
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
        Assert.Equal(["before", "unbind", "stop", "actor ended"], log);
        Assert.Same(CoordinatedShutdown.ClrExitReason.Instance, shutdown.ShutdownReason);
        Assert.True(System.WhenTerminated.IsCompleted);
    }

    [Fact]
    public async Task A_task_that_fails_does_not_keep_the_system_from_ending()
    {
        var log = new List<string>();
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(System);
        shutdown.AddTask(
            CoordinatedShutdown.PhaseServiceStop, "fails", () => throw new InvalidOperationException("no"));
        shutdown.AddTask(
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate, "after", () => Note(log, "after"));
        await shutdown.Run(CoordinatedShutdown.UnknownReason.Instance);
        Assert.Equal(["after"], log);
    }

    [Fact]
    public async Task Running_twice_is_running_once()
    {
        int runs = 0;
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(System);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "count", () =>
        {
            Interlocked.Increment(ref runs);
            return Task.FromResult(Done.Instance);
        });
        await Task.WhenAll(
            shutdown.Run(CoordinatedShutdown.UnknownReason.Instance),
            shutdown.Run(CoordinatedShutdown.UnknownReason.Instance));
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Terminating_runs_the_phases_too()
    {
        var log = new List<string>();
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(System);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "stop", () => Note(log, "stop"));
        await System.Terminate();
        Assert.Equal(["stop"], log);
        Assert.Same(CoordinatedShutdown.ActorSystemTerminateReason.Instance, shutdown.ShutdownReason);
    }

    [Fact]
    public void A_phase_that_does_not_exist_takes_no_task() => Assert.Throws<ConfigurationException>(
        () => CoordinatedShutdown.Get(System).AddTask("some day", "never", () => Task.FromResult(Done.Instance)));

    [Fact]
    public async Task Terminating_ends_every_actor_and_then_calls_back()
    {
        var log = new List<string>();
        Action ended = () => Add(log, "actor ended");
        System.ActorOf(Props.Create(() => new Resident(ended)));
        System.RegisterOnTermination(() => Add(log, "callback"));
        await System.Terminate();
        Assert.Equal(["actor ended", "callback"], log);
    }
}
