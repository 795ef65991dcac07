using Microsoft.Extensions.Logging;

namespace HyperActors.Cli.Rendering;

/// <summary>What the node writes to its log, on the error output: with <c>-v</c>, a line each.</summary>
internal sealed class PrintedLog(Printer printer) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("there is one place to write to");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => printer.IsVerbose && logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            string message = formatter(state, exception);
            printer.Log(logLevel switch
            {
                LogLevel.Information => "info",
                LogLevel.Warning => "warning",
                _ => "error",
            }, exception is null ? message : $"{message}: {exception.Message}");
        }
    }

    public void Dispose()
    {
    }
}
