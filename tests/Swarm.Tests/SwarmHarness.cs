using System.Net;
using HyperActors.Crypto;
using Kind = HyperActors.Swarm.SwarmMachineEvent;

namespace HyperActors.Swarm.Tests;

/// <summary>One machine, a clock that the test moves, and an owner that does what is asked only when the test says so.</summary>
internal sealed class SwarmHarness
{
    private long _requests;

    public SwarmHarness(SwarmOptions? options = null, PublicKey? self = null, Func<PublicKey, bool>? firewall = null, ulong seed = 1)
    {
        Options = options ?? new SwarmOptions();
        Machine = new SwarmMachine(Options, self ?? Key(255), RandomSource.Seeded(seed), firewall);
    }

    public SwarmOptions Options { get; }

    public SwarmMachine Machine { get; }

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    /// <summary>What was asked for and not yet taken by the test.</summary>
    public List<SwarmCommand> Commands { get; } = [];

    public List<SwarmMachineEvent> Events { get; } = [];

    /// <summary>What closes is closed at once.</summary>
    public bool ClosesAtOnce { get; init; } = true;

    public static PublicKey Key(int n)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        bytes.Clear();
        bytes[0] = (byte)n;
        bytes[1] = (byte)(n >> 8);
        bytes[^1] = 1;
        return new PublicKey(bytes);
    }

    public static DiscoveryKey Topic(int n)
    {
        Span<byte> bytes = stackalloc byte[DiscoveryKey.Size];
        bytes.Clear();
        bytes[0] = (byte)n;
        bytes[^1] = 2;
        return new DiscoveryKey(bytes);
    }

    public static IPEndPoint Address(int n) => new(new IPAddress([10, 0, (byte)(n >> 8), (byte)n]), 5000 + n);

    public long Join(DiscoveryKey topic, bool isServer = true, bool isClient = true, int? limit = null)
    {
        Assert.True(Machine.TryJoin(topic, isServer, isClient, limit, Now, out long session));
        Drain();
        return session;
    }

    /// <summary>Makes a wish that is answered later.</summary>
    public long Ask(Action<SwarmMachine, long, TimeSpan> wish)
    {
        long request = ++_requests;
        wish(Machine, request, Now);
        Drain();
        return request;
    }

    public void Do(Action<SwarmMachine, TimeSpan> step)
    {
        step(Machine, Now);
        Drain();
    }

    public T Take<T>()
        where T : SwarmCommand
    {
        T command = Assert.Single(Commands.OfType<T>());
        Commands.Remove(command);
        return command;
    }

    public List<T> TakeAll<T>()
        where T : SwarmCommand
    {
        List<T> taken = [.. Commands.OfType<T>()];
        Commands.RemoveAll(c => c is T);
        return taken;
    }

    public bool? AnswerTo(long request) => Events.OfType<Kind.Done>().SingleOrDefault(d => d.RequestId == request)?.Succeeded;

    public void Listening()
    {
        Take<SwarmCommand.Listen>();
        Do((m, now) => m.HandleListening(true, now));
    }

    public void Found(long query, params PublicKey[] peers)
    {
        foreach (PublicKey peer in peers)
        {
            Do((m, now) => m.HandlePeerFound(query, peer, [Address(7)], now));
        }
    }

    public void Done(long query, params IPEndPoint[] closest) => Do((m, now) => m.HandleQueryDone(query, closest, null, now));

    public void Failed(long query) => Do((m, now) => m.HandleQueryDone(query, [], "nobody answers", now));

    /// <summary>Moves the clock, and wakes the machine whenever it asks to be woken.</summary>
    public void Wait(TimeSpan time)
    {
        TimeSpan end = Now + time;
        while (Machine.Deadline is { } deadline && deadline <= end)
        {
            TimeSpan before = Now;
            Now = deadline > Now ? deadline : Now;
            Do((m, now) => m.HandleTimeout(now));
            Assert.False(Machine.Deadline <= before, "the deadline does not move");
        }

        Now = end;
    }

    /// <summary>Moves the clock and wakes the machine once, too late.</summary>
    public void Sleep(TimeSpan time)
    {
        Now += time;
        Do((m, now) => m.HandleTimeout(now));
    }

    public void Drain()
    {
        while (Machine.TryPollCommand(out SwarmCommand? command))
        {
            if (ClosesAtOnce && command is SwarmCommand.Close close)
            {
                Machine.HandleClosed(close.ConnectionId, close.Reason, Now);
            }

            Commands.Add(command);
        }

        while (Machine.TryPollEvent(out SwarmMachineEvent? machineEvent))
        {
            Events.Add(machineEvent);
        }

        if (Machine.TryPollCommand(out _))
        {
            Assert.Fail("events must not make commands");
        }
    }
}
