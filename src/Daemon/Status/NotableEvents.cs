using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>The last events that were worth a line. Safe for use from any thread.</summary>
public sealed class NotableEvents(TimeProvider clock) : ILoggerProvider
{
    /// <summary>As many as a person scrolls through.</summary>
    private const int MaxEvents = 100;

    private readonly Lock _gate = new();
    private readonly Queue<NotableEventDto> _events = new();
    private long _sequence;

    public void Add(LogLevel level, string text)
    {
        lock (_gate)
        {
            _events.Enqueue(new NotableEventDto(++_sequence, clock.GetUtcNow(), NameOf(level), text));
            if (_events.Count > MaxEvents)
            {
                _events.Dequeue();
            }
        }
    }

    /// <summary>What came after an event, oldest first.</summary>
    public IReadOnlyList<NotableEventDto> After(long sequence)
    {
        lock (_gate)
        {
            return [.. _events.Where(e => e.Sequence > sequence)];
        }
    }

    /// <summary>A log whose lines of the node become events.</summary>
    public ILogger CreateLogger(string categoryName) => new EventLogger(this, categoryName);

    public void Dispose()
    {
    }

    private static string NameOf(LogLevel level) => level switch
    {
        >= LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        _ => "information",
    };

    private sealed class EventLogger(NotableEvents events, string category) : ILogger
    {
        private readonly bool _isOurs = category.StartsWith("HyperActors", StringComparison.Ordinal);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => _isOurs && logLevel is >= LogLevel.Information and < LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                string text = formatter(state, exception);
                events.Add(logLevel, exception is null ? text : $"{text}: {exception.Message}");
            }
        }
    }
}
