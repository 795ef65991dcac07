using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>Hears of a stream's life beside its owner. Calls come one at a time, from whatever thread caused them, and are quick.</summary>
public interface IUdxWatcher
{
    /// <summary>After a change of remote: everything sent before has arrived, and the peer was heard again since.</summary>
    void HandleMoved();

    /// <summary>The stream is over; no call follows.</summary>
    void HandleClosed(UdxCloseReason reason);
}
