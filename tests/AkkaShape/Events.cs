using Akka.Actor;

namespace Akka.Event;

public class EventStream
{
    public EventStream(bool debug) => Shape.Nothing();

    public virtual bool Subscribe(IActorRef subscriber, Type channel) => Shape.Of<bool>();

    public virtual bool Unsubscribe(IActorRef subscriber, Type channel) => Shape.Of<bool>();

    public virtual bool Unsubscribe(IActorRef subscriber) => Shape.Of<bool>();

    public virtual void Publish(object @event) => Shape.Nothing();
}

public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) => Shape.Of<bool>();

    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        Shape.Of<bool>();
}

public interface IDeadLetterSuppression;

public abstract class AllDeadLetters
{
    private protected AllDeadLetters()
    {
    }

    public object Message => Shape.Of<object>();

    public IActorRef Recipient => Shape.Of<IActorRef>();

    public IActorRef Sender => Shape.Of<IActorRef>();
}

public sealed class DeadLetter : AllDeadLetters
{
    public DeadLetter(object message, IActorRef sender, IActorRef recipient) => Shape.Nothing();
}

public sealed class SuppressedDeadLetter : AllDeadLetters
{
    public SuppressedDeadLetter(object message, IActorRef sender, IActorRef recipient) =>
        Shape.Nothing();
}

public sealed class UnhandledMessage : AllDeadLetters
{
    public UnhandledMessage(object message, IActorRef sender, IActorRef recipient) => Shape.Nothing();
}

public enum LogLevel
{
    DebugLevel,
    InfoLevel,
    WarningLevel,
    ErrorLevel,
}

public abstract class LogEvent
{
    private protected LogEvent()
    {
    }

    public Exception Cause { get; protected set; }

    public string LogSource { get; protected set; }

    public Type LogClass { get; protected set; }

    public object Message { get; protected set; }

    public abstract LogLevel LogLevel();
}

public class Error : LogEvent
{
    public Error(Exception cause, string logSource, Type logClass, object message) => Shape.Nothing();

    public override LogLevel LogLevel() => Shape.Of<LogLevel>();
}

public class Warning : LogEvent
{
    public Warning(string logSource, Type logClass, object message) => Shape.Nothing();

    public Warning(Exception cause, string logSource, Type logClass, object message) => Shape.Nothing();

    public override LogLevel LogLevel() => Shape.Of<LogLevel>();
}
