using System.Diagnostics;

namespace HyperActors.Kernel;

/// <summary>The door to the clock: monotonic time, wall time, and one thread that sleeps until something is due.</summary>
/// <remarks>While nothing is due it does not wake. It is never early, and at most a millisecond or so late.</remarks>
internal sealed class RealClock : Clock
{
#pragma warning disable RS0030 // The one place where the engine asks what time it is.
    private readonly long _origin = Stopwatch.GetTimestamp();

    public override TimeSpan Elapsed => Stopwatch.GetElapsedTime(_origin);

    public override DateTimeOffset Now => DateTimeOffset.UtcNow;

    /// <summary>A number that no other process shares, for jitter.</summary>
    public static ulong Salt => (ulong)Stopwatch.GetTimestamp() ^ ((ulong)Environment.ProcessId << 40);

    /// <summary>A stamp for <see cref="TicksSince"/>, for meters.</summary>
    public static long Stamp() => Stopwatch.GetTimestamp();

    public static long TicksSince(long stamp) => Stopwatch.GetElapsedTime(stamp).Ticks;
#pragma warning restore RS0030

    private readonly object _gate = new();
    private readonly TimerHeap _heap = new();
    private Thread? _thread;
    private bool _stopped;
    private long _wakes;

    /// <summary>How often the thread woke: for something due, or to look at something sooner.</summary>
    public long Wakes => Volatile.Read(ref _wakes);

    public override void Arm(ScheduledItem item, TimeSpan due)
    {
        lock (_gate)
        {
            if (item.IsDisarmed || _stopped)
            {
                return;
            }

            _heap.Put(item, due);
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "kernel-clock" };
                _thread.Start();
            }
            else if (item.Place == 0)
            {
                Monitor.Pulse(_gate);
            }
        }
    }

    public override void Disarm(ScheduledItem item)
    {
        lock (_gate)
        {
            item.IsDisarmed = true;
            _heap.Remove(item);
        }
    }

    public override void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            _heap.Clear();
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        while (true)
        {
            ScheduledItem item;
            lock (_gate)
            {
                while (true)
                {
                    if (_stopped)
                    {
                        return;
                    }

                    if (_heap.Count == 0)
                    {
                        Monitor.Wait(_gate);
                        _wakes++;
                        continue;
                    }

                    item = _heap.First;
                    TimeSpan left = item.Due - Elapsed;
                    if (left <= TimeSpan.Zero)
                    {
                        break;
                    }

                    Monitor.Wait(_gate, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
                    _wakes++;
                }

                _heap.Remove(item);
            }

            if (!item.IsDisarmed)
            {
                item.Fire();
            }
        }
    }
}
