using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>Hears what a UDP socket hears, on the thread of its <see cref="UdpDoor"/>: to be quick is to be polite.</summary>
public interface IUdpReceiver
{
    /// <summary>Datagrams came in, all of one size but the last, from one sender. They are lent for the call.</summary>
    void HandleDatagrams(UdpSocket socket, ReadOnlyMemory<byte> datagrams, int segmentSize, UdxAddress from);

    /// <summary>What one call of the kernel brought has been handed over: the time to answer all of it at once.</summary>
    void HandleBatchEnd(UdpSocket socket);
}

/// <summary>Whoever wants to be woken by a <see cref="UdpDoor"/>, on its thread.</summary>
public interface IUdpSleeper
{
    /// <summary>It is this late, or a little later.</summary>
    void HandleAlarm(TimeSpan now);
}
