using System.Collections.Concurrent;

namespace HyperActors.Kernel.Tests.Conformance;

/// <summary>What the engine shares with Akka.NET, and nothing else: this suite compiles and means the same on either.</summary>
public abstract class ConformanceTest : IDisposable
{
    private int _probes;

    protected ActorSystem System { get; } = ActorSystem.Create("conformance");

    protected static TimeSpan Patience => TimeSpan.FromSeconds(10);

    public void Dispose()
    {
        Assert.True(System.Terminate().Wait(Patience), "the system did not terminate");
        GC.SuppressFinalize(this);
    }

    protected Probe CreateProbe()
    {
        var received = new BlockingCollection<Received>();
        IActorRef actor = System.ActorOf(
            Props.Create(() => new ProbeActor(received)), "probe-" + Interlocked.Increment(ref _probes));
        return new Probe(actor, received);
    }

    public sealed record Received(object Message, IActorRef Sender);

    public sealed class Probe(IActorRef actor, BlockingCollection<Received> received)
    {
        public IActorRef Ref { get; } = actor;

        public IActorRef LastSender { get; private set; } = ActorRefs.Nobody;

        public object Next()
        {
            Assert.True(received.TryTake(out Received? next, Patience), "no message came");
            LastSender = next.Sender;
            return next.Message;
        }

        public T Expect<T>() => Assert.IsAssignableFrom<T>(Next());

        public T Expect<T>(T expected)
        {
            Assert.Equal(expected, Next());
            return expected;
        }

        /// <summary>Nothing came before a message that is told now.</summary>
        public void ExpectNothingBefore(object marker)
        {
            Ref.Tell(marker, ActorRefs.NoSender);
            Assert.Equal(marker, Next());
        }

        public IActorRef Watch(IActorRef subject)
        {
            Ref.Ask<string>(new StartWatching(subject), Patience).Wait(Patience);
            return subject;
        }

        public void ExpectTerminated(IActorRef subject) => Assert.Equal(subject, Expect<Terminated>().ActorRef);
    }

    public sealed record StartWatching(IActorRef Subject);

    public sealed class ProbeActor : ReceiveActor
    {
        public ProbeActor(BlockingCollection<Received> received)
        {
            Receive<StartWatching>(m =>
            {
                Context.Watch(m.Subject);
                Sender.Tell("watching", Self);
            });
            ReceiveAny(m => received.Add(new Received(m, Sender)));
        }
    }
}
