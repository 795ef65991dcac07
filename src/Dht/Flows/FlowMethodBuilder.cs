using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace HyperActors.Dht;

/// <summary>Builds the <see cref="Flow"/> of an <c>async</c> method, for the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct FlowMethodBuilder
{
    private Action? _moveNext;

    public Flow Task { get => field ??= Flow.CreatePending(); }

    public static FlowMethodBuilder Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult() => Task.Succeed();

    public void SetException(Exception exception) => Task.Fail(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        _ = Task;
        awaiter.OnCompleted(FlowBox<TStateMachine>.MoveNextOf(ref _moveNext, ref stateMachine));
    }

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => AwaitOnCompleted(ref awaiter, ref stateMachine);
}

/// <summary>Builds the <see cref="Flow{T}"/> of an <c>async</c> method, for the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct FlowMethodBuilder<T>
{
    private Action? _moveNext;

    public Flow<T> Task { get => field ??= new Flow<T>(); }

    public static FlowMethodBuilder<T> Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(T result) => Task.Succeed(result);

    public void SetException(Exception exception) => Task.Fail(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        _ = Task;
        awaiter.OnCompleted(FlowBox<TStateMachine>.MoveNextOf(ref _moveNext, ref stateMachine));
    }

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => AwaitOnCompleted(ref awaiter, ref stateMachine);
}

/// <summary>Keeps the state of an <c>async</c> method between its steps.</summary>
internal sealed class FlowBox<TStateMachine>
    where TStateMachine : IAsyncStateMachine
{
    private TStateMachine _stateMachine = default!;

    // The builder is a field of the state machine: what is set through the reference must be there before the copy is made.
    internal static Action MoveNextOf(ref Action? moveNext, ref TStateMachine stateMachine)
    {
        if (moveNext is null)
        {
            var box = new FlowBox<TStateMachine>();
            moveNext = box.MoveNext;
            box._stateMachine = stateMachine;
        }

        return moveNext;
    }

    private void MoveNext() => _stateMachine.MoveNext();
}
