namespace HyperActors.Kernel.Tests;

public sealed class MailboxTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public sealed class Gate
    {
        public ManualResetEventSlim Opened { get; } = new();

        public ManualResetEventSlim Entered { get; } = new();
    }

    public sealed class Slow : ReceiveActor
    {
        public Slow(Gate gate)
        {
            int count = 0;
            Receive<string>(_ =>
            {
                gate.Entered.Set();
                Assert.True(gate.Opened.Wait(Patience));
            });
            Receive<int>(_ => count++);
            Receive<Type>(_ => Sender.Tell(count, Self));
        }
    }

    public sealed class Adder : ReceiveActor
    {
        public Adder()
        {
            long sum = 0;
            Receive<int>(n => sum += n);
            Receive<string>(_ => Sender.Tell(sum, Self));
        }
    }

    /// <summary>Wakes another actor and does not end before that one had its turn.</summary>
    public sealed class Awaiter : ReceiveActor
    {
        public Awaiter(IActorRef other, Gate gate)
        {
            Receive<int>(_ => other.Tell(gate, Self));
            Receive<string>(word =>
            {
                other.Tell(gate, Self);
                Sender.Tell(gate.Opened.Wait(Patience), Self);
            });
        }
    }

    public sealed class Opener : ReceiveActor
    {
        public Opener() => Receive<Gate>(gate => gate.Opened.Set());
    }

    /// <summary>Passes on what it gets until it is told to stop.</summary>
    public sealed class Juggler : ReceiveActor
    {
        public Juggler(Gate end)
        {
            IActorRef? other = null;
            Receive<IActorRef>(next => other = next);
            Receive<string>(ball =>
            {
                if (!end.Opened.IsSet)
                {
                    other!.Tell(ball, Self);
                }
            });
        }
    }

    private static ActorSystem Create()
    {
        var setup = new KernelSetup();
        setup.Mailboxes["datagrams"] = new MailboxSetup { Capacity = 10 };
        setup.Dispatchers["own-thread"] = new DispatcherSetup { Kind = DispatcherKind.Pinned };
        setup.Dispatchers["calling"] = new DispatcherSetup { Kind = DispatcherKind.CallingThread };
        return ActorSystem.Create("mailboxes", setup);
    }

    [Fact]
    public async Task A_full_mailbox_drops_and_counts_what_comes_beyond()
    {
        using ActorSystem system = Create();
        var gate = new Gate();
        IActorRef slow = system.ActorOf(Props.Create(() => new Slow(gate)).WithMailbox("datagrams"), "slow");
        slow.Tell("close", ActorRefs.NoSender);
        Assert.True(gate.Entered.Wait(Patience));
        for (int i = 0; i < 25; i++)
        {
            slow.Tell(i, ActorRefs.NoSender);
        }

        gate.Opened.Set();
        Assert.True(SpinWait.SpinUntil(() => Find(system.Counters.Tree(), "/user/slow").MailboxLength == 0, Patience));
        Assert.Equal(10, await slow.Ask<int>(typeof(int), Patience));
        ActorSnapshot snapshot = Find(system.Counters.Tree(), "/user/slow");
        Assert.Equal(15, snapshot.Dropped);
        Assert.Equal(15, system.Counters.Totals().Dropped);
    }

    [Fact]
    public void An_unknown_mailbox_or_dispatcher_is_refused_by_name()
    {
        using ActorSystem system = Create();
        Assert.Contains("nowhere", Assert.Throws<ConfigurationException>(
            () => system.ActorOf(Props.Create(() => new Adder()).WithMailbox("nowhere"))).Message, StringComparison.Ordinal);
        Assert.Contains("nobody", Assert.Throws<ConfigurationException>(
            () => system.ActorOf(Props.Create(() => new Adder()).WithDispatcher("nobody"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("own-thread")]
    [InlineData("calling")]
    public async Task Nothing_is_lost_or_doubled_whoever_tells_and_wherever_it_runs(string? dispatcher)
    {
        const int Tellers = 4;
        const int Each = 50_000;
        using ActorSystem system = Create();
        Props props = Props.Create(() => new Adder());
        IActorRef adder = system.ActorOf(dispatcher is null ? props : props.WithDispatcher(dispatcher));
        Thread[] tellers = [.. Enumerable.Range(0, Tellers).Select(_ => new Thread(() =>
        {
            for (int i = 1; i <= Each; i++)
            {
                adder.Tell(i, ActorRefs.NoSender);
            }
        }))];
        Array.ForEach(tellers, t => t.Start());
        Array.ForEach(tellers, t => t.Join());
        Assert.Equal(Tellers * (long)Each * (Each + 1) / 2, await adder.Ask<long>("sum", Patience));
    }

    [Fact]
    public async Task Going_to_rest_and_waking_loses_nothing()
    {
        using ActorSystem system = Create();
        IActorRef adder = system.ActorOf(Props.Create(() => new Adder()));
        for (int round = 1; round <= 2000; round++)
        {
            adder.Tell(1, ActorRefs.NoSender);
            Assert.Equal(round, await adder.Ask<long>("sum", Patience));
        }
    }

    [Fact]
    public void The_calling_thread_runs_the_turn_before_the_tell_returns()
    {
        using ActorSystem system = Create();
        int seen = 0;
        IActorRef actor = system.ActorOf(
            Props.Create<Marker>((Action)(() => seen = Environment.CurrentManagedThreadId)).WithDispatcher("calling"));
        actor.Tell("now", ActorRefs.NoSender);
        Assert.Equal(Environment.CurrentManagedThreadId, seen);
    }

    [Fact]
    public async Task A_pinned_actor_keeps_its_thread()
    {
        using ActorSystem system = Create();
        var threads = new HashSet<int>();
        IActorRef actor = system.ActorOf(
            Props.Create<Marker>((Action)(() => threads.Add(Environment.CurrentManagedThreadId))).WithDispatcher("own-thread"));
        for (int i = 0; i < 100; i++)
        {
            actor.Tell("x", ActorRefs.NoSender);
        }

        Assert.True(await actor.GracefulStop(Patience));
        Assert.Single(threads);
    }

    public sealed class Marker : ReceiveActor
    {
        public Marker(Action mark) => Receive<string>(_ => mark());
    }

    [Fact]
    public async Task A_handler_that_never_returns_keeps_nobody_else_waiting()
    {
        using ActorSystem system = Create();
        var gate = new Gate();
        IActorRef stuck = system.ActorOf(Props.Create(() => new Slow(gate)), "stuck");
        stuck.Tell("forever", ActorRefs.NoSender);
        Assert.True(gate.Entered.Wait(Patience));
        stuck.Tell(1, ActorRefs.NoSender);
        IActorRef other = system.ActorOf(Props.Create(() => new Adder()));
        Assert.Equal(0, await other.Ask<long>("sum", Patience));
        Assert.Equal(1, Find(system.Counters.Tree(), "/user/stuck").MailboxLength);
        gate.Opened.Set();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    public async Task What_a_handler_wakes_has_its_turn_though_the_handler_goes_on(int tellsBefore)
    {
        using ActorSystem system = Create();
        var gate = new Gate();
        IActorRef opener = system.ActorOf(Props.Create(() => new Opener()));
        IActorRef awaiter = system.ActorOf(Props.Create(() => new Awaiter(opener, gate)));
        for (int i = 0; i < tellsBefore; i++)
        {
            awaiter.Tell(i, ActorRefs.NoSender);
        }

        var answer = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef asker = system.ActorOf(Props.Create(() => new Listener(answer)));
        awaiter.Tell("wait", asker);
        Assert.Equal(true, await answer.Task.WaitAsync(Patience));
    }

    public sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<object> heard) => ReceiveAny(heard.SetResult);
    }

    [Fact]
    public async Task Pairs_that_wake_each_other_for_ever_leave_the_threads_to_others_too()
    {
        using ActorSystem system = Create();
        var end = new Gate();
        for (int pair = 0; pair < 4 * Environment.ProcessorCount; pair++)
        {
            IActorRef one = system.ActorOf(Props.Create(() => new Juggler(end)));
            IActorRef two = system.ActorOf(Props.Create(() => new Juggler(end)));
            one.Tell(two, ActorRefs.NoSender);
            two.Tell(one, ActorRefs.NoSender);
            one.Tell("ball", ActorRefs.NoSender);
        }

        var answer = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef listener = system.ActorOf(Props.Create(() => new Listener(answer)));
        listener.Tell("heard", ActorRefs.NoSender);
        Assert.Equal("heard", await answer.Task.WaitAsync(Patience));
        end.Opened.Set();
    }

    [Fact]
    public async Task An_actor_at_rest_holds_no_segment()
    {
        using ActorSystem system = Create();
        IActorRef adder = system.ActorOf(Props.Create(() => new Adder()));
        for (int i = 0; i < 10_000; i++)
        {
            adder.Tell(1, ActorRefs.NoSender);
        }

        Assert.Equal(10_000, await adder.Ask<long>("sum", Patience));
        Assert.True(SpinWait.SpinUntil(() => !((ActorCell)adder).HoldsSegment, Patience));
    }

    [Fact]
    public async Task Counters_tell_what_happened()
    {
        using ActorSystem system = Create();
        IActorRef adder = system.ActorOf(Props.Create(() => new Adder()), "adder");
        adder.Tell(1, ActorRefs.NoSender);
        await adder.Ask<long>("sum", Patience);
        Assert.True(SpinWait.SpinUntil(
            () => Find(system.Counters.Tree(), "/user/adder") is { Processed: 2, MailboxLength: 0 }, Patience));
        ActorSnapshot snapshot = Find(system.Counters.Tree(), "/user/adder");
        Assert.Equal(nameof(Adder), snapshot.Type);
        Assert.Equal(0, snapshot.Restarts);
        await adder.GracefulStop(Patience);
        adder.Tell(1, ActorRefs.NoSender);
        adder.Tell(2, ActorRefs.NoSender);
        Assert.Equal(2, system.Counters.DeadLetters[typeof(int)]);
        Assert.True(system.Counters.Totals().Processed >= 2);
    }

    private static ActorSnapshot Find(ActorSnapshot tree, string path) =>
        tree.Path == path
            ? tree
            : tree.Children.Select(c => path.StartsWith(c.Path, StringComparison.Ordinal) ? Find(c, path) : null)
                .First(f => f is not null)!;
}
