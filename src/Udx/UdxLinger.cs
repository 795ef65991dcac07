namespace HyperActors.Udx;

/// <summary>What remains of a closed stream: enough to say once more what its last packet said.</summary>
public sealed class UdxLinger
{
    private readonly UdxPath _path;
    private readonly PacketFlags _flags;
    private readonly uint _sequence;
    private readonly uint _received;
    private readonly uint _window;

    internal UdxLinger(UdxPath path, PacketFlags flags, uint sequence, uint received, uint window)
    {
        _path = path;
        _flags = flags;
        _sequence = sequence;
        _received = received;
        _window = window;
    }

    internal bool OwesReply { get; private set; }

    /// <summary>Takes in a late packet; true when it wants an answer.</summary>
    internal bool HandlePacket(in PacketHeader header)
    {
        // A bare acknowledgement or another abort is never answered: two dead streams must not talk forever.
        const PacketFlags asking = PacketFlags.Data | PacketFlags.End | PacketFlags.Heartbeat;
        OwesReply |= !header.Has(PacketFlags.Destroy) && header.Has(asking);
        return OwesReply;
    }

    internal UdxTransmit WriteReply(Span<byte> buffer)
    {
        OwesReply = false;
        new PacketHeader(_flags, 0, _path.RemoteId, _window, _sequence, _received).Encode(buffer);
        return new UdxTransmit(_path.Socket, _path.Remote, PacketHeader.Size, PacketHeader.Size);
    }
}
