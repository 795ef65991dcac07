using HyperActors.Compact;

namespace HyperActors.Wire;

public sealed partial class MuxStage
{
    /// <summary>Takes one message of the stream; what it holds for channels is lent from <paramref name="block"/>.</summary>
    internal void HandleMessage(PooledBlock block, int start, int length)
    {
        if (_failed || length == 0)
        {
            return;
        }

        var reader = new CompactReader(block.Array.AsSpan(start, length));
        ulong remoteId = reader.ReadUInt();
        int typeStart = start + reader.Consumed;
        ulong type = reader.ReadUInt();
        if (!reader.Succeeded)
        {
            Fail(WireError.MalformedMessage);
        }
        else if (remoteId != ChannelCodec.ControlChannel)
        {
            Deliver(remoteId, block, typeStart, start + length, 0);
        }
        else if (type == ChannelCodec.Batch)
        {
            HandleBatch(block, start + reader.Consumed, start + length);
        }
        else
        {
            HandleControl(type, ref reader);
        }
    }

    /// <summary>Hands out what has arrived since the last turn.</summary>
    internal void EndTurn()
    {
        foreach (Channel channel in _arriving)
        {
            ReportArrived(channel);
        }

        _arriving.Clear();
    }

    // Items of one channel that lie side by side are handed on as one run.
    private void HandleBatch(PooledBlock block, int start, int end)
    {
        var reader = new CompactReader(block.Array.AsSpan(start, end - start));
        ulong remoteId = reader.ReadUInt();
        int runStart = start + reader.Consumed;
        int runCount = 0;
        while (!reader.IsAtEnd)
        {
            int itemStart = start + reader.Consumed;
            ulong size = reader.ReadUInt();
            if (reader.Succeeded && size == 0)
            {
                DeliverRun(remoteId, block, runStart, itemStart, runCount);
                remoteId = reader.ReadUInt();
                runStart = start + reader.Consumed;
                runCount = 0;
                continue;
            }

            if (!reader.Succeeded || size > (ulong)reader.Remaining.Length)
            {
                Fail(WireError.MalformedBatch);
                return;
            }

            var item = new CompactReader(reader.ReadFixed((int)size));
            ulong type = item.ReadUInt();
            if (!item.Succeeded || (remoteId == ChannelCodec.ControlChannel && type == ChannelCodec.Batch))
            {
                Fail(WireError.MalformedBatch);
                return;
            }

            if (remoteId != ChannelCodec.ControlChannel)
            {
                runCount++;
                continue;
            }

            HandleControl(type, ref item);
            runStart = start + reader.Consumed;
            if (_failed)
            {
                return;
            }
        }

        if (!reader.Succeeded)
        {
            Fail(WireError.MalformedBatch);
            return;
        }

        DeliverRun(remoteId, block, runStart, end, runCount);
    }

    private void DeliverRun(ulong remoteId, PooledBlock block, int start, int end, int count)
    {
        if (count > 0)
        {
            Deliver(remoteId, block, start, end, count);
        }
    }

    private void Deliver(ulong remoteId, PooledBlock block, int start, int end, int count)
    {
        RemoteHalf? half = _lastRemote;
        if (half is null || half.RemoteId != remoteId)
        {
            // Not open any more, or not yet: such messages may be on their way when a channel closes.
            if (!_remotes.TryGetValue(remoteId, out half))
            {
                return;
            }

            _lastRemote = half;
        }

        if (half.Channel is not { } channel)
        {
            HoldBack(half, block, start, end, count);
            return;
        }

        if (channel.Arriving is null)
        {
            channel.Arriving = new MessageBatch();
            _arriving.Add(channel);
        }

        channel.Arriving.Append(block, start, end, count);
    }

    // A copy: what waits for an answer must not keep the memory of a whole turn.
    private void HoldBack(RemoteHalf half, PooledBlock block, int start, int end, int count)
    {
        const int PerMessage = 512;
        long held = ((long)PerMessage * Math.Max(count, 1)) + (end - start);
        half.HeldBytes += held;
        _heldBytes += held;
        PooledBlock copy = PooledBlock.Rent(end - start);
        block.Array.AsSpan(start, end - start).CopyTo(copy.Array);
        half.HeldBack ??= new MessageBatch();
        half.HeldBack.AppendOwned(copy, 0, end - start, count);
    }

    private void ReportArrived(Channel channel)
    {
        if (channel.Arriving is { } arrived)
        {
            channel.Arriving = null;
            _events.Enqueue(new LinkEvent.MessagesArrived(channel.ChannelId, arrived));
        }
    }

    private void HandleControl(ulong type, ref CompactReader reader)
    {
        switch (type)
        {
            case ChannelCodec.Open:
                HandleOpen(ref reader);
                break;
            case ChannelCodec.Reject:
                HandleReject(ref reader);
                break;
            case ChannelCodec.Close:
                HandleClose(ref reader);
                break;
        }
    }

    private void HandleOpen(ref CompactReader reader)
    {
        if (!ChannelCodec.TryDecodeOpen(
                ref reader, _options, out ulong remoteId, out string protocol, out ReadOnlySpan<byte> channelId)
            || remoteId == 0
            || remoteId > _highestRemoteId + 1
            || _remotes.ContainsKey(remoteId))
        {
            Fail(WireError.InvalidOpen);
            return;
        }

        _highestRemoteId = Math.Max(_highestRemoteId, remoteId);
        var key = new ChannelKey(protocol, channelId.ToArray());
        if (_pairings.TryGetValue(key, out Pairing? pairing) && pairing.Outgoing.Count > 0)
        {
            PairOutgoing(pairing, remoteId, reader.ReadRest());
            return;
        }

        if (_remotes.Count >= _options.MaxChannels)
        {
            RefusedOpens++;
            QueueControl(ChannelCodec.Reject, remoteId);
            return;
        }

        pairing ??= PairingOf(key);
        byte[] handshake = reader.ReadRest().ToArray();
        var half = new RemoteHalf(remoteId, ++_lastRequestId, pairing)
        {
            Handshake = handshake,
            HeldBytes = protocol.Length + key.Id.Length + handshake.Length,
        };
        _heldBytes += half.HeldBytes;
        pairing.Incoming.Add(half);
        _remotes.Add(remoteId, half);
        _requests.Add(half.RequestId, half);
        _events.Enqueue(new LinkEvent.ChannelRequested(half.RequestId, protocol, key.Id));
    }

    private void PairOutgoing(Pairing pairing, ulong remoteId, ReadOnlySpan<byte> handshake)
    {
        Channel channel = pairing.Outgoing[0];
        pairing.Outgoing.RemoveAt(0);
        if (channel.IsClosed)
        {
            // Both closes are known to both now: the peer's half is gone before it came.
            FreeLocalId(channel);
            Forget(pairing);
            return;
        }

        var half = new RemoteHalf(remoteId, 0, pairing);
        _remotes.Add(remoteId, half);
        Pair(channel, half, handshake.ToArray());
    }

    private void HandleReject(ref CompactReader reader)
    {
        ulong localId = reader.ReadUInt();
        Channel? channel = reader.Succeeded && localId - 1 < (ulong)_locals.Count ? _locals[(int)localId - 1] : null;
        if (channel is null || channel.Remote is not null)
        {
            Fail(WireError.InvalidReject);
            return;
        }

        channel.Pairing.Outgoing.Remove(channel);
        FreeLocalId(channel);
        if (channel.IsClosed)
        {
            Forget(channel.Pairing);
            return;
        }

        CloseChannel(channel);
        _events.Enqueue(new LinkEvent.ChannelClosed(channel.ChannelId, WasRejected: true));
    }

    private void HandleClose(ref CompactReader reader)
    {
        ulong remoteId = reader.ReadUInt();
        if (!reader.Succeeded)
        {
            Fail(WireError.MalformedMessage);
            return;
        }

        if (!_remotes.TryGetValue(remoteId, out RemoteHalf? half))
        {
            return;
        }

        if (half.Channel is { } channel)
        {
            ReportArrived(channel);
            CloseChannel(channel);
            _events.Enqueue(new LinkEvent.ChannelClosed(channel.ChannelId, WasRejected: false));
        }
        else
        {
            // The peer's id stays taken until it hears from us; the answer to an open that is gone is a reject.
            DropRequest(half);
            _events.Enqueue(new LinkEvent.RequestWithdrawn(half.RequestId));
        }
    }
}
