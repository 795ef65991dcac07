namespace HyperActors.Replication;

/// <content>What the owner wants.</content>
public sealed partial class Replicator
{
    private readonly Dictionary<ulong, List<ulong>> _wanted = [];
    private readonly Dictionary<ulong, ulong> _wantedByTicket = [];
    private readonly List<RangeDownload> _ranges = [];
    private readonly List<PendingUpdate> _updates = [];
    private bool _downloading;
    private bool _expectsPeers;
    private TimeSpan? _lingerUntil;
    private TimeSpan? _restUntil;

    private bool HasDownloads => _wanted.Count > 0 || _ranges.Count > 0;

    /// <summary>Somebody uses the feed, or nobody any more: peers are told that blocks are wanted, and idle ones are left.</summary>
    /// <remarks>When the last user goes, that is said only after a while: the next one may come at once.</remarks>
    public void SetDownloading(bool isDownloading, TimeSpan now)
    {
        _now = now;
        if (!isDownloading)
        {
            if (_downloading && _lingerUntil is null)
            {
                TimeSpan extra = (_options.MaxLinger - _options.MinLinger) * _random.NextDouble();
                _lingerUntil = now + _options.MinLinger + extra;
            }

            return;
        }

        _lingerUntil = null;
        if (_downloading)
        {
            return;
        }

        _downloading = true;
        _isDirty = true;
        SignalUpgrade();
        foreach (PeerState peer in _order)
        {
            if (peer.Phase == PeerPhase.Closed && !IsFrozen)
            {
                peer.Phase = PeerPhase.Opening;
                Report(new ReplicatorEvent.OpenChannel(peer.Id));
            }
        }
    }

    /// <summary>Whether more peers may turn up: while they may, an update waits for the first.</summary>
    public void SetExpectsPeers(bool expectsPeers, TimeSpan now)
    {
        _now = now;
        _expectsPeers = expectsPeers;
        _isDirty = true;
    }

    /// <summary>Wants one block before all others, wherever it lies. Ends with <see cref="ReplicatorEvent.Finished"/>.</summary>
    public void Get(ulong ticket, ulong index, TimeSpan now)
    {
        _now = now;
        if (_have.Contains(index))
        {
            Report(new ReplicatorEvent.Finished(ticket, true));
            return;
        }

        if (!_wanted.TryGetValue(index, out List<ulong>? tickets))
        {
            _wanted[index] = tickets = [];
        }

        tickets.Add(ticket);
        _wantedByTicket.Add(ticket, index);
        if (!_busy.Contains(index))
        {
            _idleWants.Add(index);
        }

        _isDirty = true;
    }

    /// <summary>Wants all blocks of <c>[start, end)</c>, in order. Ends with <see cref="ReplicatorEvent.Finished"/>; without an end, never.</summary>
    /// <param name="ticket">The owner's number for it.</param>
    /// <param name="start">The first block.</param>
    /// <param name="end">The block behind the last one, or null to follow the feed as it grows.</param>
    /// <param name="now">The time.</param>
    public void Download(ulong ticket, ulong start, ulong? end, TimeSpan now)
    {
        _now = now;
        var range = new RangeDownload(ticket, start, end ?? BlockSet.None);
        range.Missing = CountMissing(range);
        if (range.Missing == 0 && !range.IsLive)
        {
            Report(new ReplicatorEvent.Finished(ticket, true));
            return;
        }

        _ranges.Add(range);
        _isDirty = true;
    }

    /// <summary>Wants the newest version. Ends with <see cref="ReplicatorEvent.Finished"/>: whether there was a newer one.</summary>
    public void Update(ulong ticket, TimeSpan now)
    {
        _now = now;
        _updates.Add(new PendingUpdate(ticket, _state.Fork, _state.Length, now + _options.UpdateTimeout));
        _isDirty = true;
    }

    /// <summary>No longer wants what was asked for under a ticket. Nothing is reported for it any more.</summary>
    public void Cancel(ulong ticket, TimeSpan now)
    {
        _now = now;
        _isDirty = true;
        _updates.RemoveAll(update => update.Ticket == ticket);
        if (_ranges.Find(range => range.Ticket == ticket) is { } range)
        {
            _ranges.Remove(range);
            CancelUnwanted();
        }

        if (_wantedByTicket.Remove(ticket, out ulong index))
        {
            List<ulong> tickets = _wanted[index];
            tickets.Remove(ticket);
            if (tickets.Count == 0)
            {
                _wanted.Remove(index);
                CancelUnwanted();
            }
        }
    }

    /// <summary>How far a download is; false when the ticket is none, or is finished.</summary>
    public bool TryGetProgress(ulong ticket, out DownloadProgress progress)
    {
        RangeDownload? range = _ranges.Find(r => r.Ticket == ticket);
        progress = range is null
            ? default
            : new DownloadProgress((range.IsLive ? Math.Max(_state.Length, range.Start) : range.End) - range.Start, range.Missing);
        return range is not null;
    }

    private bool IsWanted(ulong index)
    {
        if (_wanted.ContainsKey(index))
        {
            return true;
        }

        foreach (RangeDownload range in _ranges)
        {
            if (range.Contains(index))
            {
                return true;
            }
        }

        return false;
    }

    private ulong CountMissing(RangeDownload range)
    {
        ulong end = range.IsLive ? Math.Max(_state.Length, range.Start) : range.End;
        return end <= range.Start ? 0 : end - range.Start - _have.CountRange(range.Start, end);
    }

    /// <summary>A block is there now: gets of it are done, and downloads that it was the last of.</summary>
    private void Resolve(ulong index)
    {
        if (_wanted.Count > 0 && _wanted.Remove(index, out List<ulong>? tickets))
        {
            _idleWants.Remove(index);
            foreach (ulong ticket in tickets)
            {
                _wantedByTicket.Remove(ticket);
                Report(new ReplicatorEvent.Finished(ticket, true));
            }
        }

        for (int i = _ranges.Count - 1; i >= 0; i--)
        {
            RangeDownload range = _ranges[i];
            if (range.Contains(index) && range.Missing > 0 && --range.Missing == 0 && !range.IsLive)
            {
                _ranges.RemoveAt(i);
                Report(new ReplicatorEvent.Finished(range.Ticket, true));
            }
        }
    }

    /// <summary>Blocks came or went in numbers: count again.</summary>
    private void ResolveAll()
    {
        foreach (ulong index in _wanted.Keys.Where(_have.Contains).ToArray())
        {
            Resolve(index);
        }

        for (int i = _ranges.Count - 1; i >= 0; i--)
        {
            RangeDownload range = _ranges[i];
            range.Cursor = range.Start;
            range.Missing = CountMissing(range);
            if (range.Missing == 0 && !range.IsLive)
            {
                _ranges.RemoveAt(i);
                Report(new ReplicatorEvent.Finished(range.Ticket, true));
            }
        }
    }

    /// <summary>Updates are over when there is something new, when no peer can have anything, or when none delivers in time.</summary>
    private void ResolveUpdates()
    {
        if (_updates.Count == 0)
        {
            return;
        }

        for (int i = _updates.Count - 1; i >= 0; i--)
        {
            PendingUpdate update = _updates[i];
            bool hasNews = update.Fork != _state.Fork || update.Length != _state.Length;
            if (hasNews || update.Due <= _now)
            {
                _updates.RemoveAt(i);
                Report(new ReplicatorEvent.Finished(update.Ticket, hasNews));
            }
        }

        if (_updates.Count > 0 && !MayUpgrade())
        {
            foreach (PendingUpdate update in _updates)
            {
                Report(new ReplicatorEvent.Finished(update.Ticket, false));
            }

            _updates.Clear();
        }
    }

    private bool MayUpgrade()
    {
        if (IsFrozen)
        {
            return false;
        }

        if (_upgrading > 0 || _forks.Count > 0 || (_expectsPeers && _order.TrueForAll(peer => !peer.IsOpen)))
        {
            return true;
        }

        foreach (PeerState peer in _order)
        {
            // A peer that has not spoken yet may have something; one whose sync we have not been told of is about to say.
            bool maySpeak = peer.Phase == PeerPhase.Opening || (peer.IsOpen && !peer.IsSynced);
            bool mayHelp = peer is { IsAskable: true, CanUpgradeUs: true } && peer.Fork == _state.Fork
                && peer.Length > _state.Length;
            if (maySpeak || mayHelp)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Somebody waits for a version that is not the one of that moment, until it is due.</summary>
    private readonly record struct PendingUpdate(ulong Ticket, ulong Fork, ulong Length, TimeSpan Due);

    /// <summary>The last user is gone for good: say so, and close what is idle.</summary>
    private void StopDownloading()
    {
        _downloading = false;
        if (IsDownloading)
        {
            return;
        }

        SignalUpgrade();
        foreach (PeerState peer in _order)
        {
            if (peer.IsOpen && peer.IsSynced)
            {
                CloseIfIdle(peer);
            }
        }
    }
}
