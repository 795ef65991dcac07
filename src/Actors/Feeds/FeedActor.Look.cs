using HyperActors.Abstractions;
using HyperActors.Storage;

namespace HyperActors.Actors;

/// <content>What those see who only look at the feed.</content>
public sealed partial class FeedActor
{
    /// <summary>Answered with <see cref="PeersAnswer"/>.</summary>
    public sealed record GetPeers
    {
        public static GetPeers Instance { get; } = new();
    }

    public sealed record PeersAnswer(IReadOnlyList<FeedPeer> Peers);

    /// <summary>Answered with <see cref="FeedMap"/>.</summary>
    public sealed record GetMap(int MaxCells);

    /// <summary>Answered with <see cref="SeekAnswer"/>.</summary>
    public sealed record Seek(ulong ByteOffset);

    /// <summary>No position: the tree above that byte is not here.</summary>
    public sealed record SeekAnswer(BytePosition? Position);

    private void Handle(GetMap get)
    {
        ulong length = _log.Head.Length;
        byte[] cells = new byte[Math.Min((ulong)get.MaxCells, length)];
        ulong blocks = 0;
        for (int i = 0; i < cells.Length; i++)
        {
            ulong start = (ulong)((UInt128)length * (ulong)i / (ulong)cells.Length);
            ulong end = (ulong)((UInt128)length * (ulong)(i + 1) / (ulong)cells.Length);
            ulong here = _log.Blocks.Count(start, end);
            blocks += here;

            // Rounded towards the middle: only nothing is 0 and only everything is 255.
            cells[i] = here == 0 ? (byte)0
                : here == end - start ? byte.MaxValue
                : (byte)Math.Clamp((ulong)((UInt128)here * 255 / (end - start)), 1, 254);
        }

        Sender.Tell(new FeedMap(length, blocks, cells), Self);
    }

    private void Handle(Seek seek)
    {
        IActorRef asker = Sender;
        long id = NextId(answer => asker.Tell(
            answer switch
            {
                FeedLogEvent.Sought sought => new SeekAnswer(new BytePosition(sought.Block, sought.Offset)),
                FeedLogEvent.Refused { Reason: Refusal.BlockMissing } => new SeekAnswer(null),
                FeedLogEvent.Refused { Reason: Refusal.OutOfBounds } => new Status.Failure(
                    new ArgumentOutOfRangeException(null, $"the feed has {_log.Head.ByteLength} bytes")),
                _ => RefusalOf(answer),
            },
            Self));
        _log.Seek(id, seek.ByteOffset);
    }
}
