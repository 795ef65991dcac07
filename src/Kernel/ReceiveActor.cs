using System.Runtime.CompilerServices;

namespace HyperActors.Kernel;

/// <summary>An actor whose handlers are chosen by the type of the message, in the order in which they were given.</summary>
public abstract class ReceiveActor : UntypedActor
{
    private HandlerTable _table = new();
    private HandlerTable? _open;

    protected ReceiveActor() => _open = _table;

    protected sealed override void OnReceive(object message)
    {
        if (!_table.Handle(message))
        {
            Unhandled(message);
        }
    }

    /// <summary>Replaces the handlers by those that <paramref name="configure"/> sets up.</summary>
    protected void Become(Action configure) => Replace(Configured(configure));

    /// <summary>Puts handlers on top, to be taken off by <see cref="ActorBase.UnbecomeStacked"/>.</summary>
    protected void BecomeStacked(Action configure) => Push(Configured(configure));

    protected void Receive<T>(Action<T> handler, Predicate<T>? shouldHandle = null) =>
        Add(typeof(T), new TypedHandler<T>(handler, shouldHandle));

    protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Receive(handler, shouldHandle);

    /// <summary>A handler that says by its result whether it was the right one.</summary>
    protected void Receive<T>(Func<T, bool> handler) => Add(typeof(T), new TryingHandler<T>(handler));

    protected void Receive(Type messageType, Action<object> handler, Predicate<object>? shouldHandle = null) =>
        Add(messageType, new UntypedHandler(messageType, handler, shouldHandle));

    protected void Receive(Type messageType, Predicate<object> shouldHandle, Action<object> handler) =>
        Receive(messageType, handler, shouldHandle);

    protected void Receive(Type messageType, Func<object, bool> handler) =>
        Add(messageType, new TryingHandler<object>(m => messageType.IsInstanceOfType(m) && handler(m)));

    protected void ReceiveAny(Action<object> handler)
    {
        Add(typeof(object), new TypedHandler<object>(handler, null));
        _open!.IsComplete = true;
    }

    /// <summary>A handler that may await: until its task ends, user messages wait, system messages do not.</summary>
    protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T>? shouldHandle = null) =>
        Add(typeof(T), new AsyncHandler<T>(Cell, handler, shouldHandle));

    protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) =>
        ReceiveAsync(handler, shouldHandle);

    protected void ReceiveAsync(
        Type messageType, Func<object, Task> handler, Predicate<object>? shouldHandle = null) =>
        Add(messageType, new AsyncHandler<object>(
            Cell, handler, m => messageType.IsInstanceOfType(m) && (shouldHandle is null || shouldHandle(m))));

    protected void ReceiveAsync(Type messageType, Predicate<object> shouldHandle, Func<object, Task> handler) =>
        ReceiveAsync(messageType, handler, shouldHandle);

    protected void ReceiveAnyAsync(Func<object, Task> handler)
    {
        Add(typeof(object), new AsyncHandler<object>(Cell, handler, null));
        _open!.IsComplete = true;
    }

    internal sealed override bool Handle(object message) => _table.Handle(message);

    internal sealed override bool TryHandleKnown(object message) => _table.TryHandleKnown(message);

    internal sealed override void Seal() => _open = null;

    internal sealed override void ReplaceBehavior(Receive receive)
    {
        ArgumentNullException.ThrowIfNull(receive);
        Replace(new HandlerTable(receive));
    }

    internal sealed override void PushBehavior(Receive receive)
    {
        ArgumentNullException.ThrowIfNull(receive);
        Push(new HandlerTable(receive));
    }

    internal sealed override void PopBehavior() => _table = _table.Below ?? _table;

    // The handlers of the constructor stay at the bottom, as in Akka.NET.
    private void Replace(HandlerTable table)
    {
        table.Below = _table.Below ?? _table;
        _table = table;
    }

    private void Push(HandlerTable table)
    {
        table.Below = _table;
        _table = table;
    }

    private HandlerTable Configured(Action configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        HandlerTable? outer = _open;
        var table = new HandlerTable();
        _open = table;
        try
        {
            configure();
        }
        finally
        {
            _open = outer;
        }

        return table;
    }

    private void Add(Type type, Handler handler)
    {
        if (_open is not { } table)
        {
            throw new InvalidOperationException(
                "You may only call Receive-methods when constructing the actor and inside Become().");
        }

        if (table.IsComplete)
        {
            throw new InvalidOperationException(
                "A handler that catches all messages has been added. No handler can be added after that.");
        }

        table.Add(type, handler);
    }

    private sealed class HandlerTable
    {
        private readonly Receive? _receive;
        private Entry[] _entries = [];
        private int _count;
        private Handler? _known;

        public HandlerTable()
        {
        }

        public HandlerTable(Receive receive) => _receive = receive;

        /// <summary>What unbecoming goes back to.</summary>
        public HandlerTable? Below { get; set; }

        public bool IsComplete { get; set; }

        public void Add(Type type, Handler handler)
        {
            if (_count == _entries.Length)
            {
                Array.Resize(ref _entries, _count == 0 ? 1 : _count * 2);
            }

            // A sealed type can be told from others without asking its handler.
            _entries[_count++] = new Entry(type.IsSealed ? type : null, handler);
        }

        /// <summary>True when the handler that took the last message took this one too, without looking at any other.</summary>
        public bool TryHandleKnown(object message) => _known is { } known && known.TryHandleExact(message);

        public bool Handle(object message)
        {
            Type type = message.GetType();
            bool isFirst = true;
            foreach (ref readonly Entry entry in _entries.AsSpan(0, _count))
            {
                if (entry.Exact is not null && !ReferenceEquals(entry.Exact, type))
                {
                    continue;
                }

                if (entry.Handler.TryHandle(message))
                {
                    if (isFirst && entry.Exact is not null && entry.Handler.TakesAll && message is not AutoReceivedMessage)
                    {
                        _known = entry.Handler;
                    }

                    return true;
                }

                isFirst = false;
            }

            return _receive is not null && _receive(message);
        }
    }

    private readonly struct Entry(Type? exact, Handler handler)
    {
        public readonly Type? Exact = exact;
        public readonly Handler Handler = handler;
    }

    private abstract class Handler
    {
        /// <summary>True when no message of the type is refused.</summary>
        public virtual bool TakesAll => false;

        public abstract bool TryHandle(object message);

        /// <summary>Handles a message of exactly the handler's type, which is sealed, and no other.</summary>
        public virtual bool TryHandleExact(object message) => TryHandle(message);
    }

    private sealed class TypedHandler<T>(Action<T> handler, Predicate<T>? shouldHandle) : Handler
    {
        public override bool TakesAll => shouldHandle is null;

        public override bool TryHandle(object message)
        {
            if (message is not T typed || (shouldHandle is not null && !shouldHandle(typed)))
            {
                return false;
            }

            handler(typed);
            return true;
        }

        public override bool TryHandleExact(object message)
        {
            if (message.GetType() != typeof(T))
            {
                return false;
            }

            handler(typeof(T).IsValueType ? (T)message : Unsafe.As<object, T>(ref message));
            return true;
        }
    }

    private sealed class TryingHandler<T>(Func<T, bool> handler) : Handler
    {
        public override bool TryHandle(object message) => message is T typed && handler(typed);
    }

    private sealed class UntypedHandler(Type type, Action<object> handler, Predicate<object>? shouldHandle) : Handler
    {
        public override bool TryHandle(object message)
        {
            if (!type.IsInstanceOfType(message) || (shouldHandle is not null && !shouldHandle(message)))
            {
                return false;
            }

            handler(message);
            return true;
        }
    }

    private sealed class AsyncHandler<T>(ActorCell cell, Func<T, Task> handler, Predicate<T>? shouldHandle) : Handler
    {
        public override bool TakesAll => shouldHandle is null;

        public override bool TryHandle(object message)
        {
            if (message is not T typed || (shouldHandle is not null && !shouldHandle(typed)))
            {
                return false;
            }

            cell.RunAsync(handler, typed);
            return true;
        }
    }
}
