using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Wire;

/// <summary>One layer of a connection, written without a socket, a clock or a task.</summary>
/// <remarks>
/// A stage that met nonsense reports a failure once and is deaf from then on: it takes no input, has no bytes to send
/// and no deadline. After each change its owner drains it, then sleeps until <see cref="Deadline"/>.
/// </remarks>
/// <typeparam name="TEvent">What the stage tells the layer above; a ref struct where it borrows the input.</typeparam>
public interface IStage<TEvent>
    where TEvent : allows ref struct
{
    /// <summary>When <see cref="HandleTimeout"/> is next due, or null while nothing is timed.</summary>
    TimeSpan? Deadline { get; }

    /// <summary>It is this late. Too early does nothing; on time or later always moves <see cref="Deadline"/>.</summary>
    void HandleTimeout(TimeSpan now);

    /// <summary>Lends bytes from below until the stage is drained. Total: no bytes make it throw.</summary>
    void HandleInput(ReadOnlySequence<byte> input, TimeSpan now);

    /// <summary>Writes bytes for the layer below; false when there are none.</summary>
    /// <remarks>The time is that of the write: a keep-alive counts from the last one.</remarks>
    bool TryPollTransmit(IBufferWriter<byte> output, TimeSpan now);

    /// <summary>Hands one event to the layer above; false when the stage is drained.</summary>
    bool TryPollEvent([MaybeNullWhen(false)] out TEvent stageEvent);
}
