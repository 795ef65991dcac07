using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <content>Peers come and go, and tell each other which version they have.</content>
public sealed partial class Replicator
{
    /// <summary>A connection to a peer is there: its channel is to be opened.</summary>
    public void Attach(PeerId id, TimeSpan now)
    {
        _now = now;
        Invariant.Hold(!_peers.ContainsKey(id));
        var peer = new PeerState(id, _options);
        _peers.Add(id, peer);
        _order.Add(peer);
        if (IsFrozen)
        {
            // Nothing is wanted of it. If it wants something, it opens its half.
            peer.Phase = PeerPhase.Closed;
            return;
        }

        Report(new ReplicatorEvent.OpenChannel(id));
        _isDirty = true;
    }

    /// <summary>Both halves of the channel are open, and the peer has proven that it knows the key.</summary>
    public void HandleOpened(PeerId id, Handshake handshake, TimeSpan now)
    {
        _now = now;
        if (!_peers.TryGetValue(id, out PeerState? peer) || peer.IsOpen)
        {
            return;
        }

        peer.Reset(_options);
        peer.Unsent = 0;
        peer.Phase = PeerPhase.Open;
        peer.SupportsSeeks = handshake.SupportsSeeks;
        _isDirty = true;
        SendSync(peer);
        ulong contiguous = ContiguousLength;
        if (contiguous > 0)
        {
            Announce(peer, 0, contiguous);
        }
    }

    /// <summary>The channel is closed, by the peer or because it would not open; the connection is still there.</summary>
    public void HandleClosed(PeerId id, TimeSpan now)
    {
        _now = now;
        if (!_peers.TryGetValue(id, out PeerState? peer))
        {
            return;
        }

        // The peer thought that both had enough. If that is no longer so, start again.
        bool reopen = peer is { IsOpen: true, IsDownloading: false, IsUploading: true } && _downloading && !IsFrozen;
        Close(peer);
        if (reopen)
        {
            peer.Phase = PeerPhase.Opening;
            Report(new ReplicatorEvent.OpenChannel(id));
        }
    }

    /// <summary>The connection is gone: the peer is forgotten, its id never used again.</summary>
    public void Detach(PeerId id, TimeSpan now)
    {
        _now = now;
        if (_peers.Remove(id, out PeerState? peer))
        {
            Close(peer);
            _order.Remove(peer);
        }
    }

    /// <summary>The transport has taken so many bytes, as <see cref="Transmission.Size"/> counts them.</summary>
    public void HandleSent(PeerId id, long size, TimeSpan now)
    {
        _now = now;
        if (_peers.TryGetValue(id, out PeerState? peer))
        {
            peer.Unsent = Math.Max(0, peer.Unsent - size);
            if (peer.Serving.Waiting > 0 || peer.UnansweredWants.Count > 0)
            {
                _isDirty = true;
            }
        }
    }

    /// <summary>Messages of a peer, in order: the result of <see cref="ReplicationCodec.TryDecode(HyperActors.Wire.MessageBatch, ICollection{ReplicationMessage})"/>.</summary>
    /// <param name="id">Who sent them.</param>
    /// <param name="messages">All that came at once.</param>
    /// <param name="lease">The memory in which their blocks lie. It is handed on with them, or disposed.</param>
    /// <param name="now">The time.</param>
    public void HandleMessages(PeerId id, IReadOnlyList<ReplicationMessage> messages, IDisposable? lease, TimeSpan now)
    {
        _now = now;
        if (!_peers.TryGetValue(id, out PeerState? peer) || !peer.IsOpen)
        {
            lease?.Dispose();
            return;
        }

        _isDirty = true;
        SharedLease? shared = lease is null ? null : new SharedLease(lease);
        _isLeaseUsed = false;
        for (int i = 0; i < messages.Count && peer.IsOpen; i++)
        {
            HandleMessage(peer, messages[i], shared);
        }

        // One holder for the proofs that were collected from these messages, if there were any.
        if (shared is not null)
        {
            if (_isLeaseUsed)
            {
                _receivedLeases.Add(shared);
            }
            else
            {
                shared.Dispose();
            }
        }
    }

    private void HandleMessage(PeerState peer, ReplicationMessage message, SharedLease? lease)
    {
        switch (message)
        {
            case DataMessage data:
                HandleData(peer, data, lease);
                break;
            case RequestMessage request:
                HandleRequest(peer, request);
                break;
            case RangeMessage range:
                HandleRange(peer, range);
                break;
            case SyncMessage sync:
                HandleSync(peer, sync);
                break;
            case NoDataMessage noData:
                HandleNoData(peer, noData);
                break;
            case CancelMessage cancel:
                peer.Serving.Cancel(cancel.Request);
                break;
            case BitfieldMessage bitfield:
                HandleBitfield(peer, bitfield);
                break;
            case WantMessage want:
                HandleWant(peer, want);
                break;
            case UnwantMessage unwant:
                peer.Wants.Remove(unwant.Start, unwant.Length, unwant.Any);
                break;
            case ExtensionMessage extension:
                HandleExtension(peer, extension);
                break;
        }
    }

    /// <summary>Sends an application's message to one peer.</summary>
    /// <returns>False when the peer's channel is not open.</returns>
    public bool SendExtension(PeerId id, string name, ReadOnlyMemory<byte> payload)
    {
        if (!_peers.TryGetValue(id, out PeerState? peer) || !peer.IsOpen)
        {
            return false;
        }

        peer.Send(new ExtensionMessage(string.Equals(name, peer.LastExtensionSent, StringComparison.Ordinal) ? string.Empty : name, payload));
        peer.LastExtensionSent = name;
        return true;
    }

    private void HandleExtension(PeerState peer, ExtensionMessage message)
    {
        string name = message.Name.Length == 0 ? peer.LastExtension : message.Name;
        peer.LastExtension = name;
        Report(new ReplicatorEvent.ExtensionReceived(peer.Id, name, message.Payload.ToArray()));
    }

    private void HandleSync(PeerState peer, SyncMessage sync)
    {
        bool isLengthNew = sync.Length != peer.Length;
        bool isForkNew = sync.Fork != peer.Fork;
        bool isSameFork = sync.Fork == _state.Fork;
        peer.IsSynced = true;
        peer.Fork = sync.Fork;
        peer.Length = sync.Length;
        peer.CanUpgradeUs = sync.CanUpgrade;
        peer.IsUploading = sync.IsUploading;
        peer.IsDownloading = sync.IsDownloading;
        peer.HasManifest = sync.HasManifest;
        peer.AllowsPush = sync.AllowsPush;
        if (isForkNew)
        {
            // Refusals told of the old one.
            peer.ForgiveRefusals();
        }

        if (CloseIfIdle(peer))
        {
            return;
        }

        peer.LengthAcked = isSameFork ? sync.RemoteLength : 0;
        if (isForkNew)
        {
            ForgetForks();
        }

        SearchFork(peer);
        if (isSameFork && sync.Length > _state.Length && peer.LengthTold != _state.Length)
        {
            // It was not told, since it could do nothing with it; now it is what we want to be upgraded from.
            SendSync(peer);
        }

        if (peer.UpgradeCheck != 0)
        {
            // One look at storage at a time, however often the peer speaks; the next comes when that one is over.
            peer.NeedsSync |= _state.Length > sync.Length;
        }
        else if (!isLengthNew || !isSameFork)
        {
            AfterSync(peer, peer.CanBeUpgraded && isSameFork);
        }
        else
        {
            Reconsider(peer);
        }
    }

    /// <summary>The peer has another length: find out whether we can prove ours to it.</summary>
    private void Reconsider(PeerState peer)
    {
        if (CanUpgrade(peer.Length) is { } canUpgrade)
        {
            AfterSync(peer, canUpgrade);
        }
        else
        {
            CheckUpgrade(peer, isAfterSync: true);
        }
    }

    /// <summary>What we can do for the peer is known: remember it, and answer whoever is behind us.</summary>
    private void AfterSync(PeerState peer, bool canUpgrade)
    {
        peer.UpgradeCheck = 0;
        SetCanBeUpgraded(peer, canUpgrade);
        if (peer.NeedsSync || (_state.Fork == peer.Fork && _state.Length > peer.Length))
        {
            SignalUpgrade(peer);
        }
    }

    private void SetCanBeUpgraded(PeerState peer, bool canUpgrade)
    {
        peer.CanBeUpgraded = canUpgrade;
        if (canUpgrade)
        {
            peer.UpgradableFork = peer.Fork;
            peer.UpgradableLength = peer.Length;
        }
    }

    /// <summary>Our version has changed, or what we want: tell the peer.</summary>
    private void SignalUpgrade(PeerState peer)
    {
        bool mayHaveChanged = _state.Fork == peer.Fork && _state.Length > peer.Length && !peer.CanBeUpgraded
            && peer.UpgradeCheck == 0;
        if (!mayHaveChanged)
        {
            SendSync(peer);
            return;
        }

        switch (CanUpgrade(peer.Length))
        {
            case true:
                SetCanBeUpgraded(peer, true);
                SendSync(peer);
                break;
            case null:
                CheckUpgrade(peer, isAfterSync: false);
                break;
        }
    }

    private void SignalUpgrade()
    {
        foreach (PeerState peer in _order)
        {
            if (peer.IsOpen)
            {
                SignalUpgrade(peer);
            }
        }
    }

    private void SendSync(PeerState peer)
    {
        if (peer.UpgradeCheck != 0)
        {
            peer.NeedsSync = true;
            return;
        }

        if (_state.Fork != peer.Fork)
        {
            peer.CanBeUpgraded = false;
        }

        peer.NeedsSync = false;
        peer.LengthTold = _state.Length;
        var sync = new SyncMessage
        {
            Fork = _state.Fork,
            Length = _state.Length,
            RemoteLength = _state.Fork == peer.Fork ? peer.Length : 0,
            CanUpgrade = peer.CanBeUpgraded,
            IsUploading = true,
            IsDownloading = IsDownloading,
            HasManifest = SendsManifest,
            AllowsPush = _options.AllowPush && _downloading && !IsFrozen && _lingerUntil is null,
        };

        // Two in a row say no more than the second.
        if (peer.Outbox.Count > 0 && peer.Outbox[^1] is SyncMessage)
        {
            peer.Outbox[^1] = sync;
        }
        else
        {
            peer.Send(sync);
        }
    }

    /// <summary>A manifest is sent for feeds whose key is its hash; for those of the old kind the key says it all.</summary>
    private bool SendsManifest => _state.Manifest is { } manifest && !manifest.IsCompat(_key);

    /// <summary>Whether all roots of a length below ours are stored here; null when the blocks that we have don't tell.</summary>
    private bool? CanUpgrade(ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        if (length >= _state.Length)
        {
            return false;
        }

        // A complete subtree is a root of ours, or its parent is complete too: then a block below the parent brought both
        // children of it, since a proof carries what it climbs over and what lies beside.
        Span<ulong> roots = stackalloc ulong[64];
        foreach (ulong root in roots[..FlatTree.FullRoots(length, roots)])
        {
            ulong first = FlatTree.LeftSpan(root) / 2;
            ulong leaves = FlatTree.CountLeaves(root);
            bool isOurs = first == (_state.Length & ~((2 * leaves) - 1)) && (_state.Length & leaves) != 0;
            ulong parentFirst = first & ~((2 * leaves) - 1);
            if (!isOurs && _have.NextSet(parentFirst) >= parentFirst + (2 * leaves))
            {
                return null;
            }
        }

        return true;
    }

    private void CheckUpgrade(PeerState peer, bool isAfterSync)
    {
        ulong length = peer.Length;
        peer.UpgradeCheck = Read(
            FlatTree.FullRoots(length),
            new PendingRead.UpgradeCheck(peer, _state.Fork, length, isAfterSync));
    }

    private void HandleUpgradeChecked(PendingRead.UpgradeCheck check, ulong id, IReadOnlyList<TreeNode?> nodes)
    {
        PeerState peer = check.Peer;
        if (peer.UpgradeCheck != id)
        {
            return;
        }

        peer.UpgradeCheck = 0;
        if (peer.Fork == _state.Fork && check.Length != peer.Length)
        {
            Reconsider(peer);
            return;
        }

        bool canUpgrade = check.Fork == _state.Fork && peer.Fork == _state.Fork && check.Length == peer.Length
            && check.Length < _state.Length && nodes.All(node => node is not null);
        if (check.IsAfterSync)
        {
            AfterCheckedSync(peer, canUpgrade);
        }
        else if (canUpgrade)
        {
            SetCanBeUpgraded(peer, true);
            SendSync(peer);
        }
        else if (peer.NeedsSync)
        {
            SendSync(peer);
        }
    }

    // Like AfterSync, but a peer that can't be helped must not make us read again and again.
    private void AfterCheckedSync(PeerState peer, bool canUpgrade)
    {
        SetCanBeUpgraded(peer, canUpgrade);
        if (canUpgrade || peer.NeedsSync)
        {
            SendSync(peer);
        }
    }

    private bool CloseIfIdle(PeerState peer)
    {
        if (peer.IsDownloading || IsDownloading)
        {
            return false;
        }

        CloseGently(peer);
        return true;
    }

    /// <summary>What is there for the peer is sent, then the channel is closed.</summary>
    private void CloseGently(PeerState peer)
    {
        (List<ReplicationMessage> outbox, List<IDisposable> leases, long size) = (peer.Outbox, peer.OutboxLeases, peer.OutboxSize);
        peer.Outbox = [];
        peer.OutboxLeases = [];
        Close(peer);
        (peer.Outbox, peer.OutboxLeases, peer.OutboxSize) = (outbox, leases, size);
        peer.IsClosing = true;
    }

    private void Fail(PeerState peer, ReplicationError error)
    {
        Report(new ReplicatorEvent.PeerFailed(peer.Id, error));
        Close(peer);
    }

    /// <summary>Nothing more will come over this channel: what it still owes is asked of others.</summary>
    private void Close(PeerState peer)
    {
        bool wasOpen = peer.IsOpen;
        peer.Phase = PeerPhase.Closed;
        _isDirty = true;
        if (wasOpen)
        {
            ReleaseAll(peer);
        }

        peer.Reset(_options);
    }
}
