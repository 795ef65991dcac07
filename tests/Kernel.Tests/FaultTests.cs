namespace HyperActors.Kernel.Tests;

/// <summary>Whatever goes wrong has a defined end, in virtual time and for a seed.</summary>
public sealed class FaultTests : ActorTest
{
    public sealed class Fragile : ReceiveActor, IWithTimers, IWithStash
    {
        private readonly IActorRef _listener;

        public Fragile(IActorRef listener)
        {
            _listener = listener;
            Receive<Exception>(e => throw e);
            Receive<TimeSpan>(t => Timers.StartSingleTimer("later", "later", t));
            Receive<string>(s => s == "later", s => listener.Tell(s, Self));
            Receive<string>(s => s == "stash", _ => Stash.Stash());
            Receive<int>(n => listener.Tell(n, Sender));
            ReceiveAsync<Task>(async t =>
            {
                await t;
                listener.Tell("task ended", Self);
            });
        }

        public ITimerScheduler Timers { get; set; } = null!;

        public IStash Stash { get; set; } = null!;

        protected override void PreRestart(Exception reason, object message)
        {
            _listener.Tell("restarting with " + message.GetType().Name, Self);
            base.PreRestart(reason, message);
        }
    }

    private IActorRef MakeFragile(TestProbe probe) => Start(Props.Create(() => new Fragile(probe.Ref)));

    [Fact]
    public void A_handler_that_throws_is_reported_and_restarted_with_its_message_at_hand()
    {
        TestProbe probe = CreateProbe();
        IActorRef fragile = MakeFragile(probe);
        Events.ExpectOne<InvalidOperationException>(() => Tell(fragile, new InvalidOperationException("x")));
        probe.ExpectMsg("restarting with InvalidOperationException");
        Tell(fragile, 1);
        probe.ExpectMsg(1);
        Assert.Equal(1, ((ActorCell)fragile).Restarts);
    }

    [Fact]
    public void A_timer_of_an_earlier_instance_never_fires()
    {
        TestProbe probe = CreateProbe();
        IActorRef fragile = MakeFragile(probe);
        Tell(fragile, TimeSpan.FromSeconds(1));
        Tell(fragile, new InvalidOperationException());
        probe.ExpectMsg<string>();
        probe.ExpectNoMsg(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void A_timer_that_fired_and_was_called_off_before_its_turn_is_nothing()
    {
        TestProbe probe = CreateProbe();
        IActorRef fragile = MakeFragile(probe);
        Tell(fragile, TimeSpan.FromSeconds(2));
        Run.Advance(TimeSpan.FromSeconds(1));
        Tell(fragile, TimeSpan.FromSeconds(2));
        Run.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Empty(probe.TakeAll());
        Run.Advance(TimeSpan.FromSeconds(1));
        probe.ExpectMsg("later");
    }

    [Fact]
    public void A_restart_gives_back_what_was_stashed()
    {
        TestProbe probe = CreateProbe();
        IActorRef fragile = MakeFragile(probe);
        Tell(fragile, "stash");
        Tell(fragile, new InvalidOperationException());
        probe.ExpectMsg<string>();
        Run.System.Stop(fragile);
        Run.RunUntilIdle();
        Assert.Contains("stash", Events.DeadLetters);
    }

    [Fact]
    public void What_waits_when_an_actor_stops_is_a_dead_letter()
    {
        TestProbe probe = CreateProbe();
        IActorRef fragile = MakeFragile(probe);
        fragile.Tell(PoisonPill.Instance, ActorRefs.NoSender);
        fragile.Tell(1, ActorRefs.NoSender);
        fragile.Tell(2, ActorRefs.NoSender);
        Run.RunUntilIdle();
        Assert.Equal([1, 2], Events.DeadLetters.Cast<int>());
        Assert.Equal(2, System.Counters.DeadLetters[typeof(int)]);
    }

    [Fact]
    public void The_rest_of_a_handler_is_dropped_with_its_actor()
    {
        TestProbe probe = CreateProbe();
        IActorRef fragile = MakeFragile(probe);
        var gate = new TaskCompletionSource();
        Tell(fragile, gate.Task);
        System.Stop(fragile);
        Run.RunUntilIdle();
        gate.SetResult();
        probe.ExpectNoMsg();
    }

    [Fact]
    public void An_ask_that_nobody_answers_ends_in_virtual_time()
    {
        TestProbe silent = CreateProbe();
        Task<int> asked = silent.Ref.Ask<int>("anyone?", TimeSpan.FromHours(1));
        Assert.Throws<AskTimeoutException>(() => Run.Run(asked, TimeSpan.FromHours(2)));
        Assert.Equal(TimeSpan.FromHours(1), Run.Now);
        silent.ExpectMsg("anyone?");
        silent.Reply(1);
        Run.RunUntilIdle();
        Assert.Contains(1, Events.DeadLetters);
    }

    [Fact]
    public void A_failed_expectation_names_the_seed()
    {
        TestProbe probe = CreateProbe();
        ExpectationException failure = Assert.Throws<ExpectationException>(() => probe.ExpectMsg<int>());
        Assert.Contains($"seed {Run.Seed}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_phase_of_the_shutdown_that_hangs_ends_with_its_own_limit()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1, new DeterministicSetup
        {
            Kernel = new KernelSetup
            {
                ShutdownPhaseTimeout = TimeSpan.FromSeconds(2),
                ShutdownPhaseTimeouts = { [CoordinatedShutdown.PhaseServiceStop] = TimeSpan.FromSeconds(7) },
            },
        });
        var never = new TaskCompletionSource<Done>();
        var begun = new List<TimeSpan>();
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(run.System);
        foreach (string phase in (string[])[CoordinatedShutdown.PhaseServiceUnbind, CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseClusterLeave])
        {
            shutdown.AddTask(phase, "hangs", () =>
            {
                begun.Add(run.Now);
                return never.Task;
            });
        }

        run.Run(() => shutdown.Run(CoordinatedShutdown.UnknownReason.Instance), TimeSpan.FromMinutes(1));

        Assert.Equal([TimeSpan.Zero, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(9)], begun);
        Assert.True(run.System.WhenTerminated.IsCompleted);
    }

    [Fact]
    public void A_logger_that_throws_fails_nobody()
    {
        TestProbe probe = CreateProbe();
        using DeterministicSystem run = DeterministicSystem.Create(1, new DeterministicSetup
        {
            Kernel = new KernelSetup { LoggerFactory = new ThrowingLoggers() },
        });
        var heard = new TestProbe(run, "probe");
        IActorRef fragile = run.System.ActorOf(Props.Create(() => new Fragile(heard.Ref)));
        fragile.Tell(new InvalidOperationException(), ActorRefs.NoSender);
        fragile.Tell(1, ActorRefs.NoSender);
        heard.ExpectMsg<string>();
        heard.ExpectMsg(1);
    }

    [Fact]
    public void A_failure_is_logged_with_its_cause_and_the_path_of_its_actor()
    {
        TestProbe probe = CreateProbe();
        var loggers = new RecordingLoggers();
        using DeterministicSystem run = DeterministicSystem.Create(1, new DeterministicSetup
        {
            Kernel = new KernelSetup { LoggerFactory = loggers },
        });
        var heard = new TestProbe(run, "probe");
        IActorRef fragile = run.System.ActorOf(Props.Create(() => new Fragile(heard.Ref)), "fragile");
        var cause = new InvalidOperationException("x");
        fragile.Tell(cause, ActorRefs.NoSender);
        run.RunUntilIdle();
        (Exception? logged, string text) = Assert.Single(loggers.Written);
        Assert.Same(cause, logged);
        Assert.Contains("/user/fragile", text, StringComparison.Ordinal);
    }

    private sealed class RecordingLoggers : Microsoft.Extensions.Logging.ILoggerFactory, Microsoft.Extensions.Logging.ILogger
    {
        public List<(Exception? Cause, string Text)> Written { get; } = [];

        public void AddProvider(Microsoft.Extensions.Logging.ILoggerProvider provider)
        {
        }

        public Microsoft.Extensions.Logging.ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public void Log<TState>(
            Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state,
            Exception? exception, Func<TState, Exception?, string> formatter) => Written.Add((exception, formatter(state, exception)));

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }

    [Fact]
    public void A_top_level_actor_that_escalates_takes_nobody_along()
    {
        TestProbe probe = CreateProbe();
        IActorRef parent = Start(Props.Create(() => new Escalating(probe.Ref)));
        TestProbe bystander = CreateProbe();
        Tell(parent, new InvalidOperationException());
        Tell(bystander.Ref, "still here");
        bystander.ExpectMsg("still here");
        Tell(parent, "again");
        probe.ExpectMsg("again");
    }

    public sealed class Escalating : ReceiveActor
    {
        public Escalating(IActorRef listener)
        {
            IActorRef child = Context.ActorOf(Props.Create(() => new Fragile(listener)));
            Receive<Exception>(e => child.Tell(e, Self));
            Receive<string>(s => listener.Tell(s, Self));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Escalate);
    }

    [Fact]
    public void Interleavings_of_many_seeds_lose_no_message_through_restarts()
    {
        for (ulong seed = 1; seed <= 200; seed++)
        {
            using DeterministicSystem run = DeterministicSystem.Create(seed);
            var probe = new TestProbe(run, "probe");
            IActorRef fragile = run.System.ActorOf(Props.Create(() => new Fragile(probe.Ref)));
            for (int i = 0; i < 20; i++)
            {
                fragile.Tell(i % 5 == 4 ? new InvalidOperationException() : i, ActorRefs.NoSender);
            }

            run.RunUntilIdle();
            Assert.Equal(
                Enumerable.Range(0, 20).Where(i => i % 5 != 4), probe.TakeAll().OfType<int>());
        }
    }

    private sealed class ThrowingLoggers : Microsoft.Extensions.Logging.ILoggerFactory, Microsoft.Extensions.Logging.ILogger
    {
        public void AddProvider(Microsoft.Extensions.Logging.ILoggerProvider provider)
        {
        }

        public Microsoft.Extensions.Logging.ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public void Log<TState>(
            Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state,
            Exception? exception, Func<TState, Exception?, string> formatter) => throw new InvalidOperationException();

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }
}
