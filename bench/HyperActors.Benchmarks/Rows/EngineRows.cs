using System.Diagnostics;
using HyperActors.Benchmarks.Harness;

namespace HyperActors.Benchmarks.Rows;

/// <summary>The actor engine alone: messages through mailboxes, and what an idle actor weighs.</summary>
internal static class EngineRows
{
    private const int Messages = 5_000_000;
    private const int RoundTrips = 500_000;
    private const int Questions = 200_000;
    private const int IdleActors = 100_000;

    private static readonly object Token = new();

    public static IReadOnlyList<Row> All { get; } =
    [
        new("tell to one actor, 5 M messages", Unit.BlocksPerSecond, TellAsync),
        new("back and forth between two actors, 500k times", Unit.BlocksPerSecond, PingPongAsync),
        new("ask, 200k times, awaited", Unit.BlocksPerSecond, AskAsync),
        new("make 100k actors", Unit.BlocksPerSecond, IdleAsync),
    ];

    private static async Task<Measurement> TellAsync()
    {
        var system = ActorSystem.Create("bench");
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef actor = system.ActorOf(Props.Create(() => new Counter(Messages, done)));
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < Messages; i++)
        {
            actor.Tell(Token, ActorRefs.NoSender);
        }

        await done.Task;
        Measurement measurement = new(Messages, 0, Stopwatch.GetElapsedTime(begun).TotalSeconds);
        await system.Terminate();
        return measurement;
    }

    private static async Task<Measurement> PingPongAsync()
    {
        var system = ActorSystem.Create("bench");
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef echo = system.ActorOf(Props.Create(() => new Echo()));
        IActorRef pinger = system.ActorOf(Props.Create(() => new Pinger(echo, RoundTrips, done)));
        long begun = Stopwatch.GetTimestamp();
        pinger.Tell(Token, ActorRefs.NoSender);
        await done.Task;
        Measurement measurement = new(2L * RoundTrips, 0, Stopwatch.GetElapsedTime(begun).TotalSeconds);
        await system.Terminate();
        return measurement;
    }

    private static async Task<Measurement> AskAsync()
    {
        var system = ActorSystem.Create("bench");
        IActorRef echo = system.ActorOf(Props.Create(() => new Echo()));
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < Questions; i++)
        {
            await echo.Ask<object>(Token, TimeSpan.FromSeconds(10));
        }

        Measurement measurement = new(Questions, 0, Stopwatch.GetElapsedTime(begun).TotalSeconds);
        await system.Terminate();
        return measurement;
    }

    private static async Task<Measurement> IdleAsync()
    {
        var system = ActorSystem.Create("bench");
        Props props = Props.Create(() => new Echo());
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long begun = Stopwatch.GetTimestamp();
        var actors = new IActorRef[IdleActors];
        for (int i = 0; i < actors.Length; i++)
        {
            actors[i] = system.ActorOf(props);
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        long bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(actors);
        await system.Terminate();
        await Console.Error.WriteLineAsync($"  an idle actor weighs {bytes / IdleActors} bytes");
        return new Measurement(IdleActors, bytes, seconds);
    }

    private sealed class Counter : ReceiveActor
    {
        private int _left;

        public Counter(int expected, TaskCompletionSource done)
        {
            _left = expected;
            ReceiveAny(_ =>
            {
                if (--_left == 0)
                {
                    done.TrySetResult();
                }
            });
        }
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(m => Sender.Tell(m, Self));
    }

    private sealed class Pinger : ReceiveActor
    {
        private int _left;

        public Pinger(IActorRef echo, int times, TaskCompletionSource done)
        {
            _left = times;
            ReceiveAny(m =>
            {
                if (_left-- == 0)
                {
                    done.TrySetResult();
                    return;
                }

                echo.Tell(m, Self);
            });
        }
    }
}
