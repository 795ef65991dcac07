using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace HyperActors.Dht;

/// <summary>A sequence of steps under way, or done: what an <c>async</c> method of a machine returns (see <see cref="FlowRunner"/>).</summary>
[AsyncMethodBuilder(typeof(FlowMethodBuilder))]
public class Flow
{
    private Action? _continuation;
    private List<Action>? _moreContinuations;

    private protected Flow()
    {
    }

    /// <summary>A flow that is done.</summary>
    public static Flow Done { get; } = CreateDone();

    /// <summary>True when it has ended, well or not.</summary>
    public bool IsCompleted { get; private set; }

    /// <summary>Why it failed; null while it runs and when it ended well.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>True when it ended well.</summary>
    public bool IsSuccess => IsCompleted && Failure is null;

    /// <summary>Completes with the first of <paramref name="flows"/> that ends, and tells its place; never fails itself.</summary>
    public static Flow<int> WhenAny(params ReadOnlySpan<Flow> flows)
    {
        var first = new Flow<int>();
        for (int i = 0; i < flows.Length && !first.IsCompleted; i++)
        {
            int place = i;
            flows[i].OnCompleted(() =>
            {
                if (!first.IsCompleted)
                {
                    first.Succeed(place);
                }
            });
        }

        return first;
    }

    /// <summary>Completes when all of <paramref name="flows"/> have ended; never fails itself: look at each.</summary>
    public static async Flow WhenAll(IEnumerable<Flow> flows)
    {
        foreach (Flow flow in flows.ToArray())
        {
            await flow.Ended();
        }
    }

    /// <summary>Completes when this has ended, well or not; never fails.</summary>
    public Flow Ended()
    {
        if (IsCompleted)
        {
            return Done;
        }

        var ended = new Flow();
        OnCompleted(ended.Succeed);
        return ended;
    }

    /// <summary>Lets it run by itself. Cancellation is its good right; any other failure is handed to <paramref name="failed"/>.</summary>
    public void Forget(Action<Exception> failed) => OnCompleted(() =>
    {
        if (Failure is { } failure and not FlowCancelledException)
        {
            failed(failure);
        }
    });

    public FlowAwaiter GetAwaiter() => new(this);

    internal static Flow CreatePending() => new();

    internal void OnCompleted(Action continuation)
    {
        if (IsCompleted)
        {
            continuation();
        }
        else if (_continuation is null)
        {
            _continuation = continuation;
        }
        else
        {
            (_moreContinuations ??= []).Add(continuation);
        }
    }

    internal void Succeed() => End(null);

    internal void Fail(Exception failure) => End(failure);

    internal void ThrowIfFailed()
    {
        Invariant.Hold(IsCompleted);
        if (Failure is not null)
        {
            ExceptionDispatchInfo.Throw(Failure);
        }
    }

    private static Flow CreateDone()
    {
        var flow = new Flow();
        flow.Succeed();
        return flow;
    }

    private void End(Exception? failure)
    {
        Invariant.Hold(!IsCompleted);
        IsCompleted = true;
        Failure = failure;
        Action? first = _continuation;
        List<Action>? more = _moreContinuations;
        _continuation = null;
        _moreContinuations = null;
        first?.Invoke();
        foreach (Action continuation in more ?? [])
        {
            continuation();
        }
    }
}

/// <summary>A <see cref="Flow"/> that ends with a value.</summary>
[AsyncMethodBuilder(typeof(FlowMethodBuilder<>))]
public sealed class Flow<T> : Flow
{
    private T _result = default!;

    internal Flow()
    {
    }

    /// <summary>The value; only after it ended well.</summary>
    public T Result
    {
        get
        {
            ThrowIfFailed();
            return _result;
        }
    }

    public new FlowAwaiter<T> GetAwaiter() => new(this);

    internal void Succeed(T result)
    {
        _result = result;
        Succeed();
    }
}

/// <summary>The flow's scope was cancelled while it waited.</summary>
public sealed class FlowCancelledException() : Exception("the flow was cancelled");

/// <summary>Waits for a <see cref="Flow"/>.</summary>
public readonly struct FlowAwaiter(Flow flow) : ICriticalNotifyCompletion
{
    public bool IsCompleted => flow.IsCompleted;

    public void GetResult() => flow.ThrowIfFailed();

    public void OnCompleted(Action continuation) => flow.OnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => flow.OnCompleted(continuation);
}

/// <summary>Waits for a <see cref="Flow{T}"/>.</summary>
public readonly struct FlowAwaiter<T>(Flow<T> flow) : ICriticalNotifyCompletion
{
    public bool IsCompleted => flow.IsCompleted;

    public T GetResult() => flow.Result;

    public void OnCompleted(Action continuation) => flow.OnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => flow.OnCompleted(continuation);
}
