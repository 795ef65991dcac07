using System.Collections.Concurrent;
using System.Threading.Channels;

namespace HyperActors.Benchmarks;

/// <summary>A mailbox with a handler, and nothing else.</summary>
internal abstract class Bare(Action<object> handler)
{
    /// <summary>Messages in one turn, as the engine has them.</summary>
    protected const int Throughput = 100;

    protected Action<object> Handler { get; set; } = handler;

    public abstract void Tell(object message);
}

/// <summary>A concurrent queue and a work item of the thread pool: the least there can be.</summary>
internal sealed class WorkItemMailbox(Action<object> handler) : Bare(handler), IThreadPoolWorkItem
{
    private readonly ConcurrentQueue<object> _queue = new();
    private int _scheduled;

    public override void Tell(object message)
    {
        _queue.Enqueue(message);
        if (Volatile.Read(ref _scheduled) == 0 && Interlocked.CompareExchange(ref _scheduled, 1, 0) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        for (int i = 0; i < Throughput && _queue.TryDequeue(out object? message); i++)
        {
            Handler(message);
        }

        Interlocked.Exchange(ref _scheduled, 0);
        if (!_queue.IsEmpty && Interlocked.CompareExchange(ref _scheduled, 1, 0) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }
}

/// <summary>A channel and the task that reads it.</summary>
internal sealed class ChannelMailbox : Bare
{
    private readonly Channel<object> _channel =
        Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });

    public ChannelMailbox(Action<object> handler)
        : base(handler) => _ = ReadAsync();

    public override void Tell(object message) => _channel.Writer.TryWrite(message);

    private async Task ReadAsync()
    {
        while (await _channel.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_channel.Reader.TryRead(out object? message))
            {
                Handler(message);
            }
        }
    }
}

internal sealed class WorkItemEngine() : BareEngine(handler => new WorkItemMailbox(handler));

internal sealed class ChannelEngine() : BareEngine(handler => new ChannelMailbox(handler));

/// <summary>The rows over a bare mailbox.</summary>
internal abstract class BareEngine(Func<Action<object>, Bare> make) : IEngine
{
    public TimeSpan Tell(int count, bool fresh)
    {
        var finish = new Finish(1);
        int left = count;
        Bare counter = make(_ =>
        {
            if (--left == 0)
            {
                finish.One();
            }
        });
        var message = new Token(0);
        return Measure.Time(() =>
        {
            for (int i = 0; i < count; i++)
            {
                counter.Tell(fresh ? new Token(i) : message);
            }

            finish.Wait();
        });
    }

    public TimeSpan PingPong(int hops, int inFlight) => Ring(2, hops, inFlight);

    public TimeSpan Ring(int size, int hops, int inFlight)
    {
        var finish = new Finish(inFlight);
        var ring = new Bare[size];
        for (int i = 0; i < size; i++)
        {
            int next = (i + 1) % size;
            ring[i] = make(message =>
            {
                var token = (Token)message;
                if (--token.Left < 0)
                {
                    finish.One();
                }
                else
                {
                    ring[next].Tell(token);
                }
            });
        }

        Token[] tokens = [.. Enumerable.Range(0, inFlight).Select(_ => new Token(hops / inFlight))];
        return Measure.Time(() =>
        {
            for (int i = 0; i < inFlight; i++)
            {
                ring[i % size].Tell(tokens[i]);
            }

            finish.Wait();
        });
    }

    public double BytesPerIdle(int count) => Measure.BytesKept(count, () => Make(count));

    public TimeSpan Spawn(int count) => Measure.Time(() => Make(count));

    public double BytesPerTell(int count)
    {
        Bare counter = make(static m => (m as Finish)?.One());
        var message = new Token(0);
        Fill(counter, message, count);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Fill(counter, message, count);
        long after = GC.GetTotalAllocatedBytes(precise: true);
        return (after - before) / (double)count;
    }

    private static void Fill(Bare counter, Token message, int count)
    {
        for (int i = 0; i < count; i++)
        {
            counter.Tell(message);
            if (i % 1000 == 999)
            {
                var finish = new Finish(1);
                counter.Tell(finish);
                finish.Wait();
            }
        }
    }

    private Bare[] Make(int count)
    {
        var finish = new Finish(count);
        var all = new Bare[count];
        for (int i = 0; i < count; i++)
        {
            all[i] = make(_ => finish.One());
            all[i].Tell(finish);
        }

        finish.Wait();
        return all;
    }
}
