using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Wire;

/// <summary>Many channels over one stream of messages (docs/protomux.md).</summary>
/// <remarks>
/// What arrives in one turn is handed out as one batch per channel, cut from the memory that it was decrypted into.
/// Halves of a channel pair by protocol and id, the oldest first.
/// </remarks>
public sealed partial class MuxStage : IStage<LinkEvent>, IDisposable
{
    private readonly LinkOptions _options;
    private readonly Queue<LinkEvent> _events = new();
    private readonly Dictionary<ulong, Channel> _channels = [];
    private readonly List<Channel?> _locals = [];
    private readonly Stack<ulong> _freeLocalIds = new();
    private readonly Dictionary<ulong, RemoteHalf> _remotes = [];
    private readonly Dictionary<ulong, RemoteHalf> _requests = [];
    private readonly Dictionary<ChannelKey, Pairing> _pairings = [];
    private readonly List<Channel> _arriving = [];
    private RemoteHalf? _lastRemote;
    private ulong _highestRemoteId;
    private ulong _lastChannelId;
    private ulong _lastRequestId;
    private long _heldBytes;
    private bool _failed;

    public MuxStage(LinkOptions options) => _options = options;

    public TimeSpan? Deadline => null;

    internal bool HasFailed => _failed;

    /// <summary>True while the owner should take no more bytes from the transport: requests wait for an answer of ours,
    /// or answers wait for the peer to read them.</summary>
    public bool IsReadingPaused =>
        !_failed && (_heldBytes > _options.MaxUnpairedBytes || _queuedControlBytes > _options.MaxQueuedControlBytes);

    /// <summary>How many opens were rejected because the peer has too many channels already.</summary>
    public long RefusedOpens { get; private set; }

    public void HandleTimeout(TimeSpan now)
    {
    }

    /// <summary>Opens our half of a channel; it pairs with the oldest request of the same key, or waits for one.</summary>
    /// <returns>False when a unique channel is open already, when there are too many, or when the stage is deaf.</returns>
    public bool TryOpen(ChannelSpec spec, ReadOnlySpan<byte> handshake, out ulong channelId)
    {
        channelId = 0;
        if (_failed || _locals.Count - _freeLocalIds.Count >= _options.MaxChannels)
        {
            return false;
        }

        Pairing pairing = PairingOf(spec);
        if (spec.IsUnique && pairing.Opened > 0)
        {
            return false;
        }

        Channel channel = AddChannel(pairing);
        channelId = channel.ChannelId;
        if (pairing.Incoming.Count > 0)
        {
            RemoteHalf half = pairing.Incoming[0];
            pairing.Incoming.RemoveAt(0);
            _requests.Remove(half.RequestId);
            QueueOpen(channel, pairing.Keys[0], handshake);
            Pair(channel, half, half.Handshake);
        }
        else
        {
            pairing.Outgoing.Add(channel);
            QueueOpen(channel, pairing.Keys[0], handshake);
        }

        return true;
    }

    /// <summary>Says no to a request; one that is gone already is ignored.</summary>
    public void Reject(ulong requestId)
    {
        if (!_failed && _requests.TryGetValue(requestId, out RemoteHalf? half))
        {
            DropRequest(half);
        }
    }

    /// <summary>Closes a channel in both directions; one that is closed already is ignored.</summary>
    public void Close(ulong channelId)
    {
        if (!_failed && _channels.TryGetValue(channelId, out Channel? channel))
        {
            CloseChannel(channel);
            QueueControl(ChannelCodec.Close, channel.LocalId);
        }
    }

    public void HandleInput(ReadOnlySequence<byte> input, TimeSpan now)
    {
        if (_failed || input.IsEmpty)
        {
            return;
        }

        PooledBlock block = PooledBlock.Rent(checked((int)input.Length));
        input.CopyTo(block.Array);
        HandleMessage(block, 0, (int)input.Length);
        EndTurn();
        block.Release();
    }

    public bool TryPollEvent([MaybeNullWhen(false)] out LinkEvent stageEvent) => _events.TryDequeue(out stageEvent);

    public void Dispose()
    {
        Silence();
        while (_events.TryDequeue(out LinkEvent? stageEvent))
        {
            (stageEvent as LinkEvent.MessagesArrived)?.Messages.Dispose();
        }
    }

    /// <summary>Makes the stage deaf and lets go of everything but the events that the owner has not seen yet.</summary>
    internal void Silence()
    {
        _failed = true;
        foreach (Channel channel in _arriving)
        {
            channel.Arriving?.Dispose();
            channel.Arriving = null;
        }

        foreach (RemoteHalf half in _requests.Values)
        {
            half.HeldBack?.Dispose();
        }

        _arriving.Clear();
        _requests.Clear();
        _remotes.Clear();
        _channels.Clear();
        _pairings.Clear();
        _lastRemote = null;
        DropQueue();
    }

    // A pairing may be known by other names too, once a channel that lists them is opened.
    private Pairing PairingOf(ChannelSpec spec)
    {
        byte[] id = spec.Id.ToArray();
        Pairing pairing = PairingOf(new ChannelKey(spec.Protocol, id));
        foreach (string alias in spec.Aliases)
        {
            var key = new ChannelKey(alias, id);
            if (_pairings.TryGetValue(key, out Pairing? other))
            {
                if (other == pairing || other.Opened > 0 || other.Outgoing.Count > 0)
                {
                    continue;
                }

                // The peer came first, under the other name: what waits there is meant for us.
                foreach (RemoteHalf half in other.Incoming)
                {
                    pairing.Incoming.Add(half);
                    half.Pairing = pairing;
                }

                other.Incoming.Clear();
            }

            _pairings[key] = pairing;
            pairing.Keys.Add(key);
        }

        return pairing;
    }

    private Pairing PairingOf(in ChannelKey key)
    {
        if (!_pairings.TryGetValue(key, out Pairing? pairing))
        {
            pairing = new Pairing();
            pairing.Keys.Add(key);
            _pairings.Add(key, pairing);
        }

        return pairing;
    }

    private void Forget(Pairing pairing)
    {
        if (pairing.Opened > 0 || pairing.Outgoing.Count > 0 || pairing.Incoming.Count > 0)
        {
            return;
        }

        foreach (ChannelKey key in pairing.Keys)
        {
            if (_pairings.TryGetValue(key, out Pairing? current) && current == pairing)
            {
                _pairings.Remove(key);
            }
        }
    }

    private Channel AddChannel(Pairing pairing)
    {
        if (!_freeLocalIds.TryPop(out ulong localId))
        {
            _locals.Add(null);
            localId = (ulong)_locals.Count;
        }

        var channel = new Channel(++_lastChannelId, localId, pairing);
        _locals[(int)localId - 1] = channel;
        _channels.Add(channel.ChannelId, channel);
        pairing.Opened++;
        return channel;
    }

    private void FreeLocalId(Channel channel)
    {
        _locals[(int)channel.LocalId - 1] = null;
        _freeLocalIds.Push(channel.LocalId);
    }

    private void Pair(Channel channel, RemoteHalf half, ReadOnlyMemory<byte> handshake)
    {
        channel.Remote = half;
        half.Channel = channel;
        _events.Enqueue(new LinkEvent.ChannelOpened(channel.ChannelId, handshake));
        _heldBytes -= half.HeldBytes;
        half.HeldBytes = 0;
        if (half.HeldBack is { } held)
        {
            half.HeldBack = null;
            _events.Enqueue(new LinkEvent.MessagesArrived(channel.ChannelId, held));
        }
    }

    // A channel whose other half is here frees its id at once; one that waits keeps it until the peer has answered.
    private void CloseChannel(Channel channel)
    {
        channel.IsClosed = true;
        channel.Arriving?.Dispose();
        channel.Arriving = null;
        _channels.Remove(channel.ChannelId);
        channel.Pairing.Opened--;
        if (channel.Remote is { } half)
        {
            RemoveRemote(half);
            FreeLocalId(channel);
        }

        Forget(channel.Pairing);
    }

    private void RemoveRemote(RemoteHalf half)
    {
        _remotes.Remove(half.RemoteId);
        if (_lastRemote == half)
        {
            _lastRemote = null;
        }
    }

    private void DropRequest(RemoteHalf half)
    {
        _requests.Remove(half.RequestId);
        half.Pairing.Incoming.Remove(half);
        _heldBytes -= half.HeldBytes;
        half.HeldBack?.Dispose();
        half.HeldBack = null;
        RemoveRemote(half);
        QueueControl(ChannelCodec.Reject, half.RemoteId);
        Forget(half.Pairing);
    }

    private void Fail(WireError error)
    {
        EndTurn();
        Silence();
        _events.Enqueue(new LinkEvent.Failed(error));
    }
}
