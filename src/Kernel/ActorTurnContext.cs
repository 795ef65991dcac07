namespace HyperActors.Kernel;

/// <summary>Brings what follows an await back into a turn of the actor that awaited.</summary>
/// <remarks>One per asynchronous handler, so that a restart can tell an old one's rest from a new one's.</remarks>
internal sealed class ActorTurnContext(ActorCell cell) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => cell.SendSystem(new Continuation(this, d, state));

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("An actor runs nothing for somebody who waits.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Called with this context in place: what follows the await runs in a turn, like all the rest.</summary>
#pragma warning disable VSTHRD100 // Nothing escapes: what the task throws is handed to the cell, which never throws.
    public async void Await(Task task)
#pragma warning restore VSTHRD100
    {
        Exception? failure = null;
        try
        {
            await task;
        }
        catch (Exception e)
        {
            failure = e;
        }

        cell.FinishAsync(this, failure);
    }
}
