using System.Linq.Expressions;

namespace Akka.Actor;

public abstract class ActorBase
{
    protected ActorBase() => Shape.Nothing();

    protected static IActorContext Context => Shape.Of<IActorContext>();

    protected static Receive EmptyReceive => Shape.Of<Receive>();

    protected IActorRef Sender => Shape.Of<IActorRef>();

    protected IActorRef Self => Shape.Of<IActorRef>();

    public virtual void AroundPreRestart(Exception cause, object message) => Shape.Nothing();

    public virtual void AroundPreStart() => Shape.Nothing();

    public virtual void AroundPostRestart(Exception cause, object message) => Shape.Nothing();

    public virtual void AroundPostStop() => Shape.Nothing();

    protected abstract bool Receive(object message);

    protected internal virtual bool AroundReceive(Receive receive, object message) => Shape.Of<bool>();

    protected virtual void Unhandled(object message) => Shape.Nothing();

    protected virtual void PreStart() => Shape.Nothing();

    protected virtual void PostStop() => Shape.Nothing();

    protected virtual void PreRestart(Exception reason, object message) => Shape.Nothing();

    protected virtual void PostRestart(Exception reason) => Shape.Nothing();

    protected virtual SupervisorStrategy SupervisorStrategy() => Shape.Of<SupervisorStrategy>();

    protected void Become(Receive receive) => Shape.Nothing();

    protected void BecomeStacked(Receive receive) => Shape.Nothing();

    protected void UnbecomeStacked() => Shape.Nothing();

    protected void SetReceiveTimeout(TimeSpan? timeout) => Shape.Nothing();
}

public abstract class UntypedActor : ActorBase
{
    protected static new IUntypedActorContext Context => Shape.Of<IUntypedActorContext>();

    protected sealed override bool Receive(object message) => Shape.Of<bool>();

    protected abstract void OnReceive(object message);

    protected void RunTask(Action action) => Shape.Nothing();

    protected void RunTask(Func<Task> action) => Shape.Nothing();

    protected void Become(UntypedReceive receive) => Shape.Nothing();

    protected void BecomeStacked(UntypedReceive receive) => Shape.Nothing();
}

public abstract class ReceiveActor : UntypedActor
{
    protected sealed override void OnReceive(object message) => Shape.Nothing();

    protected void Become(Action configure) => Shape.Nothing();

    protected void BecomeStacked(Action configure) => Shape.Nothing();

    protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) => Shape.Nothing();

    protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) => Shape.Nothing();

    protected void ReceiveAsync(
        Type messageType, Func<object, Task> handler, Predicate<object> shouldHandle = null) => Shape.Nothing();

    protected void ReceiveAsync(Type messageType, Predicate<object> shouldHandle, Func<object, Task> handler) =>
        Shape.Nothing();

    protected void ReceiveAnyAsync(Func<object, Task> handler) => Shape.Nothing();

    protected void Receive<T>(Action<T> handler, Predicate<T> shouldHandle = null) => Shape.Nothing();

    protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Shape.Nothing();

    protected void Receive(Type messageType, Action<object> handler, Predicate<object> shouldHandle = null) =>
        Shape.Nothing();

    protected void Receive(Type messageType, Predicate<object> shouldHandle, Action<object> handler) =>
        Shape.Nothing();

    protected void Receive<T>(Func<T, bool> handler) => Shape.Nothing();

    protected void Receive(Type messageType, Func<object, bool> handler) => Shape.Nothing();

    protected void ReceiveAny(Action<object> handler) => Shape.Nothing();
}

public class Props : IEquatable<Props>
{
    protected Props() => Shape.Nothing();

    public Type Type => Shape.Of<Type>();

    public string TypeName => Shape.Of<string>();

    public string Dispatcher => Shape.Of<string>();

    public string Mailbox => Shape.Of<string>();

    public Akka.Routing.RouterConfig RouterConfig => Shape.Of<Akka.Routing.RouterConfig>();

    public SupervisorStrategy SupervisorStrategy => Shape.Of<SupervisorStrategy>();

    public object[] Arguments => Shape.Of<object[]>();

    public static Props Create<TActor>(
        Expression<Func<TActor>> factory, SupervisorStrategy supervisorStrategy = null)
        where TActor : ActorBase => Shape.Of<Props>();

    public static Props Create<TActor>(params object[] args)
        where TActor : ActorBase => Shape.Of<Props>();

    public static Props Create<TActor>(SupervisorStrategy supervisorStrategy)
        where TActor : ActorBase, new() => Shape.Of<Props>();

    public static Props Create(Type type, params object[] args) => Shape.Of<Props>();

    public Props WithMailbox(string mailbox) => Shape.Of<Props>();

    public Props WithDispatcher(string dispatcher) => Shape.Of<Props>();

    public Props WithRouter(Akka.Routing.RouterConfig routerConfig) => Shape.Of<Props>();

    public Props WithStashCapacity(int stashCapacity) => Shape.Of<Props>();

    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy) => Shape.Of<Props>();

    public bool Equals(Props other) => Shape.Of<bool>();
}

public interface IStash
{
    int Count { get; }

    bool IsEmpty { get; }

    bool NonEmpty { get; }

    bool IsFull { get; }

    int Capacity { get; }

    void Stash();

    void Unstash();

    void UnstashAll();

    void UnstashAll(Func<Envelope, bool> predicate);

    IEnumerable<Envelope> ClearStash();

    void Prepend(IEnumerable<Envelope> envelopes);
}

public interface IActorStash
{
    IStash Stash { get; set; }
}

public interface IWithStash : IActorStash;

public interface IWithUnboundedStash : IActorStash;

public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}

public interface ITimerScheduler
{
    IReadOnlyCollection<object> ActiveTimers { get; }

    void StartPeriodicTimer(object key, object msg, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender);

    void StartSingleTimer(object key, object msg, TimeSpan timeout);

    void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender);

    bool IsTimerActive(object key);

    void Cancel(object key);

    void CancelAll();
}
