namespace HyperActors.Kernel.Tests.Conformance;

public sealed class BehaviorConformance : ConformanceTest
{
    public sealed class Switch : ReceiveActor
    {
        public Switch() => Off();

        private void Off()
        {
            Receive<string>(s => s == "on", _ => Become(On));
            Receive<string>(s => s == "stack", _ => BecomeStacked(On));
            Receive<string>(s => s == "state", _ => Sender.Tell("off", Self));
        }

        private void On()
        {
            Receive<string>(s => s == "off", _ => UnbecomeStacked());
            Receive<string>(s => s == "state", _ => Sender.Tell("on", Self));
        }
    }

    public sealed class Chooser : ReceiveActor
    {
        public Chooser(IActorRef listener)
        {
            Receive<int>(n => n > 10, n => listener.Tell("big", Self));
            Receive<int>(n => n < 0 && Told(listener, "negative"));
            Receive<int>(_ => listener.Tell("small", Self));
            Receive<IEnumerable<char>>(_ => listener.Tell("letters", Self));
            ReceiveAny(_ => listener.Tell("any", Self));
            try
            {
                Receive<int>(_ => { });
            }
            catch (InvalidOperationException)
            {
                listener.Tell("closed", Self);
            }
        }

        private bool Told(IActorRef listener, string what)
        {
            listener.Tell(what, Self);
            return true;
        }
    }

    public sealed class Door : ReceiveActor, IWithUnboundedStash
    {
        private readonly IActorRef _listener;

        public Door(IActorRef listener)
        {
            _listener = listener;
            Closed();
        }

        public IStash Stash { get; set; } = null!;

        private void Closed()
        {
            Receive<string>(s => s == "open", _ =>
            {
                Become(Open);
                Stash.UnstashAll();
            });
            Receive<string>(s => s == "twice", _ =>
            {
                Stash.Stash();
                try
                {
                    Stash.Stash();
                }
                catch (IllegalActorStateException)
                {
                    _listener.Tell("once is enough", Self);
                }
            });
            ReceiveAny(_ => Stash.Stash());
        }

        private void Open() => ReceiveAny(m => _listener.Tell(m, Sender));
    }

    public sealed class Sleeper : ReceiveActor
    {
        public Sleeper(IActorRef listener, Task gate)
        {
            ReceiveAsync<string>(async s =>
            {
                IActorRef sender = Sender;
                listener.Tell("begin " + s, Self);
                await gate;
                listener.Tell("end " + s, Context.Self);
                sender.Tell(s, Self);
            });
            Receive<int>(n => listener.Tell(n, Self));
        }
    }

    public sealed class AsyncFailer : ReceiveActor
    {
        private readonly IActorRef _listener;

        public AsyncFailer(IActorRef listener)
        {
            _listener = listener;
            ReceiveAsync<string>(async s =>
            {
                await Task.Yield();
                throw new InvalidOperationException(s);
            });
            Receive<int>(n => listener.Tell(n, Self));
        }

        protected override void PostRestart(Exception reason)
        {
            _listener.Tell("restarted by " + reason.Message, Self);
            base.PostRestart(reason);
        }
    }

    public sealed class Ticker : ReceiveActor, IWithTimers
    {
        public Ticker(IActorRef listener)
        {
            Timers.StartPeriodicTimer("tick", "tick", TimeSpan.FromMilliseconds(5));
            Timers.StartSingleTimer("replaced", "never", TimeSpan.FromMilliseconds(1));
            Timers.StartSingleTimer("replaced", "once", TimeSpan.FromMilliseconds(1));
            Timers.StartSingleTimer("called off", "never", TimeSpan.FromMilliseconds(1));
            Timers.Cancel("called off");
            int ticks = 0;
            Receive<string>(s => s == "tick", _ =>
            {
                if (++ticks == 3)
                {
                    Timers.Cancel("tick");
                    listener.Tell(Timers.IsTimerActive("tick") ? "ticking" : "ticked", Self);
                }
            });
            ReceiveAny(m => listener.Tell(m, Self));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }

    public sealed class Idler : ReceiveActor
    {
        public Idler(IActorRef listener)
        {
            SetReceiveTimeout(TimeSpan.FromMilliseconds(10));
            Receive<ReceiveTimeout>(_ =>
            {
                SetReceiveTimeout(null);
                listener.Tell("idle", Self);
            });
        }
    }

    public sealed class Plain : UntypedActor
    {
        private readonly IActorRef _listener;

        public Plain(IActorRef listener) => _listener = listener;

        protected override void OnReceive(object message)
        {
            if (message is "become")
            {
                Become(m => _listener.Tell("became " + m, Self));
            }
            else
            {
                Unhandled(message);
            }
        }
    }

    [Fact]
    public async Task A_behaviour_replaces_another_and_gives_way_to_the_one_below()
    {
        IActorRef actor = System.ActorOf(Props.Create(() => new Switch()));
        Assert.Equal("off", await actor.Ask<string>("state", Patience));
        foreach (string how in (string[])["on", "stack"])
        {
            actor.Tell(how, ActorRefs.NoSender);
            Assert.Equal("on", await actor.Ask<string>("state", Patience));
            actor.Tell("off", ActorRefs.NoSender);
            Assert.Equal("off", await actor.Ask<string>("state", Patience));
        }
    }

    [Fact]
    public void Handlers_are_tried_in_the_order_in_which_they_were_given()
    {
        Probe probe = CreateProbe();
        IActorRef actor = System.ActorOf(Props.Create(() => new Chooser(probe.Ref)));
        probe.Expect("closed");
        foreach ((object message, string answer) in
            ((object, string)[])[(11, "big"), (1, "small"), (-1, "negative"), ("abc", "letters"), ('c', "any")])
        {
            actor.Tell(message, ActorRefs.NoSender);
            probe.Expect(answer);
        }
    }

    [Fact]
    public void Stashed_messages_come_back_in_order_before_what_waits()
    {
        Probe probe = CreateProbe();
        IActorRef door = System.ActorOf(Props.Create(() => new Door(probe.Ref)));
        foreach (object message in (object[])["a", "b", "twice", "open", "c"])
        {
            door.Tell(message, probe.Ref);
        }

        probe.Expect("once is enough");
        foreach (string expected in (string[])["a", "b", "twice", "c"])
        {
            probe.Expect(expected);
        }
    }

    [Fact]
    public void What_no_handler_takes_is_published_as_unhandled()
    {
        Probe probe = CreateProbe();
        System.EventStream.Subscribe(probe.Ref, typeof(UnhandledMessage));
        IActorRef actor = System.ActorOf(Props.Create(() => new Switch()));
        actor.Tell(1.5, ActorRefs.NoSender);
        UnhandledMessage unhandled = probe.Expect<UnhandledMessage>();
        Assert.Equal(1.5, unhandled.Message);
        Assert.Equal(actor, unhandled.Recipient);
    }

    [Fact]
    public void While_a_handler_awaits_user_messages_wait()
    {
        Probe probe = CreateProbe();
        var gate = new TaskCompletionSource();
        Task opened = gate.Task;
        IActorRef actor = System.ActorOf(Props.Create(() => new Sleeper(probe.Ref, opened)));
        actor.Tell("x", probe.Ref);
        actor.Tell(1, probe.Ref);
        probe.Expect("begin x");
        probe.ExpectNothingBefore("marker");
        gate.SetResult();
        probe.Expect("end x");
        probe.Expect("x");
        probe.Expect(1);
    }

    [Fact]
    public void While_a_handler_awaits_system_messages_do_not_wait()
    {
        Probe probe = CreateProbe();
        var gate = new TaskCompletionSource();
        Task opened = gate.Task;
        IActorRef actor = probe.Watch(System.ActorOf(Props.Create(() => new Sleeper(probe.Ref, opened))));
        actor.Tell("x", probe.Ref);
        probe.Expect("begin x");
        System.Stop(actor);
        probe.ExpectTerminated(actor);
    }

    [Fact]
    public void What_a_handler_throws_after_an_await_fails_the_actor()
    {
        Probe probe = CreateProbe();
        IActorRef actor = System.ActorOf(Props.Create(() => new AsyncFailer(probe.Ref)));
        actor.Tell("late", ActorRefs.NoSender);
        actor.Tell(1, ActorRefs.NoSender);
        probe.Expect("restarted by late");
        probe.Expect(1);
    }

    [Fact]
    public void Timers_fire_by_key_and_a_new_one_replaces_the_old()
    {
        Probe probe = CreateProbe();
        System.ActorOf(Props.Create(() => new Ticker(probe.Ref)));
        object[] both = [probe.Next(), probe.Next()];
        Assert.Contains("once", both);
        Assert.Contains("ticked", both);
    }

    [Fact]
    public void An_actor_hears_that_it_heard_nothing()
    {
        Probe probe = CreateProbe();
        System.ActorOf(Props.Create(() => new Idler(probe.Ref)));
        probe.Expect("idle");
    }

    [Fact]
    public void An_untyped_actor_becomes_another_one()
    {
        Probe probe = CreateProbe();
        IActorRef plain = System.ActorOf(Props.Create(() => new Plain(probe.Ref)));
        plain.Tell("ignored", ActorRefs.NoSender);
        plain.Tell("become", ActorRefs.NoSender);
        plain.Tell("x", ActorRefs.NoSender);
        probe.Expect("became x");
    }

    [Fact]
    public void The_scheduler_tells_later_and_can_be_called_off()
    {
        Probe probe = CreateProbe();
        TimeSpan before = System.Scheduler.MonotonicClock;
        ICancelable off = System.Scheduler.ScheduleTellOnceCancelable(
            TimeSpan.FromMinutes(10), probe.Ref, "never", ActorRefs.NoSender);
        off.Cancel();
        Assert.True(off.IsCancellationRequested);
        System.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(30), probe.Ref, "later", ActorRefs.NoSender);
        probe.Expect("later");
        Assert.True(System.Scheduler.MonotonicClock - before >= TimeSpan.FromMilliseconds(29));
        ICancelable repeated = System.Scheduler.ScheduleTellRepeatedlyCancelable(
            TimeSpan.Zero, TimeSpan.FromMilliseconds(2), probe.Ref, "again", ActorRefs.NoSender);
        probe.Expect("again");
        probe.Expect("again");
        repeated.Cancel();
    }
}
