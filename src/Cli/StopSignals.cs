using System.Runtime.InteropServices;

namespace HyperActors.Cli;

/// <summary>Turns the signals that ask a process to end into a token; the second one, or a stop that takes too long, ends it at once.</summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>Time for a graceful stop: a flush and the closing of files take far less.</summary>
    private static readonly TimeSpan MaxStopTime = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _exitCode;
    private Timer? _lastResort;
    private Action? _hangup;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGQUIT, OnSignal),
    ];

    public CancellationToken Token => _stop.Token;

    /// <summary>128 and the number of the signal that came first.</summary>
    public int ExitCode => _exitCode == 0 ? Cli.ExitCode.Interrupted : _exitCode;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _lastResort?.Dispose();
        _stop.Dispose();
    }

    /// <summary>From now on SIGHUP does this, and stops nothing.</summary>
    public void OnHangup(Action action) => Volatile.Write(ref _hangup, action);

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGHUP && Volatile.Read(ref _hangup) is { } hangup)
        {
            hangup();
            return;
        }

        int exitCode = context.Signal switch
        {
            PosixSignal.SIGINT => 130,
            PosixSignal.SIGTERM => 143,
            PosixSignal.SIGHUP => 129,
            _ => 131,
        };
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) != 0)
        {
            Environment.Exit(exitCode);
        }

        _lastResort = new Timer(_ => Environment.Exit(exitCode), null, MaxStopTime, Timeout.InfiniteTimeSpan);
        _stop.Cancel();
    }
}
