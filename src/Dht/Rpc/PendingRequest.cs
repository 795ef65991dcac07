using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Who asked, inside this project: called in the turn in which it happens.</summary>
internal interface IRequestOwner
{
    void OnReply(PendingRequest request, DhtReply reply);

    /// <summary>The first attempt was not answered in time.</summary>
    void OnSlow(PendingRequest request);

    /// <summary>No attempt was answered.</summary>
    void OnTimeout(PendingRequest request);
}

/// <summary>A request under way.</summary>
internal sealed class PendingRequest(DhtNode node, FlowScope scope, IRequestOwner? owner) : IFlowWait
{
    public required ushort Tid { get; init; }

    public required DhtAddress To { get; init; }

    public required Hash? ToId { get; init; }

    public required int Socket { get; set; }

    public required byte[] Datagram { get; set; }

    public required int Retries { get; init; }

    public required TimeSpan? Timeout { get; init; }

    public required byte TimeToLive { get; init; }

    public required bool IsForced { get; init; }

    /// <summary>What a query keeps with it.</summary>
    public object? State { get; init; }

    /// <summary>How it ends for a caller that waits.</summary>
    public Flow<DhtReply?>? Flow { get; } = owner is null ? new Flow<DhtReply?>() : null;

    public IRequestOwner? Owner => owner;

    public FlowScope Scope => scope;

    public int Attempts { get; set; }

    public TimeSpan SentAt { get; set; }

    /// <summary>When it times out; entries of the timer queue with another time are void.</summary>
    public TimeSpan Due { get; set; }

    public bool IsEnded { get; set; }

    public bool TryFail(Exception failure)
    {
        if (IsEnded)
        {
            return false;
        }

        node.Forget(this);
        if (Flow is { } flow)
        {
            node.Runner.Enqueue(() => flow.Fail(failure));
        }

        return true;
    }
}
