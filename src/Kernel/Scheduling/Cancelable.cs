namespace HyperActors.Kernel;

/// <summary>Calls off whatever was scheduled with it.</summary>
public sealed class Cancelable : ICancelable, IDisposable
{
    private readonly IActionScheduler? _scheduler;
    private readonly Lock _lock = new();
    private CancellationTokenSource? _source;
    private List<(Clock Clock, ScheduledItem Item)>? _items;
    private (Clock Clock, ScheduledItem Item)? _only;
    private volatile bool _cancelled;

    public Cancelable(IActionScheduler scheduler) => _scheduler = scheduler;

    public Cancelable(IActionScheduler scheduler, TimeSpan delay)
        : this(scheduler) => CancelAfter(delay);

    public Cancelable(IScheduler scheduler)
        : this(scheduler.Advanced)
    {
    }

    public Cancelable(IScheduler scheduler, TimeSpan delay)
        : this(scheduler.Advanced, delay)
    {
    }

    public bool IsCancellationRequested => _cancelled;

    public CancellationToken Token
    {
        get
        {
            lock (_lock)
            {
                if (_source is null)
                {
                    _source = new CancellationTokenSource();
                    if (_cancelled)
                    {
                        _source.Cancel();
                    }
                }

                return _source.Token;
            }
        }
    }

    public void Cancel() => Cancel(false);

    public void Cancel(bool throwOnFirstException)
    {
        CancellationTokenSource? source;
        (Clock Clock, ScheduledItem Item)? only;
        List<(Clock Clock, ScheduledItem Item)>? items;
        lock (_lock)
        {
            if (_cancelled)
            {
                return;
            }

            _cancelled = true;
            (source, only, items) = (_source, _only, _items);
            (_only, _items) = (null, null);
        }

        only?.Clock.Disarm(only.Value.Item);
        foreach ((Clock clock, ScheduledItem item) in items ?? [])
        {
            clock.Disarm(item);
        }

        source?.Cancel(throwOnFirstException);
    }

    public void CancelAfter(TimeSpan delay) =>
        (_scheduler ?? throw new InvalidOperationException("This cancelable has no scheduler."))
            .ScheduleOnce(delay, Cancel, this);

    public void CancelAfter(int millisecondsDelay) => CancelAfter(TimeSpan.FromMilliseconds(millisecondsDelay));

    public void Dispose()
    {
        lock (_lock)
        {
            _source?.Dispose();
            _source = null;
        }
    }

    /// <summary>Ties an armed item to this; one that is called off already is disarmed at once.</summary>
    internal void Attach(Clock clock, ScheduledItem item)
    {
        lock (_lock)
        {
            if (!_cancelled)
            {
                if (_only is null)
                {
                    _only = (clock, item);
                }
                else
                {
                    _items ??= [];
                    _items.RemoveAll(entry => !entry.Item.IsArmed);
                    _items.Add((clock, item));
                }

                return;
            }
        }

        clock.Disarm(item);
    }
}
