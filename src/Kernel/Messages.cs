namespace HyperActors.Kernel;

/// <summary>Messages that the engine handles before the actor sees them.</summary>
public abstract class AutoReceivedMessage
{
    private protected AutoReceivedMessage()
    {
    }
}

/// <summary>A message that does not keep an actor from its <see cref="ReceiveTimeout"/>.</summary>
public interface INotInfluenceReceiveTimeout;

/// <summary>Stops the actor once every message before it has been handled.</summary>
public sealed class PoisonPill : AutoReceivedMessage, IDeadLetterSuppression
{
    private PoisonPill()
    {
    }

    public static PoisonPill Instance { get; } = new();

    public override string ToString() => "<PoisonPill>";
}

/// <summary>Fails the actor with an <see cref="ActorKilledException"/>: its supervisor decides, and by default stops it.</summary>
public sealed class Kill : AutoReceivedMessage
{
    private Kill()
    {
    }

    public static Kill Instance { get; } = new();

    public override string ToString() => "<Kill>";
}

/// <summary>Says that a watched actor stopped, after its PostStop.</summary>
public sealed class Terminated : AutoReceivedMessage, IDeadLetterSuppression
{
    public Terminated(IActorRef actorRef, bool existenceConfirmed, bool addressTerminated)
    {
        ActorRef = actorRef;
        ExistenceConfirmed = existenceConfirmed;
        AddressTerminated = addressTerminated;
    }

    public IActorRef ActorRef { get; }

    /// <summary>False when nobody knows whether the actor ever lived.</summary>
    public bool ExistenceConfirmed { get; }

    public bool AddressTerminated { get; }

    public override string ToString() => $"<Terminated>: {ActorRef}";
}

/// <summary>Asks any actor for its reference; answered with <see cref="ActorIdentity"/>.</summary>
public sealed class Identify : AutoReceivedMessage, INotInfluenceReceiveTimeout
{
    public Identify(object? messageId) => MessageId = messageId;

    public object? MessageId { get; }

    public override string ToString() => $"<Identify>: {MessageId}";
}

/// <summary>The answer to <see cref="Identify"/>; without a subject when nobody lives there.</summary>
public sealed class ActorIdentity
{
    public ActorIdentity(object? messageId, IActorRef? subject)
    {
        MessageId = messageId;
        Subject = subject;
    }

    public object? MessageId { get; }

    public IActorRef? Subject { get; }

    public override string ToString() => $"<ActorIdentity>: {Subject} - MessageId={MessageId}";
}

/// <summary>What an actor gets that heard nothing for as long as it asked with <c>SetReceiveTimeout</c>.</summary>
public sealed class ReceiveTimeout
{
    private ReceiveTimeout()
    {
    }

    public static ReceiveTimeout Instance { get; } = new();

    public override string ToString() => "<ReceiveTimeout>";
}

/// <summary>An answer that says whether it worked.</summary>
public abstract class Status
{
    private Status()
    {
    }

    public sealed class Success : Status
    {
        public static readonly Success Instance = new(null);

        public readonly object? Status;

        public Success(object? status) => Status = status;

        public override string ToString() => Status is null ? "Success" : $"Success: {Status}";
    }

    /// <summary>An answer that faults the task of an <c>Ask</c>.</summary>
    public sealed class Failure : Status
    {
        public readonly Exception Cause;

        public readonly object? State;

        public Failure(Exception cause)
            : this(cause, null)
        {
        }

        public Failure(Exception cause, object? state)
        {
            Cause = cause;
            State = state;
        }

        public override string ToString() => State is null ? $"Failure: {Cause}" : $"Failure[{State}]: {Cause}";
    }
}

/// <summary>A message with whom to answer.</summary>
public struct Envelope : IEquatable<Envelope>
{
    internal object MessageField;
    internal IActorRef? SenderField;

    public Envelope(object message, IActorRef? sender)
    {
        MessageField = message;
        SenderField = sender;
    }

    public readonly object Message => MessageField;

    public readonly IActorRef? Sender => SenderField;

    public static bool operator ==(Envelope left, Envelope right) => left.Equals(right);

    public static bool operator !=(Envelope left, Envelope right) => !left.Equals(right);

    public readonly bool Equals(Envelope other) =>
        ReferenceEquals(MessageField, other.MessageField) && ReferenceEquals(SenderField, other.SenderField);

    public readonly override bool Equals(object? obj) => obj is Envelope other && Equals(other);

    public readonly override int GetHashCode() => HashCode.Combine(MessageField, SenderField);

    public readonly override string ToString() => $"<{Message}> from {Sender?.ToString() ?? "NoSender"}";
}
