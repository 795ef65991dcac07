namespace HyperActors.TestKit;

/// <summary>An actor whose messages a test takes one by one.</summary>
public sealed class TestProbe
{
    /// <summary>How long in virtual time an expectation waits that names no time.</summary>
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(3);

    private readonly DeterministicSystem _run;
    private readonly Queue<Envelope> _received = new();

    public TestProbe(DeterministicSystem run, string name)
    {
        _run = run;
        Ref = run.System.ActorOf(Props.Create(() => new ProbeActor(_received)), name);
        run.RunUntilIdle();
    }

    public IActorRef Ref { get; }

    /// <summary>Who sent the message that was taken last.</summary>
    public IActorRef Sender { get; private set; } = ActorRefs.Nobody;

    /// <summary>Messages that came and were not taken.</summary>
    public int Waiting => _received.Count;

    /// <summary>Tells under the probe's name.</summary>
    public void Send(IActorRef target, object message) => target.Tell(message, Ref);

    /// <summary>Answers whoever sent the last message.</summary>
    public void Reply(object message) => Sender.Tell(message, Ref);

    /// <summary>Takes the next message, which must be a T.</summary>
    public T ExpectMsg<T>(TimeSpan? within = null)
    {
        object message = Next(within, $"a {typeof(T).Name}");
        return message is T expected
            ? expected
            : throw Failure($"expected a {typeof(T).Name} and got {message}");
    }

    /// <summary>Takes the next message, which must be a T of which something holds.</summary>
    public T ExpectMsg<T>(Predicate<T> holds, TimeSpan? within = null)
    {
        T message = ExpectMsg<T>(within);
        return holds(message) ? message : throw Failure($"got a {typeof(T).Name} that is not it: {message}");
    }

    /// <summary>Takes the next message, which must equal this one.</summary>
    public T ExpectMsg<T>(T expected, TimeSpan? within = null)
        where T : notnull
    {
        object message = Next(within, expected.ToString()!);
        return expected.Equals(message) ? expected : throw Failure($"expected {expected} and got {message}");
    }

    /// <summary>Lets time pass, in which nothing may come.</summary>
    public void ExpectNoMsg(TimeSpan? during = null)
    {
        if (_run.RunUntil(() => _received.Count > 0, during ?? DefaultPatience))
        {
            throw Failure($"expected no message and got {_received.Peek().Message}");
        }
    }

    /// <summary>Takes messages until one is a T of which something holds.</summary>
    public T FishForMessage<T>(Predicate<T>? holds = null, TimeSpan? within = null)
    {
        TimeSpan end = _run.Now + (within ?? DefaultPatience);
        while (true)
        {
            object message = Next(end > _run.Now ? end - _run.Now : TimeSpan.Zero, $"a {typeof(T).Name} among others");
            if (message is T found && (holds is null || holds(found)))
            {
                return found;
            }
        }
    }

    /// <summary>Takes all that waits now.</summary>
    public IReadOnlyList<object> TakeAll()
    {
        _run.RunUntilIdle();
        object[] all = [.. _received.Select(e => e.Message)];
        _received.Clear();
        return all;
    }

    public IActorRef Watch(IActorRef subject)
    {
        Ref.Tell(new ProbeActor.StartWatching(subject), ActorRefs.NoSender);
        _run.RunUntilIdle();
        return subject;
    }

    public void ExpectTerminated(IActorRef subject, TimeSpan? within = null) =>
        ExpectMsg<Terminated>(t => t.ActorRef.Equals(subject), within);

    private object Next(TimeSpan? within, string what)
    {
        TimeSpan patience = within ?? DefaultPatience;
        if (!_run.RunUntil(() => _received.Count > 0, patience))
        {
            throw Failure($"expected {what} and got nothing in {patience.TotalSeconds:0.###} virtual seconds");
        }

        Envelope envelope = _received.Dequeue();
        Sender = envelope.Sender ?? ActorRefs.Nobody;
        return envelope.Message;
    }

    private ExpectationException Failure(string what) => new($"{Ref.Path.Name} {what} ({_run})");

    private sealed class ProbeActor : UntypedActor
    {
        private readonly Queue<Envelope> _received;

        public ProbeActor(Queue<Envelope> received) => _received = received;

        protected override void OnReceive(object message)
        {
            if (message is StartWatching start)
            {
                Context.Watch(start.Subject);
            }
            else
            {
                _received.Enqueue(new Envelope(message, Sender));
            }
        }

        public sealed record StartWatching(IActorRef Subject);
    }
}

/// <summary>Something that a test expected of actors did not come true. Says the seed that repeats it.</summary>
public sealed class ExpectationException(string message) : Xunit.Sdk.XunitException(message);
