namespace HyperActors.Kernel.Tests.Conformance;

public sealed class SupervisionConformance : ConformanceTest
{
    public sealed class Oops(string message) : Exception(message);

    /// <summary>Makes children, and treats their failures as the message of the cause says.</summary>
    public sealed class Parent : ReceiveActor
    {
        private readonly IActorRef _listener;
        private readonly SupervisorStrategy? _strategy;

        public Parent(IActorRef listener, SupervisorStrategy? strategy)
        {
            _listener = listener;
            _strategy = strategy;
            Receive<Make>(m => Sender.Tell(Context.ActorOf(m.Props, m.Name), Self));
            Receive<Oops>(e => throw e);
            Receive<string>(s => s == "children", _ => Sender.Tell(Context.GetChildren().Count(), Self));
            Receive<IActorRef>(child => Context.Stop(child));
        }

        protected override SupervisorStrategy SupervisorStrategy() => _strategy ?? new OneForOneStrategy(Decide);

        protected override void PostStop() => _listener.Tell("parent stopped", Self);

        private static Directive Decide(Exception e) => e switch
        {
            ActorInitializationException or ActorKilledException or DeathPactException => Directive.Stop,
            Oops { Message: "resume" } => Directive.Resume,
            Oops { Message: "stop" } => Directive.Stop,
            Oops { Message: "escalate" } => Directive.Escalate,
            Oops { Message: "decider" } => throw new InvalidOperationException("the decider itself"),
            _ => Directive.Restart,
        };
    }

    public sealed record Make(Props Props, string? Name);

    public sealed class Counting
    {
        private int _made;

        public int Made => Volatile.Read(ref _made);

        public int Next() => Interlocked.Increment(ref _made);
    }

    public sealed class Child : ReceiveActor
    {
        private readonly IActorRef _listener;
        private readonly int _serial;
        private int _count;

        public Child(IActorRef listener, Counting counting, int argument)
        {
            _listener = listener;
            _serial = counting.Next();
            Receive<Oops>(e => throw e);
            Receive<int>(n =>
            {
                _count += n;
                Sender.Tell(_count, Self);
            });
            Receive<string>(s => s == "argument", _ => Sender.Tell(argument, Self));
            Receive<string>(s => s == "serial", _ => Sender.Tell(_serial, Self));
            Receive<Props>(p => Sender.Tell(Context.ActorOf(p, "grandchild"), Self));
        }

        protected override void PreStart() => _listener.Tell($"start {_serial}", Self);

        protected override void PostStop() => _listener.Tell($"stop {_serial}", Self);

        protected override void PreRestart(Exception reason, object message)
        {
            _listener.Tell($"before restart {_serial} after {reason.Message}", Self);
            base.PreRestart(reason, message);
        }

        protected override void PostRestart(Exception reason)
        {
            _listener.Tell($"after restart {_serial} after {reason.Message}", Self);
            base.PostRestart(reason);
        }
    }

    public sealed class Broken : ReceiveActor
    {
        public Broken(Counting counting)
        {
            if (counting.Next() > 0)
            {
                throw new Oops("in the constructor");
            }
        }
    }

    public sealed class BrokenStart : ReceiveActor
    {
        protected override void PreStart() => throw new Oops("in PreStart");
    }

    public sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef subject, IActorRef listener, bool handles)
        {
            Context.Watch(subject);
            if (handles)
            {
                Receive<Terminated>(t => listener.Tell("saw it end", Self));
            }

            Receive<string>(s => s == "unwatch", _ =>
            {
                Context.Unwatch(subject);
                listener.Tell("unwatched", Self);
            });
            Receive<string>(s => s == "watch with", _ =>
            {
                Context.Unwatch(subject);
                Context.WatchWith(subject, "my own word");
            });
            Receive<string>(s => s == "my own word", s => listener.Tell(s, Self));
        }
    }

    /// <summary>Stands still in a handler until a gate opens.</summary>
    public sealed class Held : ReceiveActor
    {
        public Held(IActorRef listener, Task gate)
        {
            Receive<string>(s =>
            {
                listener.Tell(s, Self);
                Assert.True(gate.Wait(Patience));
            });
            Receive<int>(n => listener.Tell(n, Self));
        }
    }

    public sealed class Relative : ReceiveActor
    {
        public Relative(bool hasChild)
        {
            if (hasChild)
            {
                Context.ActorOf(Props.Create(() => new Relative(false)), "only");
            }

            Receive<string>(s => s == "parent", _ => Sender.Tell(Context.Parent, Self));
            Receive<string>(name => Sender.Tell(Context.Child(name), Self));
        }
    }

    private readonly Counting _counting = new();

    private IActorRef MakeParent(Probe probe, SupervisorStrategy? strategy = null) =>
        System.ActorOf(Props.Create(() => new Parent(probe.Ref, strategy)));

    private IActorRef MakeChild(Probe probe, IActorRef parent, string? name = null)
    {
        Counting counting = _counting;
        int argument = 7;
        return parent.Ask<IActorRef>(
            new Make(Props.Create(() => new Child(probe.Ref, counting, argument)), name), Patience).GetAwaiter().GetResult();
    }

    private static T Ask<T>(IActorRef actor, object message) =>
        actor.Ask<T>(message, Patience).GetAwaiter().GetResult();

    [Fact]
    public async Task A_restart_keeps_reference_and_mailbox_and_makes_a_new_instance()
    {
        Probe probe = CreateProbe();
        IActorRef child = MakeChild(probe, MakeParent(probe));
        probe.Expect("start 1");
        Assert.Equal(5, Ask<int>(child, 5));
        child.Tell(new Oops("x"), ActorRefs.NoSender);
        Task<int> behind = child.Ask<int>(1, Patience);
        probe.Expect("before restart 1 after x");
        probe.Expect("stop 1");
        probe.Expect("after restart 2 after x");
        probe.Expect("start 2");
        Assert.Equal(1, await behind);
        Assert.Equal(2, Ask<int>(child, "serial"));
    }

    [Fact]
    public void Arguments_of_the_constructor_are_evaluated_once()
    {
        Probe probe = CreateProbe();
        var source = new Counting();
        Counting made = _counting;
        Props props = Props.Create(() => new Child(probe.Ref, made, source.Next()));
        Assert.Equal(1, source.Made);
        IActorRef child = Ask<IActorRef>(MakeParent(probe), new Make(props, null));
        child.Tell(new Oops("x"), ActorRefs.NoSender);
        Assert.Equal(1, Ask<int>(child, "argument"));
        Assert.Equal(2, Ask<int>(child, "serial"));
        Assert.Equal(1, source.Made);
    }

    [Fact]
    public void Resuming_keeps_the_state()
    {
        Probe probe = CreateProbe();
        IActorRef child = MakeChild(probe, MakeParent(probe));
        Assert.Equal(5, Ask<int>(child, 5));
        child.Tell(new Oops("resume"), ActorRefs.NoSender);
        Assert.Equal(6, Ask<int>(child, 1));
        Assert.Equal(1, Ask<int>(child, "serial"));
    }

    [Fact]
    public void Stopping_ends_the_child_and_spares_its_siblings()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        IActorRef sibling = MakeChild(probe, parent);
        probe.Expect("start 1");
        IActorRef child = MakeChild(probe, parent);
        probe.Expect("start 2");
        probe.Watch(child);
        child.Tell(new Oops("stop"), ActorRefs.NoSender);
        probe.Expect("stop 2");
        probe.ExpectTerminated(child);
        Assert.Equal(1, Ask<int>(sibling, 1));
        Assert.Equal(1, Ask<int>(parent, "children"));
    }

    [Fact]
    public void Escalating_fails_the_parent_which_is_restarted_without_its_children()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        IActorRef child = probe.Watch(MakeChild(probe, parent));
        probe.Expect("start 1");
        child.Tell(new Oops("escalate"), ActorRefs.NoSender);
        object[] events = [probe.Next(), probe.Next(), probe.Next()];
        Assert.Contains("stop 1", events);
        Assert.Contains("parent stopped", events);
        Assert.Contains(events, e => e is Terminated t && t.ActorRef.Equals(child));
        Assert.Equal(0, Ask<int>(parent, "children"));
    }

    [Fact]
    public void A_decider_that_throws_fails_the_supervisor_itself()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        IActorRef child = MakeChild(probe, parent);
        probe.Expect("start 1");
        child.Tell(new Oops("decider"), ActorRefs.NoSender);
        probe.Expect<string>();
        probe.Expect<string>();
        Assert.Equal(0, Ask<int>(parent, "children"));
    }

    [Fact]
    public void A_restart_stops_the_children()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        IActorRef child = MakeChild(probe, parent);
        probe.Expect("start 1");
        Counting counting = _counting;
        IActorRef grandchild = Ask<IActorRef>(child, Props.Create(() => new Child(probe.Ref, counting, 0)));
        probe.Expect("start 2");
        child.Tell(new Oops("x"), ActorRefs.NoSender);
        probe.Expect("before restart 1 after x");
        probe.Expect("stop 1");
        probe.Expect("stop 2");
        probe.Expect("after restart 3 after x");
        probe.Expect("start 3");
        IActorRef again = Ask<IActorRef>(child, Props.Create(() => new Child(probe.Ref, counting, 0)));
        Assert.Equal(grandchild.Path, again.Path);
        Assert.NotEqual(grandchild, again);
    }

    [Fact]
    public void A_restart_storm_ends_with_the_retries()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(
            probe, new OneForOneStrategy(2, TimeSpan.FromMinutes(1), e => Directive.Restart));
        IActorRef child = probe.Watch(MakeChild(probe, parent));
        for (int i = 0; i < 10; i++)
        {
            child.Tell(new Oops("again"), ActorRefs.NoSender);
        }

        int starts = 0;
        while (probe.Next() is var next && next is not Terminated)
        {
            starts += next is string s && s.StartsWith("start", StringComparison.Ordinal) ? 1 : 0;
        }

        Assert.Equal(3, starts);
    }

    [Fact]
    public void All_for_one_restarts_them_all()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe, new AllForOneStrategy(e => Directive.Restart));
        IActorRef one = MakeChild(probe, parent);
        IActorRef other = MakeChild(probe, parent);
        Assert.Equal(3, Ask<int>(one, 3));
        Assert.Equal(3, Ask<int>(other, 3));
        one.Tell(new Oops("x"), ActorRefs.NoSender);
        Assert.Equal(1, Ask<int>(one, 1));

        // The other one's restart was told before the answer of the first one was possible.
        Assert.Equal(1, Ask<int>(other, 1));
    }

    [Fact]
    public void An_actor_that_cannot_be_constructed_is_stopped()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        Counting counting = _counting;
        IActorRef broken = Ask<IActorRef>(parent, new Make(Props.Create(() => new Broken(counting)), null));
        probe.Watch(broken);
        probe.ExpectTerminated(broken);
        IActorRef brokenStart = Ask<IActorRef>(parent, new Make(Props.Create(() => new BrokenStart()), null));
        probe.Watch(brokenStart);
        probe.ExpectTerminated(brokenStart);
        Assert.Equal(1, _counting.Made);
    }

    [Fact]
    public void The_cause_of_a_failed_construction_is_inside()
    {
        Probe probe = CreateProbe();
        var strategy = new OneForOneStrategy(e =>
        {
            probe.Ref.Tell(e, ActorRefs.NoSender);
            return Directive.Stop;
        });
        IActorRef parent = MakeParent(probe, strategy);
        Counting counting = _counting;
        Ask<IActorRef>(parent, new Make(Props.Create(() => new Broken(counting)), null));
        Assert.IsType<Oops>(probe.Expect<ActorInitializationException>().GetBaseException());
    }

    [Fact]
    public void Kill_fails_an_actor_and_by_default_that_is_its_end()
    {
        Probe probe = CreateProbe();
        IActorRef child = probe.Watch(MakeChild(probe, MakeParent(probe)));
        probe.Expect("start 1");
        child.Tell(Kill.Instance, ActorRefs.NoSender);
        probe.Expect("stop 1");
        probe.ExpectTerminated(child);
    }

    [Fact]
    public void A_poison_pill_waits_its_turn()
    {
        Probe probe = CreateProbe();
        IActorRef child = probe.Watch(MakeChild(probe, MakeParent(probe)));
        probe.Expect("start 1");
        child.Tell(4, probe.Ref);
        child.Tell(PoisonPill.Instance, ActorRefs.NoSender);
        probe.Expect(4);
        probe.Expect("stop 1");
        probe.ExpectTerminated(child);
    }

    [Fact]
    public void Stop_does_not_wait_for_what_is_in_the_mailbox()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        IActorRef child = probe.Watch(MakeChild(probe, parent));
        probe.Expect("start 1");
        parent.Tell(child, ActorRefs.NoSender);
        probe.Expect("stop 1");
        probe.ExpectTerminated(child);
    }

    [Fact]
    public void System_messages_go_before_what_waits_and_that_becomes_dead_letters()
    {
        Probe probe = CreateProbe();
        Probe letters = CreateProbe();
        System.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        IActorRef parent = MakeParent(probe);
        var gate = new TaskCompletionSource();
        Task opened = gate.Task;
        IActorRef held = probe.Watch(Ask<IActorRef>(parent, new Make(Props.Create(() => new Held(probe.Ref, opened)), null)));
        held.Tell("held", ActorRefs.NoSender);
        probe.Expect("held");
        for (int i = 1; i <= 3; i++)
        {
            held.Tell(i, ActorRefs.NoSender);
        }

        parent.Tell(held, ActorRefs.NoSender);
        Ask<int>(parent, "children");
        gate.SetResult();
        probe.ExpectTerminated(held);
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(i, letters.Expect<DeadLetter>().Message);
        }
    }

    [Fact]
    public void An_actor_knows_its_parent_and_its_children_by_name()
    {
        IActorRef parent = System.ActorOf(Props.Create(() => new Relative(true)), "parent");
        IActorRef child = Ask<IActorRef>(parent, "only");
        Assert.Equal("akka://conformance/user/parent/only", child.Path.ToString());
        Assert.Equal(parent, Ask<IActorRef>(child, "parent"));
        Assert.True(Ask<IActorRef>(parent, "nobody").IsNobody());
    }

    [Fact]
    public void Children_end_before_their_parent()
    {
        Probe probe = CreateProbe();
        IActorRef parent = probe.Watch(MakeParent(probe));
        MakeChild(probe, parent);
        probe.Expect("start 1");
        System.Stop(parent);
        probe.Expect("stop 1");
        probe.Expect("parent stopped");
        probe.ExpectTerminated(parent);
    }

    [Fact]
    public void Watching_the_dead_is_answered_at_once()
    {
        Probe probe = CreateProbe();
        IActorRef parent = probe.Watch(MakeParent(probe));
        System.Stop(parent);
        probe.Expect("parent stopped");
        probe.ExpectTerminated(parent);
        Probe late = CreateProbe();
        late.Watch(parent);
        late.ExpectTerminated(parent);
    }

    [Fact]
    public void Whoever_watches_and_does_not_handle_the_end_ends_too()
    {
        Probe probe = CreateProbe();
        Probe subject = CreateProbe();
        IActorRef watcher = probe.Watch(
            System.ActorOf(Props.Create(() => new Watcher(subject.Ref, probe.Ref, false))));
        System.Stop(subject.Ref);
        probe.ExpectTerminated(watcher);
    }

    [Fact]
    public void After_unwatching_no_end_is_reported()
    {
        Probe probe = CreateProbe();
        Probe subject = CreateProbe();
        IActorRef watcher = System.ActorOf(Props.Create(() => new Watcher(subject.Ref, probe.Ref, true)));
        watcher.Tell("unwatch", ActorRefs.NoSender);
        probe.Expect("unwatched");
        probe.Watch(subject.Ref);
        System.Stop(subject.Ref);
        probe.ExpectTerminated(subject.Ref);
        watcher.Tell("unwatch", ActorRefs.NoSender);
        probe.Expect("unwatched");
    }

    [Fact]
    public void An_end_can_be_reported_in_the_watchers_own_words()
    {
        Probe probe = CreateProbe();
        Probe subject = CreateProbe();
        IActorRef watcher = System.ActorOf(Props.Create(() => new Watcher(subject.Ref, probe.Ref, true)));
        watcher.Tell("watch with", ActorRefs.NoSender);
        Assert.Equal(watcher, Ask<ActorIdentity>(watcher, new Identify(1)).Subject);
        System.Stop(subject.Ref);
        probe.Expect("my own word");
    }

    [Fact]
    public void A_supervisor_that_fails_is_restarted_by_its_own()
    {
        Probe probe = CreateProbe();
        IActorRef parent = MakeParent(probe);
        parent.Tell(new Oops("parent"), ActorRefs.NoSender);
        probe.Expect("parent stopped");
        Assert.Equal(0, Ask<int>(parent, "children"));
    }

    [Fact]
    public void Back_off_starts_a_failed_child_again_after_a_pause()
    {
        Probe probe = CreateProbe();
        Counting counting = _counting;
        Props child = Props.Create(() => new Child(probe.Ref, counting, 0));
        IActorRef supervisor = System.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(
            child, "child", TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(50), 0.2, 2)
            .WithManualReset()));
        probe.Expect("start 1");
        probe.Watch(supervisor);
        supervisor.Tell(new Oops("x"), ActorRefs.NoSender);
        probe.Expect("stop 1");
        probe.Expect("start 2");
        Assert.Equal(1, Ask<BackoffSupervisor.RestartCount>(supervisor, BackoffSupervisor.GetRestartCount.Instance).Count);
        Assert.Equal(9, Ask<int>(supervisor, 9));
    }

    [Fact]
    public void Back_off_starts_a_child_that_stopped_again_as_often_as_it_may()
    {
        Probe probe = CreateProbe();
        Counting counting = _counting;
        Props child = Props.Create(() => new Child(probe.Ref, counting, 0));
        IActorRef supervisor = probe.Watch(System.ActorOf(BackoffSupervisor.Props(Backoff.OnStop(
            child, "child", TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(50), 0.2, 1).WithManualReset())));
        for (int life = 1; life <= 2; life++)
        {
            probe.Expect($"start {life}");
            Ask<BackoffSupervisor.CurrentChild>(supervisor, BackoffSupervisor.GetCurrentChild.Instance)
                .Ref!.Tell(PoisonPill.Instance, ActorRefs.NoSender);
            probe.Expect($"stop {life}");
        }

        probe.ExpectTerminated(supervisor);
    }

    [Fact]
    public void While_it_pauses_back_off_answers_for_its_child()
    {
        Probe probe = CreateProbe();
        Counting counting = _counting;
        Props child = Props.Create(() => new Child(probe.Ref, counting, 0));
        IActorRef supervisor = System.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(
            child, "child", TimeSpan.FromHours(1), TimeSpan.FromHours(2), 0.2, -1).WithReplyWhileStopped("pausing")));
        probe.Expect("start 1");
        IActorRef paused = Ask<BackoffSupervisor.CurrentChild>(supervisor, BackoffSupervisor.GetCurrentChild.Instance).Ref!;
        Probe watcher = CreateProbe();
        watcher.Watch(paused);
        supervisor.Tell(new Oops("x"), ActorRefs.NoSender);
        watcher.ExpectTerminated(paused);
        Assert.Equal("pausing", Ask<object>(supervisor, 9));
    }
}
