namespace HyperActors.Replication;

/// <content>Who has which blocks.</content>
public sealed partial class Replicator
{
    /// <summary>In a feed with gaps, only blocks this near to its end are announced to everybody, as JavaScript has it.</summary>
    private const ulong LastBlocks = 256;

    private void HandleRange(PeerState peer, RangeMessage range)
    {
        ulong end = range.Length > BlockSet.None - range.Start ? BlockSet.None : range.Start + range.Length;
        if (range.IsDropped)
        {
            // Of blocks below the first gap there are no bits: those behind the drop get theirs now.
            if (end < peer.ContiguousLength)
            {
                peer.Blocks.AddRange(end, peer.ContiguousLength - end);
            }

            peer.ContiguousLength = Math.Min(peer.ContiguousLength, range.Start);
            peer.Blocks.RemoveRange(range.Start, range.Length);
            return;
        }

        if (range.Start == 0)
        {
            peer.ContiguousLength = Math.Max(peer.ContiguousLength, range.Length);
        }
        else
        {
            peer.Blocks.AddRange(range.Start, range.Length);
        }

        peer.Refused.RemoveWhere(index => index >= range.Start && index < end);
    }

    private void HandleBitfield(PeerState peer, BitfieldMessage bitfield)
    {
        // The words tell the truth about where they start; JavaScript drops what it believed of everything behind.
        peer.ContiguousLength = Math.Min(peer.ContiguousLength, bitfield.Start);
        if (bitfield.Start % 32 == 0)
        {
            peer.Blocks.ReplaceWords(bitfield.Start, bitfield.Words.Span);
            peer.Refused.Clear();
        }
    }

    private void HandleWant(PeerState peer, WantMessage want)
    {
        if (want.Length == 0 || want.Start > BlockSet.None - want.Length
            || !peer.Wants.Add(want.Start, want.Length, want.Any))
        {
            return;
        }

        if (peer.UnansweredWants.Count >= _options.MaxWants)
        {
            Fail(peer, ReplicationError.TooManyWants);
            return;
        }

        peer.UnansweredWants.Enqueue(want);
    }

    private void AnswerWant(PeerState peer, WantMessage want)
    {
        ulong contiguous = ContiguousLength;
        ulong length = _state.Length;
        if (want.Start + want.Length < contiguous || contiguous == length || (want.Any && want.Start < contiguous))
        {
            peer.Send(new RangeMessage(0, contiguous));
            return;
        }

        if (want.Start >= length)
        {
            return;
        }

        ulong end = Math.Min(want.Start + want.Length, length);
        if (want.Any)
        {
            ulong first = _have.NextSet(want.Start);
            if (first < end)
            {
                peer.Send(new RangeMessage(first, 1));
            }

            return;
        }

        // A stretch that is out of step with the segments takes two messages.
        for (ulong start = want.Start & ~31UL; start < end;)
        {
            ulong stop = Math.Min(end, (start | (WantMessage.SegmentLength - 1)) + 1);
            var words = new byte[(stop - start + 31) / 32 * 4];
            _have.CopyWords(start, words);
            peer.Send(new BitfieldMessage(start, words));
            start = stop;
        }
    }

    /// <summary>Tells a peer of blocks that are there now, if it cares and does not have them itself.</summary>
    private void Announce(PeerState peer, ulong start, ulong length)
    {
        bool isFull = ContiguousLength == _state.Length;
        if (!isFull && start + LastBlocks < _state.Length && start != 0 && !peer.Wants.Touches(start, length))
        {
            return;
        }

        bool isNews = false;
        if (isFull)
        {
            start = 0;
            length = _state.Length;
            isNews = peer.FullLengthAnnounced < length;
            peer.FullLengthAnnounced = length;
        }

        if (!isNews && (peer.ContiguousLength >= start + length || peer.Blocks.NextClear(start) >= start + length))
        {
            return;
        }

        peer.Send(new RangeMessage(start, length));
    }

    private void Announce(ulong start, ulong length)
    {
        foreach (PeerState peer in _order)
        {
            if (peer.IsOpen && !peer.IsPaused)
            {
                Announce(peer, start, length);
            }
        }
    }

    private void AnnounceDrop(ulong start, ulong length)
    {
        foreach (PeerState peer in _order)
        {
            if (peer.IsOpen)
            {
                peer.FullLengthAnnounced = Math.Min(peer.FullLengthAnnounced, start);
                peer.Send(new RangeMessage(start, length, IsDropped: true));
            }
        }
    }
}
