using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Says which version of the feed the sender has, and which version of the receiver's it has heard of.</summary>
/// <remarks>
/// <code>
/// | flags: uint (1 can upgrade, 2 uploading, 4 downloading, 8 has manifest, 16 allow push)
/// | fork: uint | length: uint | remote length: uint |
/// </code>
/// </remarks>
public sealed record SyncMessage : ReplicationMessage
{
    public override MessageType Type => MessageType.Sync;

    public ulong Fork { get; init; }

    public ulong Length { get; init; }

    /// <summary>The receiver's length as the sender last heard it, when both are of one fork; else 0.</summary>
    public ulong RemoteLength { get; init; }

    /// <summary>Whether the sender can prove its length to one that has the receiver's.</summary>
    public bool CanUpgrade { get; init; }

    public bool IsUploading { get; init; }

    /// <summary>Whether the sender wants blocks, or waits for some.</summary>
    public bool IsDownloading { get; init; }

    public bool HasManifest { get; init; }

    /// <summary>Whether the receiver may send blocks that nobody asked for.</summary>
    public bool AllowsPush { get; init; }

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(
            (CanUpgrade ? 1u : 0) | (IsUploading ? 2u : 0) | (IsDownloading ? 4u : 0)
            | (HasManifest ? 8u : 0) | (AllowsPush ? 16u : 0));
        writer.WriteUInt(Fork);
        writer.WriteUInt(Length);
        writer.WriteUInt(RemoteLength);
    }

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out SyncMessage? message)
    {
        ulong flags = reader.ReadUInt();
        message = new SyncMessage
        {
            Fork = reader.ReadUInt(),
            Length = reader.ReadUInt(),
            RemoteLength = reader.ReadUInt(),
            CanUpgrade = (flags & 1) != 0,
            IsUploading = (flags & 2) != 0,
            IsDownloading = (flags & 4) != 0,
            HasManifest = (flags & 8) != 0,
            AllowsPush = (flags & 16) != 0,
        };
        return reader.Succeeded;
    }
}
