using System.Buffers;
using System.Net;

namespace HyperActors.Actors;

/// <summary>One ordered stream of bytes to a peer. Its events are messages to the actor that started it.</summary>
/// <remarks>
/// Reading is paid for: the transport reads no more than <see cref="TransportOptions.MaxUnreadBytes"/> ahead of
/// <see cref="ReturnCredit"/>. Writing too: <see cref="Written"/> gives back what <see cref="Write"/> took. Calls come
/// from one actor, none of them blocks or throws, and after <see cref="IDisposable.Dispose"/> no message follows.
/// </remarks>
public interface ITransport : IDisposable
{
    /// <summary>Where the peer is, when the transport knows.</summary>
    EndPoint? RemoteAddress { get; }

    /// <summary>What carries the bytes, in a word: <c>tcp</c>, <c>udx</c>.</summary>
    string Kind => "tcp";

    /// <summary>What went over it so far. Read from any thread.</summary>
    TransportCounts Counts => default;

    /// <summary>The smoothed round trip; null where the transport does not measure it. Read from any thread.</summary>
    TimeSpan? RoundTripTime => null;

    /// <summary>Begins to read; from now on <paramref name="owner"/> hears of everything.</summary>
    void Start(IActorRef owner);

    /// <summary>Sends <paramref name="bytes"/> behind all that was given before, and disposes it.</summary>
    void Write(IMemoryOwner<byte> bytes);

    /// <summary>Lets <paramref name="count"/> more bytes be read.</summary>
    void ReturnCredit(int count);

    /// <summary>Ends our direction once everything is sent; the peer's stays open.</summary>
    void Shutdown();

    /// <summary>Sends an unordered message beside the stream, which may be lost; false when it can't be sent, as over TCP.</summary>
    bool SendMessage(ReadOnlySpan<byte> message) => false;

    /// <summary>A message of <see cref="MessageArrived"/> was dealt with; beyond a bound they are dropped until then.</summary>
    void ReturnMessage(int size)
    {
    }

    /// <summary>Bytes from the peer. The receiver disposes the owner and returns the credit.</summary>
    sealed record BytesArrived(IMemoryOwner<byte> Owner, int Count);

    /// <summary>An unordered message of the peer's. The receiver returns its size with <see cref="ReturnMessage"/>.</summary>
    sealed record MessageArrived(ReadOnlyMemory<byte> Message);

    /// <summary>Bytes have left.</summary>
    sealed record Written(int Count);

    /// <summary>The peer ended its direction: nothing more arrives.</summary>
    sealed record RemoteEnded
    {
        public static RemoteEnded Instance { get; } = new();
    }

    /// <summary>The stream broke. Nothing follows.</summary>
    sealed record Broken(string Reason);
}

/// <summary>What went over a transport.</summary>
/// <param name="BytesReceived">Bytes that came.</param>
/// <param name="BytesSent">Bytes that left.</param>
public readonly record struct TransportCounts(long BytesReceived, long BytesSent);
