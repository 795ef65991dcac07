namespace HyperActors.Kernel.Tests.Conformance;

public sealed class TellAndAskConformance : ConformanceTest
{
    public sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(m => Sender.Tell(m, Self));
    }

    public sealed class Collector : ReceiveActor
    {
        private readonly Dictionary<IActorRef, int> _last = new();

        public Collector(IActorRef listener, int expected)
        {
            int count = 0;
            Receive<int>(n =>
            {
                if (_last.TryGetValue(Sender, out int last) && last + 1 != n)
                {
                    listener.Tell("out of order", Self);
                }

                _last[Sender] = n;
                if (++count == expected)
                {
                    listener.Tell("in order", Self);
                }
            });
        }
    }

    public sealed class Flooder : ReceiveActor
    {
        public Flooder(IActorRef target) => Receive<int>(count =>
        {
            for (int i = 0; i < count; i++)
            {
                target.Tell(i);
            }
        });
    }

    public sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef target) => ReceiveAny(m => target.Forward(m));
    }

    public sealed class Failer : ReceiveActor
    {
        public Failer()
        {
            Receive<string>(_ => Sender.Tell(new Status.Failure(new InvalidOperationException("no")), Self));
            Receive<int>(_ => Sender.Tell("a word", Self));
            Receive<double>(_ => Sender.Tell(null!, Self));
        }
    }

    [Fact]
    public async Task An_ask_gets_the_first_answer()
    {
        IActorRef echo = System.ActorOf(Props.Create(() => new Echo()));
        Assert.Equal("hello", await echo.Ask<string>("hello", Patience));
        Assert.Equal("hello", await echo.Ask("hello", Patience));
    }

    [Fact]
    public async Task An_ask_that_is_answered_with_a_failure_throws_its_cause()
    {
        IActorRef failer = System.ActorOf(Props.Create(() => new Failer()));
        await Assert.ThrowsAsync<InvalidOperationException>(() => failer.Ask<string>("x", Patience));
    }

    [Fact]
    public async Task An_ask_that_is_answered_with_another_type_throws()
    {
        IActorRef failer = System.ActorOf(Props.Create(() => new Failer()));
        Probe letters = CreateProbe();
        System.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        await Assert.ThrowsAsync<ArgumentException>(() => failer.Ask<int>(1, Patience));
        Assert.Equal("a word", letters.Expect<DeadLetter>().Message);
    }

    [Fact]
    public async Task Only_an_ask_for_a_status_gets_a_failure_as_it_is()
    {
        IActorRef failer = System.ActorOf(Props.Create(() => new Failer()));
        Assert.IsType<Status.Failure>(await failer.Ask<Status>("x", Patience));
        Assert.IsType<Status.Failure>(await failer.Ask<Status.Failure>("x", Patience));
        await Assert.ThrowsAsync<InvalidOperationException>(() => failer.Ask("x", Patience));
    }

    [Fact]
    public async Task An_answer_may_be_null()
    {
        IActorRef failer = System.ActorOf(Props.Create(() => new Failer()));
        Assert.Null(await failer.Ask<string>(2.5, Patience));
    }

    [Fact]
    public async Task An_ask_that_nobody_answers_ends_with_its_time()
    {
        Probe silent = CreateProbe();
        await Assert.ThrowsAsync<AskTimeoutException>(
            () => silent.Ref.Ask<string>("anyone?", TimeSpan.FromMilliseconds(20)));
    }

    [Fact]
    public async Task An_ask_that_is_called_off_is_cancelled()
    {
        Probe silent = CreateProbe();
        using var source = new CancellationTokenSource();
        Task<string> asked = silent.Ref.Ask<string>("anyone?", source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task Null_is_no_message()
    {
        IActorRef echo = System.ActorOf(Props.Create(() => new Echo()));

        // Akka.NET takes anything for an actor that has not started, and looks at it later.
        await echo.Ask("started?", Patience);
        Assert.Throws<ArgumentNullException>(() => echo.Tell(null!, ActorRefs.NoSender));
    }

    [Fact]
    public void Messages_of_one_sender_arrive_in_order_whatever_others_send()
    {
        const int Each = 20_000;
        Probe probe = CreateProbe();
        IActorRef collector = System.ActorOf(Props.Create(() => new Collector(probe.Ref, Each * 4)));
        for (int i = 0; i < 4; i++)
        {
            System.ActorOf(Props.Create(() => new Flooder(collector))).Tell(Each, ActorRefs.NoSender);
        }

        probe.Expect("in order");
    }

    [Fact]
    public void A_forwarded_message_keeps_its_sender()
    {
        Probe asker = CreateProbe();
        Probe target = CreateProbe();
        IActorRef forwarder = System.ActorOf(Props.Create(() => new Forwarder(target.Ref)));
        forwarder.Tell("on", asker.Ref);
        target.Expect("on");
        Assert.Equal(asker.Ref, target.LastSender);
    }

    [Fact]
    public void Whoever_subscribes_to_a_type_hears_of_its_subtypes_until_it_unsubscribes()
    {
        Probe probe = CreateProbe();
        Assert.True(System.EventStream.Subscribe(probe.Ref, typeof(Exception)));
        Assert.False(System.EventStream.Subscribe(probe.Ref, typeof(Exception)));
        var published = new InvalidOperationException();
        System.EventStream.Publish("another type");
        System.EventStream.Publish(published);
        Assert.Same(published, probe.Next());
        Assert.True(System.EventStream.Unsubscribe(probe.Ref, typeof(Exception)));
        System.EventStream.Publish(published);
        probe.ExpectNothingBefore("marker");
    }

    [Fact]
    public void Without_a_sender_answers_go_to_the_dead_letters()
    {
        Probe letters = CreateProbe();
        System.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        System.ActorOf(Props.Create(() => new Echo())).Tell("to nobody", ActorRefs.NoSender);
        Assert.Equal("to nobody", letters.Expect<DeadLetter>().Message);
    }

    [Fact]
    public void A_message_to_a_stopped_actor_is_a_dead_letter_with_its_recipient()
    {
        Probe letters = CreateProbe();
        IActorRef echo = letters.Watch(System.ActorOf(Props.Create(() => new Echo())));
        System.Stop(echo);
        letters.ExpectTerminated(echo);
        System.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        echo.Tell("late", letters.Ref);
        DeadLetter letter = letters.Expect<DeadLetter>();
        Assert.Equal("late", letter.Message);
        Assert.Equal(echo, letter.Recipient);
        Assert.Equal(letters.Ref, letter.Sender);
    }

    [Fact]
    public async Task A_task_is_piped_as_its_result_or_its_failure()
    {
        Probe probe = CreateProbe();
        await Task.FromResult("done").PipeTo(probe.Ref);
        probe.Expect("done");
        await Task.FromException<string>(new InvalidOperationException()).PipeTo(probe.Ref);
        Assert.IsType<InvalidOperationException>(probe.Expect<Status.Failure>().Cause);
        await Task.FromResult(3).PipeTo(probe.Ref, success: n => n + 1);
        probe.Expect(4);
        await Task.FromException(new InvalidOperationException()).PipeTo(probe.Ref, failure: e => e.GetType().Name);
        probe.Expect(nameof(InvalidOperationException));
    }

    [Fact]
    public async Task Graceful_stop_lets_the_mailbox_drain_first()
    {
        Probe probe = CreateProbe();
        IActorRef forwarder = System.ActorOf(Props.Create(() => new Forwarder(probe.Ref)));
        forwarder.Tell("first", ActorRefs.NoSender);
        Assert.True(await forwarder.GracefulStop(Patience));
        probe.Expect("first");
    }

    [Fact]
    public async Task Graceful_stop_says_when_it_was_not_in_time()
    {
        Probe deaf = CreateProbe();
        Assert.False(await deaf.Ref.GracefulStop(TimeSpan.FromMilliseconds(20), "not a poison pill"));
    }

    [Fact]
    public async Task Whoever_lives_at_a_path_can_be_found_by_it()
    {
        IActorRef echo = System.ActorOf(Props.Create(() => new Echo()), "known");
        Assert.Equal(echo, await System.ActorSelection("/user/known").ResolveOne(Patience));
        Assert.Equal("hi", await System.ActorSelection("/user/kn*").Ask<string>("hi", Patience));
        await Assert.ThrowsAsync<ActorNotFoundException>(
            () => System.ActorSelection("/user/unknown").ResolveOne(Patience));
    }

    [Fact]
    public async Task Identify_is_answered_by_the_engine()
    {
        IActorRef echo = System.ActorOf(Props.Create(() => new Echo()));
        ActorIdentity identity = await echo.Ask<ActorIdentity>(new Identify(7), Patience);
        Assert.Equal(7, identity.MessageId);
        Assert.Equal(echo, identity.Subject);
    }

    [Fact]
    public void Two_children_of_one_name_are_refused()
    {
        System.ActorOf(Props.Create(() => new Echo()), "twin");
        Assert.Throws<InvalidActorNameException>(() => System.ActorOf(Props.Create(() => new Echo()), "twin"));
        Assert.Throws<InvalidActorNameException>(() => System.ActorOf(Props.Create(() => new Echo()), "$mine"));
    }

    [Fact]
    public void Paths_say_where_an_actor_lives()
    {
        IActorRef echo = System.ActorOf(Props.Create(() => new Echo()), "somewhere");
        Assert.Equal("akka://conformance/user/somewhere", echo.Path.ToString());
        Assert.Equal("/user/somewhere", echo.Path.ToStringWithoutAddress());
        Assert.Equal("somewhere", echo.Path.Name);
        Assert.Equal("user", echo.Path.Parent.Name);
    }

    [Fact]
    public void Actors_are_not_made_with_new()
    {
        Assert.Throws<ActorInitializationException>(() => new Echo());

        // Akka.NET documents an ArgumentException and throws an InvalidCastException.
        Assert.ThrowsAny<Exception>(() => Props.Create(() => Shared()));
    }

    [Fact]
    public async Task A_call_with_a_cast_makes_every_incarnation()
    {
        int made = 0;
        Func<Failing> make = () => new Failing(Interlocked.Increment(ref made));
        IActorRef actor = System.ActorOf(Props.Create(() => (ActorBase)make()));
        Assert.Equal(1, await actor.Ask<int>("which", Patience));
        actor.Tell(new InvalidOperationException("x"), ActorRefs.NoSender);
        Assert.Equal(2, await actor.Ask<int>("which", Patience));
    }

    public sealed class Failing : ReceiveActor
    {
        public Failing(int which)
        {
            Receive<Exception>(e => throw e);
            Receive<string>(_ => Sender.Tell(which, Self));
        }
    }

    private static Echo Shared() => null!;
}
