namespace HyperActors.Benchmarks;

/// <summary>The engine as actors use it.</summary>
internal sealed class KernelEngine : IEngine
{
    private readonly ActorSystem _system = ActorSystem.Create("bench");

    public TimeSpan Tell(int count, bool fresh)
    {
        var finish = new Finish(1);
        IActorRef counter = _system.ActorOf(Props.Create(() => new Counter(count, finish)));
        var message = new Token(0);
        TimeSpan time = Measure.Time(() =>
        {
            for (int i = 0; i < count; i++)
            {
                counter.Tell(fresh ? new Token(i) : message, ActorRefs.NoSender);
            }

            finish.Wait();
        });
        _system.Stop(counter);
        return time;
    }

    public TimeSpan PingPong(int hops, int inFlight) => Ring(2, hops, inFlight);

    public TimeSpan Ring(int size, int hops, int inFlight)
    {
        var finish = new Finish(inFlight);
        IActorRef[] ring = [.. Enumerable.Range(0, size).Select(_ => _system.ActorOf(Props.Create(() => new Passer(finish))))];
        for (int i = 0; i < size; i++)
        {
            ring[i].Tell(ring[(i + 1) % size], ActorRefs.NoSender);
        }

        Token[] tokens = [.. Enumerable.Range(0, inFlight).Select(_ => new Token(hops / inFlight))];
        TimeSpan time = Measure.Time(() =>
        {
            for (int i = 0; i < inFlight; i++)
            {
                ring[i % size].Tell(tokens[i], ActorRefs.NoSender);
            }

            finish.Wait();
        });
        Array.ForEach(ring, _system.Stop);
        return time;
    }

    public double BytesPerIdle(int count)
    {
        IActorRef? parent = null;
        double bytes = Measure.BytesKept(count, () =>
        {
            var finish = new Finish(count);
            parent = _system.ActorOf(Props.Create(() => new Family(count, finish)));
            finish.Wait();
            return parent;
        });
        parent!.GracefulStop(TimeSpan.FromMinutes(1)).GetAwaiter().GetResult();
        return bytes;
    }

    public TimeSpan Spawn(int count)
    {
        IActorRef? parent = null;
        TimeSpan time = Measure.Time(() =>
        {
            var finish = new Finish(count);
            parent = _system.ActorOf(Props.Create(() => new Family(count, finish)));
            finish.Wait();
        });
        parent!.GracefulStop(TimeSpan.FromMinutes(1)).GetAwaiter().GetResult();
        return time;
    }

    public double BytesPerTell(int count)
    {
        var finish = new Finish(1);
        IActorRef counter = _system.ActorOf(Props.Create(() => new Counter(count * 2, finish)));
        var message = new Token(0);
        Fill(counter, message, count);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Fill(counter, message, count);
        finish.Wait();
        long after = GC.GetTotalAllocatedBytes(precise: true);
        _system.Stop(counter);
        return (after - before) / (double)count;
    }

    // A producer that waits now and then: what is measured is the message, not a mailbox that grows without bound.
    private static void Fill(IActorRef counter, Token message, int count)
    {
        for (int i = 0; i < count; i++)
        {
            counter.Tell(message, ActorRefs.NoSender);
            if (i % 1000 == 999)
            {
                var reached = new Finish(1);
                counter.Tell(reached, ActorRefs.NoSender);
                reached.Wait();
            }
        }
    }

    private sealed class Counter : ReceiveActor
    {
        private int _left;

        public Counter(int count, Finish finish)
        {
            _left = count;
            Receive<Token>(_ =>
            {
                if (--_left == 0)
                {
                    finish.One();
                }
            });
            Receive<Finish>(reached => reached.One());
        }
    }

    private sealed class Passer : ReceiveActor
    {
        private IActorRef? _next;

        public Passer(Finish finish)
        {
            Receive<Token>(token =>
            {
                if (--token.Left < 0)
                {
                    finish.One();
                }
                else
                {
                    _next!.Tell(token, Self);
                }
            });
            Receive<IActorRef>(next => _next = next);
        }
    }

    private sealed class Family : ReceiveActor
    {
        public Family(int count, Finish finish)
        {
            Props child = Props.Create(() => new Member(finish));
            for (int i = 0; i < count; i++)
            {
                Context.ActorOf(child).Tell(this, ActorRefs.NoSender);
            }
        }
    }

    private sealed class Member : ReceiveActor
    {
        public Member(Finish finish) => Receive<Family>(_ => finish.One());
    }
}
