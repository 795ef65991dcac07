using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Kernel;

/// <summary>Whatever a message can be sent to.</summary>
public interface ICanTell
{
    /// <summary>Puts a message on its way and returns at once; at most one delivery, in the order of this sender.</summary>
    void Tell(object message, IActorRef? sender);
}

/// <summary>The address of one incarnation of an actor. It outlives restarts, and stays silent once the actor stopped.</summary>
public interface IActorRef : ICanTell, IEquatable<IActorRef>, IComparable<IActorRef>, IComparable
{
    ActorPath Path { get; }
}

/// <summary>References that name nobody.</summary>
public static class ActorRefs
{
    /// <summary>Swallows every message without a trace.</summary>
    public static readonly IActorRef Nobody = new NobodyRef();

    /// <summary>Says that a message needs no answer.</summary>
    public static readonly IActorRef? NoSender;
}

/// <summary>Tells that fill in the sender from the turn that runs on this thread.</summary>
public static class ActorRefImplicitSenderExtensions
{
    public static void Tell(this IActorRef receiver, object message) => receiver.Tell(message, ActorCell.Running);

    /// <summary>Passes a message on under the name of whoever sent it here.</summary>
    public static void Forward(this IActorRef receiver, object message) =>
        receiver.Tell(message, ActorCell.Running is { } cell ? cell.Sender : ActorRefs.NoSender);
}

public static class ActorRefExtensions
{
    public static bool IsNobody([NotNullWhen(false)] this IActorRef? actorRef) => actorRef is null or NobodyRef;
}

/// <summary>What every reference of the engine can do beyond telling: take system messages.</summary>
internal abstract class InternalRef : IActorRef
{
    public abstract ActorPath Path { get; }

    /// <summary>The system that this reference belongs to; null for <see cref="ActorRefs.Nobody"/> alone.</summary>
    public abstract ActorSystem? Home { get; }

    /// <summary>True once nothing sent here can arrive any more.</summary>
    public virtual bool IsTerminated => false;

    public abstract void Tell(object message, IActorRef? sender);

    /// <summary>Delivers ahead of user messages. A message object belongs to one receiver.</summary>
    public virtual void SendSystem(SystemMessage message)
    {
    }

    public bool Equals(IActorRef? other) => ReferenceEquals(this, other);

    public sealed override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public sealed override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    public int CompareTo(IActorRef? other) => other is null ? 1 : Path.CompareTo(other.Path);

    public int CompareTo(object? obj) => CompareTo((IActorRef?)obj);

    public override string ToString() => $"[{Path}]";
}

internal sealed class NobodyRef : InternalRef
{
    private static readonly ActorPath NobodyPath = ActorPath.RootOf(new Address("akka", "all-systems")) / "Nobody";

    public override ActorPath Path => NobodyPath;

    public override ActorSystem? Home => null;

    public override void Tell(object message, IActorRef? sender)
    {
    }
}
