using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>The node behind a local API, and what the API knows of the process around it.</summary>
public sealed class DaemonNode : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    public required IHyperNode Node { get; init; }

    /// <summary>The name under which clients on this machine find the node.</summary>
    public string Name { get; init; } = "hyperactors";

    public required string StoragePath { get; init; }

    /// <summary>Shows the actors; null where nobody can.</summary>
    public Func<ActorView?> Actors { get; init; } = static () => null;

    /// <summary>The settings in use, and where each comes from.</summary>
    public Func<IReadOnlyList<SettingDto>> Settings { get; init; } = static () => [];

    /// <summary>Changes settings that need no restart.</summary>
    public Action<IReadOnlyDictionary<string, string>> ChangeSettings { get; init; } =
        static _ => throw new ApiException(ApiCodes.NotSupported, "the settings of this node cannot be changed from here");

    /// <summary>Asks the process to stop.</summary>
    public Action Stop { get; init; } = static () => { };

    /// <summary>What was worth a line.</summary>
    public NotableEvents Events { get; init; } = new(TimeProvider.System);

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>When the node was started, on the clock's timestamps.</summary>
    public long Started { get; init; } = TimeProvider.System.GetTimestamp();

    /// <summary>What the node does without being asked again.</summary>
    public required Keeper Keeper { get; init; }

    public TimeSpan Uptime => Clock.GetElapsedTime(Started);

    /// <summary>Cancelled when the API begins to stop: streams end.</summary>
    internal CancellationToken Stopping => _stopping.Token;

    public void Dispose() => _stopping.Dispose();

    internal void BeginStop() => _stopping.Cancel();
}
