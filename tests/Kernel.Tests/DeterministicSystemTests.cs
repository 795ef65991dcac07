using System.Security.Cryptography;

namespace HyperActors.Kernel.Tests;

public sealed class DeterministicSystemTests
{
    public sealed record Ball(int Hits);

    public sealed class Player : ReceiveActor, IWithTimers
    {
        public Player(int peers)
        {
            Receive<Ball>(ball =>
            {
                if (ball.Hits % 7 == 0)
                {
                    Timers.StartSingleTimer("serve", new Ball(ball.Hits - 1), TimeSpan.FromMilliseconds(ball.Hits));
                }
                else if (ball.Hits > 0)
                {
                    for (int i = 0; i < peers; i++)
                    {
                        Context.ActorSelection($"../player-{i}").Tell(new Ball(ball.Hits - 2), Self);
                    }
                }
            });
            ReceiveAsync<string>(async text =>
            {
                IActorRef sender = Sender;
                int answer = await Context.ActorSelection("../player-0").Ask<int>(1, TimeSpan.FromSeconds(1));
                sender.Tell(text + answer, Context.Self);
            });
            Receive<int>(n => Sender.Tell(n + 1, Self));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }

    private static (string Hash, List<string> Trace) Play(ulong seed)
    {
        var trace = new List<string>();
        using DeterministicSystem run = DeterministicSystem.Create(seed, new DeterministicSetup
        {
            Digest = m => m is Ball ball ? (ulong)ball.Hits : 0,
            Trace = trace.Add,
        });
        for (int i = 0; i < 3; i++)
        {
            run.System.ActorOf(Props.Create(() => new Player(3)), $"player-{i}");
        }

        run.System.ActorSelection("/user/player-*").Tell(new Ball(11), ActorRefs.NoSender);
        Task<string> asked = run.System.ActorSelection("/user/player-1").Ask<string>("x", TimeSpan.FromSeconds(5));
        run.Advance(TimeSpan.FromSeconds(1));
        run.Note("disk", [1, 2, 3]);
        Assert.Equal("x2", run.Run(asked));
        return (Convert.ToHexString(run.Journal.CurrentHash()), trace);
    }

    [Fact]
    public void The_same_seed_gives_the_same_journal()
    {
        (string hash, List<string> trace) = Play(42);
        (string again, List<string> traceAgain) = Play(42);
        Assert.Equal(trace, traceAgain);
        Assert.Equal(hash, again);
    }

    [Fact]
    public void Another_seed_gives_another_interleaving() => Assert.False(Play(1).Hash == Play(2).Hash);

    [Fact]
    public void The_journal_does_not_depend_on_the_process()
    {
        // Written down from another process: hash codes, addresses and load have no say in it. It changes only with
        // the order in which the engine does things, and is then written down anew.
        Assert.StartsWith("E0A37EE38A4E3ED8", Play(42).Hash, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_stands_still_until_it_is_moved()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1);
        var fired = new List<TimeSpan>();
        run.System.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromHours(1), () => fired.Add(run.Now));
        run.RunUntilIdle();
        Assert.Equal(TimeSpan.Zero, run.Now);
        run.Advance(TimeSpan.FromMinutes(59));
        Assert.Empty(fired);
        run.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal([TimeSpan.FromHours(1)], fired);
        Assert.Equal(TimeSpan.FromMinutes(61), run.Now);
    }

    [Fact]
    public void Running_until_something_holds_moves_time_no_further_than_needed()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1);
        int ticks = 0;
        run.System.Scheduler.Advanced.ScheduleRepeatedly(
            TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), () => ticks++);
        Assert.True(run.RunUntil(() => ticks == 3, TimeSpan.FromMinutes(1)));
        Assert.Equal(TimeSpan.FromSeconds(3), run.Now);
        Assert.False(run.RunUntil(() => ticks == 100, TimeSpan.FromSeconds(10)));
        Assert.Equal(TimeSpan.FromSeconds(13), run.Now);
    }

    [Fact]
    public void A_tell_from_another_thread_ends_the_run()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1);
        IActorRef player = run.System.ActorOf(Props.Create(() => new Player(1)), "player-0");
        run.RunUntilIdle();
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => player.Tell(1, ActorRefs.NoSender)));
        thread.Start();
        thread.Join();
        Assert.IsType<InvalidOperationException>(thrown);
        Assert.Throws<InvalidOperationException>(run.RunUntilIdle);
    }

    [Fact]
    public void The_whole_system_terminates_in_virtual_time()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1);
        run.System.ActorOf(Props.Create(() => new Player(1)), "player-0");
        run.Run(run.System.Terminate());
        Assert.True(run.System.WhenTerminated.IsCompletedSuccessfully);
    }

    [Fact]
    public void An_empty_journal_is_the_hash_of_nothing()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1);
        Assert.Equal(SHA256.HashData([]), run.Journal.CurrentHash());
    }
}
