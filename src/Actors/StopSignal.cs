using HyperActors.Abstractions;

namespace HyperActors.Actors;

/// <summary>Says that a node's actors have ended, and of what: whoever asks them from outside need not wait longer.</summary>
public sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _stopped = new();
    private Exception? _failure;

    internal StopSignal() => Stopped = _stopped.Token;

    internal CancellationToken Stopped { get; }

    /// <summary>What a part of the node failed of, last.</summary>
    internal Exception? Failure
    {
        get => Volatile.Read(ref _failure);
        set => Volatile.Write(ref _failure, value);
    }

    /// <inheritdoc/>
    public void Dispose() => _stopped.Dispose();

    internal void Stop() => _stopped.Cancel();

    internal HyperActorsException ToFailure() => Failure is { } failure
        ? new HyperActorsException($"the node has failed: {failure.Message}", failure)
        : new HyperActorsException("the node has stopped");
}
