namespace HyperActors.TestKit;

/// <summary>Hears what the engine reports, and expects it or its absence.</summary>
public sealed class EventFilter
{
    private readonly DeterministicSystem _run;
    private readonly List<object> _events = [];

    public EventFilter(DeterministicSystem run)
    {
        _run = run;
        IActorRef listener = run.System.ActorOf(Props.Create(() => new Listener(_events)), "event-filter");
        foreach (Type channel in (Type[])[typeof(LogEvent), typeof(AllDeadLetters)])
        {
            run.System.EventStream.Subscribe(listener, channel);
        }

        run.RunUntilIdle();
    }

    /// <summary>Everything reported so far, in order.</summary>
    public IReadOnlyList<object> All => _events;

    public IEnumerable<object> DeadLetters => _events.OfType<DeadLetter>().Select(l => l.Message);

    public IEnumerable<object> Unhandled => _events.OfType<UnhandledMessage>().Select(u => u.Message);

    /// <summary>Failures that were reported, each as its innermost cause.</summary>
    public IEnumerable<Exception> Failures =>
        _events.OfType<LogEvent>().Select(e => e.Cause?.GetBaseException()).OfType<Exception>();

    /// <summary>Something that must report a failure of this kind, once.</summary>
    public void ExpectOne<TException>(Action action)
        where TException : Exception => Expect<TException>(1, action);

    /// <summary>Something that must report failures of this kind so often, inside others or bare.</summary>
    public void Expect<TException>(int count, Action action)
        where TException : Exception
    {
        int before = Count<TException>();
        action();
        _run.RunUntilIdle();
        int found = Count<TException>() - before;
        if (found != count)
        {
            throw new ExpectationException(
                $"expected {count} reports of {typeof(TException).Name} and got {found} ({_run})");
        }
    }

    /// <summary>Nothing may have been reported.</summary>
    public void ExpectNothing()
    {
        _run.RunUntilIdle();
        if (_events.Count > 0)
        {
            throw new ExpectationException($"expected no report and got {_events[0]} ({_run})");
        }
    }

    private int Count<TException>()
        where TException : Exception => _events.OfType<LogEvent>().Count(e => Holds<TException>(e.Cause));

    private static bool Holds<TException>(Exception? cause)
        where TException : Exception =>
        cause is TException || (cause?.InnerException is { } inner && Holds<TException>(inner));

    private sealed class Listener : UntypedActor
    {
        private readonly List<object> _events;

        public Listener(List<object> events) => _events = events;

        protected override void OnReceive(object message) => _events.Add(message);
    }
}
