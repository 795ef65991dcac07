using System.Buffers;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>Hears what happens on a <see cref="UdxConnection"/>. Calls come one at a time, from whatever thread caused them.</summary>
public interface IUdxSink
{
    /// <summary>Bytes of the stream. The receiver disposes them, and returns their number with <see cref="UdxConnection.Consumed"/>.</summary>
    void HandleBytes(IMemoryOwner<byte> bytes, int count);

    /// <summary>So many bytes of what was written have been taken over by the stream.</summary>
    void HandleWritten(int count);

    /// <summary>An unordered datagram, lent for the call.</summary>
    void HandleMessage(ReadOnlyMemory<byte> message);

    /// <summary>The peer has ended its direction.</summary>
    void HandleRemoteEnded();

    /// <summary>Everything sent before the remote was changed has arrived.</summary>
    void HandleRemoteChanged();

    /// <summary>The stream is over; no call follows.</summary>
    void HandleClosed(UdxCloseReason reason);
}
