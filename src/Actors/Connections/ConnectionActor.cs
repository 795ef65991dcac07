using System.Buffers;
using HyperActors.Abstractions;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Replication;
using HyperActors.Wire;
using Microsoft.Extensions.Logging;
using PeerInfo = HyperActors.Abstractions.PeerInfo;

namespace HyperActors.Actors;

/// <summary>One connection to one peer: drives a <see cref="Link"/> over a transport.</summary>
/// <remarks>
/// Parent: <see cref="ConnectionsActor"/>, or <see cref="RelaysActor"/>. Children: a <see cref="ChannelActor"/> or <see cref="RelayChannelActor"/> per channel. Never restarted: what a lost
/// link knew is worth nothing, it is dialled anew.
/// </remarks>
public sealed class ConnectionActor : ReceiveActor, IWithTimers
{
    /// <summary>Opens the channel of a feed; a channel that is open already stays the one.</summary>
    public sealed record OpenFeed(FeedKey Key, PeerId Peer, IActorRef Replication);

    /// <summary>Refuses what the peer asked for in <see cref="FeedRequested"/>.</summary>
    public sealed record RefuseFeed(ulong RequestId);

    /// <summary>Sends messages on a channel and disposes them. The sender hears <see cref="ReplicationActor.Sent"/> when they have left.</summary>
    public sealed record SendMessages(ulong ChannelId, MessageBatch Messages, PeerId Peer, long Size);

    /// <summary>Sends an unordered message; lost where the transport or the link can't.</summary>
    public sealed record SendUnordered(ReadOnlyMemory<byte> Message);

    /// <summary>Told to the parent: an unordered message of the peer's.</summary>
    public sealed record UnorderedArrived(long ConnectionId, ReadOnlyMemory<byte> Message);

    /// <summary>Closes a channel.</summary>
    public sealed record CloseChannel(ulong ChannelId);

    /// <summary>From a feed's replication: messages of that cost were dealt with, so many more may come in.</summary>
    public sealed record Consumed(long Cost);

    /// <summary>A channel's protocol was broken: the connection ends.</summary>
    public sealed record FailPeer(string Reason);

    /// <summary>Sends something now, so that a dead connection is noticed soon.</summary>
    public sealed record KeepAlive
    {
        public static KeepAlive Instance { get; } = new();
    }

    /// <summary>Ends the connection in order: what is queued goes out first.</summary>
    public sealed record End
    {
        public static End Instance { get; } = new();
    }

    /// <summary>Told to the parent: the handshake is done.</summary>
    public sealed record Opened(PeerInfo Peer);

    /// <summary>Told to the parent: the peer wants a feed of which we know the discovery key at best.</summary>
    public sealed record FeedRequested(ulong RequestId, DiscoveryKey DiscoveryKey);

    /// <summary>Told to the parent, once, before this actor stops. No reason: an orderly end.</summary>
    public sealed record Ended(long ConnectionId, string? Reason);

    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    private sealed record EndTimedOut
    {
        public static EndTimedOut Instance { get; } = new();
    }

    private const long MessageOverhead = 64;
    private const int MinWriteSize = 16 << 10;

    private readonly long _id;
    private readonly bool _isInitiator;
    private readonly Link _link;
    private readonly PublicKey? _expected;
    private readonly ITransport _transport;
    private readonly ConnectionOptions _options;
    private readonly ILogger _log;
    private readonly RelayRole? _relay;
    private readonly Rates _rates;
    private readonly PublicKey _self;
    private readonly Dictionary<ulong, OpenChannel> _channels = [];
    private readonly Dictionary<IActorRef, Debtor> _debtors = [];
    private readonly Dictionary<DiscoveryKey, ulong> _byFeed = [];
    private readonly Queue<HeldBytes> _held = new();
    private HeldBytes? _lastHeld;
    private readonly Queue<(IActorRef Sender, ReplicationActor.Sent Notice, long End)> _queued = new();
    private readonly ArrayBufferWriter<byte> _handshake = new();
    private LinkEvent.Connected? _session;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private TimeSpan? _pause;
    private long _unconsumed;
    private long _unwritten;
    private long _queuedTotal;
    private long _polledTotal;
    private bool _isShutDown;
    private bool _remoteEnded;
    private bool _isRemoteDone;
    private bool _reported;

    public ConnectionActor(
        long id,
        ITransport transport,
        bool isInitiator,
        KeyPair keys,
        SessionKeys? session,
        PublicKey? expected,
        RandomSource random,
        LinkOptions links,
        ConnectionOptions options,
        ILogger log,
        RelayRole? relay,
        Rates rates)
    {
        _id = id;
        _isInitiator = isInitiator;
        _transport = transport;
        _options = options;
        _log = log;
        _expected = expected;
        _relay = relay;
        _rates = rates;
        _self = session?.LocalPublicKey ?? keys.PublicKey;
        _link = session is null ? new Link(links, isInitiator, keys, random, Now) : new Link(links, session, random, Now);

        Receive<ITransport.BytesArrived>(Handle);
        Receive<ITransport.Written>(m =>
        {
            _unwritten -= m.Count;
            Drain();
        });
        Receive<SendMessages>(Handle);
        Receive<SendUnordered>(m =>
        {
            if (_link.SealDatagram(m.Message.Span) is { } envelope)
            {
                _transport.SendMessage(envelope);
            }
        });
        Receive<ITransport.MessageArrived>(m =>
        {
            _transport.ReturnMessage(m.Message.Length);
            if (_session is not null && _link.OpenDatagram(m.Message.Span) is { } message)
            {
                Context.Parent.Tell(new UnorderedArrived(_id, message), Self);
            }
        });
        Receive<Consumed>(Handle);
        Receive<Terminated>(Handle);
        Receive<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            _link.HandleTimeout(Now);
            Drain();
        });
        Receive<OpenFeed>(Handle);
        Receive<RefuseFeed>(m =>
        {
            _link.Reject(m.RequestId);
            Drain();
        });
        Receive<CloseChannel>(Handle);
        Receive<FailPeer>(m => Stop($"the peer broke the {(_relay is null ? "replication" : "relay")} protocol: {m.Reason}"));
        Receive<KeepAlive>(_ =>
        {
            _link.KeepAlive();
            Drain();
        });
        Receive<End>(_ =>
        {
            _link.End();
            Timers.StartSingleTimer(nameof(EndTimedOut), EndTimedOut.Instance, _options.EndTimeout);
            Drain();
        });
        Receive<EndTimedOut>(_ => Stop(null));
        Receive<ITransport.RemoteEnded>(_ =>
        {
            _remoteEnded = true;
            Drain();
        });
        Receive<ITransport.Broken>(m => Stop(m.Reason));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    /// <summary>What messages cost until they are dealt with: their bytes, and what is kept of each when it is decoded.</summary>
    public static long CostOf(MessageBatch messages) => messages.ByteLength + (MessageOverhead * messages.Count);

    /// <summary>How a connection begins.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="transport">The stream, connected.</param>
    /// <param name="isInitiator">True for the side that dialled.</param>
    /// <param name="keys">Our identity.</param>
    /// <param name="session">Keys that another handshake has agreed; null to shake hands on the stream itself. The connection wipes them.</param>
    /// <param name="expected">Who it must be; null for anybody.</param>
    /// <param name="random">The door to chance.</param>
    /// <param name="links">The limits and times of its link.</param>
    /// <param name="options">Its own.</param>
    /// <param name="log">Where it writes what happens.</param>
    /// <param name="relay">Its part in blind relaying, which is then its only one; null for a connection that feeds go over.</param>
    /// <param name="rates">What all connections of the node share; null for no bound.</param>
    public static Props PropsFor(
        long id,
        ITransport transport,
        bool isInitiator,
        KeyPair keys,
        SessionKeys? session,
        PublicKey? expected,
        RandomSource random,
        LinkOptions links,
        ConnectionOptions options,
        ILogger log,
        RelayRole? relay = null,
        Rates? rates = null) =>
        Props.Create(() => new ConnectionActor(id, transport, isInitiator, keys, session, expected, random, links, options, log, relay, rates ?? new Rates()));

    /// <summary>A channel that fails takes the connection with it: what it had understood of the peer is lost.</summary>
    public static Directive Decide(Exception failure) => Directive.Escalate;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(Decide);

    protected override void PreStart()
    {
        _transport.Start(Self);
        Drain();
    }

    protected override void PostStop()
    {
        Report("the connection was stopped");
        while (_held.TryDequeue(out HeldBytes? held))
        {
            held.Owner.Dispose();
        }

        _link.Dispose();
        _transport.Dispose();
    }

    private void Handle(ITransport.BytesArrived arrived)
    {
        // Credit counts bytes, and each of them may come alone in a buffer: what has to wait goes together.
        if (_held.Count > 0 && _lastHeld!.TryAdd(arrived))
        {
            return;
        }

        _lastHeld = new HeldBytes(arrived.Owner, arrived.Count);
        _held.Enqueue(_lastHeld);
        Drain();
    }

    private void Handle(Consumed consumed)
    {
        if (_debtors.TryGetValue(Sender, out Debtor? debtor))
        {
            debtor.Cost -= consumed.Cost;
            _unconsumed -= consumed.Cost;
            ForgetIfQuit(debtor);
            Drain();
        }
    }

    // The feed has stopped or starts anew: what was on its way to it is lost, and not to be waited for.
    private void Handle(Terminated terminated)
    {
        if (!_debtors.Remove(terminated.ActorRef, out Debtor? debtor))
        {
            return;
        }

        _unconsumed -= debtor.Cost;
        foreach (ulong channelId in _channels.Where(c => c.Value.Debtor == debtor).Select(c => c.Key).ToArray())
        {
            _link.Close(channelId);
            Forget(channelId);
        }

        Drain();
    }

    private void Handle(SendMessages send)
    {
        long before = _link.QueuedBytes;
        if (_link.Send(send.ChannelId, send.Messages))
        {
            _queuedTotal += _link.QueuedBytes - before;
            _queued.Enqueue((Sender, new ReplicationActor.Sent(send.Peer, send.Size), _queuedTotal));
        }

        Drain();
    }

    private void Handle(OpenFeed open)
    {
        if (_session is null)
        {
            return;
        }

        DiscoveryKey discoveryKey = open.Key.ToDiscoveryKey();
        if (_byFeed.TryGetValue(discoveryKey, out ulong existing))
        {
            if (_channels[existing].Debtor.Replication.Equals(open.Replication))
            {
                return;
            }

            // The feed was restarted before the channel of its former life was closed.
            _link.Close(existing);
            Forget(existing);
        }

        var spec = new ChannelSpec(ReplicationCodec.Protocol, discoveryKey.ToArray()) { Aliases = [ReplicationCodec.Alias] };
        _handshake.ResetWrittenCount();
        var writer = new CompactWriter(_handshake);
        Handshake.For(_session.IsInitiator, _session.HandshakeHash.Span, open.Key).Encode(ref writer);
        if (_link.TryOpen(spec, _handshake.WrittenSpan, out ulong channelId))
        {
            IActorRef channel = Context.ActorOf(
                ChannelActor.PropsFor(channelId, open.Peer, open.Key, _session, open.Replication), $"channel-{channelId}");
            _channels.Add(channelId, new OpenChannel(channel, AddDebtor(open.Replication), discoveryKey));
            _byFeed.Add(discoveryKey, channelId);
        }

        Drain();
    }

    // The channel's id is the key of whoever asks: ours with our relay, the peer's where we are the relay.
    private void OpenRelayChannel(RelayRole relay, in PublicKey asker)
    {
        if (_link.TryOpen(new ChannelSpec(RelayProtocol.Name, asker.ToArray()), default, out ulong channelId))
        {
            IActorRef channel = Context.ActorOf(RelayChannelActor.PropsFor(_id, channelId, relay), $"channel-{channelId}");
            _channels.Add(channelId, new OpenChannel(channel, AddDebtor(relay.Owner), null));
        }
    }

    private Debtor AddDebtor(IActorRef owner)
    {
        if (!_debtors.TryGetValue(owner, out Debtor? debtor))
        {
            debtor = new Debtor(owner);
            _debtors.Add(owner, debtor);
            Context.Watch(owner);
        }

        debtor.Channels++;
        return debtor;
    }

    private void Handle(CloseChannel close)
    {
        _link.Close(close.ChannelId);
        Forget(close.ChannelId);
        Drain();
    }

    // The rhythm of every driver: one change to the machine, drain it, set the alarm.
    private void Drain()
    {
        _pause = null;
        ReadHeld();
        Report();
        Transmit();
        TimeSpan? next = _pause < (_link.Deadline ?? TimeSpan.MaxValue) ? _pause : _link.Deadline;
        if (next is { } deadline && deadline < _alarm)
        {
            // Only ever earlier: an early wake costs one turn, a timer per packet costs allocations.
            _alarm = deadline;
            TimeSpan delay = deadline - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }

    // While the channels owe us an answer the transport is not read: a slow feed slows its peers, not our memory.
    private void ReadHeld()
    {
        while (!_link.IsReadingPaused && _unconsumed < _options.MaxUnconsumedBytes
            && _held.Count > 0 && IsPaid(_rates.Download) && _held.TryDequeue(out HeldBytes? held))
        {
            _rates.Download.Charge(held.Count, Now);
            using (held.Owner)
            {
                _link.HandleInput(new ReadOnlySequence<byte>(held.Owner.Memory[..held.Count]), Now);
            }

            _transport.ReturnCredit(held.Count);
            Report();
        }

        if (_remoteEnded && !_isRemoteDone && _held.Count == 0)
        {
            _isRemoteDone = true;
            _link.HandleEnd();
        }
    }

    private void Report()
    {
        while (_link.TryPollEvent(out LinkEvent? e))
        {
            switch (e)
            {
                case LinkEvent.Connected connected when _expected is { } expected && expected != connected.RemotePublicKey:
                    Stop("the peer is somebody else than it should be");
                    return;
                case LinkEvent.Connected connected:
                    _session = connected;
                    Context.Parent.Tell(
                        new Opened(new PeerInfo(_id, connected.RemotePublicKey, _transport.RemoteAddress, _isInitiator)), Self);
                    if (_relay is { Pair: not null })
                    {
                        OpenRelayChannel(_relay, _self);
                    }

                    break;
                case LinkEvent.ChannelRequested requested:
                    Handle(requested);
                    break;
                case LinkEvent.ChannelOpened opened:
                    Tell(opened.ChannelId, new ChannelActor.Opened(opened.Handshake));
                    break;
                case LinkEvent.MessagesArrived arrived:
                    Handle(arrived);
                    break;
                case LinkEvent.ChannelClosed closed:
                    Forget(closed.ChannelId);
                    break;
                case LinkEvent.RemoteEnded:
                    ForgetAll();
                    break;
                case LinkEvent.Failed failed:
                    Stop(Explain(failed.Error));
                    return;
            }
        }
    }

    private void Handle(LinkEvent.ChannelRequested requested)
    {
        if (_relay is { Pair: null } relay && _channels.Count == 0
            && string.Equals(requested.Protocol, RelayProtocol.Name, StringComparison.Ordinal)
            && _session is { RemotePublicKey: var peer } && requested.Id.Span.SequenceEqual(peer.AsSpan()))
        {
            OpenRelayChannel(relay, peer);
            return;
        }

        bool isFeed = _relay is null && requested.Protocol is ReplicationCodec.Protocol or ReplicationCodec.Alias
            && requested.Id.Length == DiscoveryKey.Size;
        if (!isFeed)
        {
            _link.Reject(requested.RequestId);
            return;
        }

        Context.Parent.Tell(new FeedRequested(requested.RequestId, new DiscoveryKey(requested.Id.Span)), Self);
    }

    private void Handle(LinkEvent.MessagesArrived arrived)
    {
        if (!_channels.TryGetValue(arrived.ChannelId, out OpenChannel? channel))
        {
            arrived.Messages.Dispose();
            return;
        }

        long cost = CostOf(arrived.Messages);
        _unconsumed += cost;
        channel.Debtor.Cost += cost;
        channel.Actor.Tell(new ChannelActor.Arrived(arrived.Messages), Self);
    }

    // False while what went before is not paid for: then the turn comes again.
    private bool IsPaid(Allowance allowance)
    {
        TimeSpan wait = allowance.WaitAt(Now);
        if (wait == TimeSpan.Zero)
        {
            return true;
        }

        TimeSpan end = Now + wait;
        _pause = _pause < end ? _pause : end;
        return false;
    }

    private void Transmit()
    {
        // At a low rate a long write would be a long silence behind it.
        long rate = _rates.Upload.BytesPerSecond;
        int maxWrite = rate == 0 ? _options.MaxWriteSize : (int)Math.Clamp(rate / 8, Math.Min(MinWriteSize, _options.MaxWriteSize), _options.MaxWriteSize);
        while (_unwritten < _options.MaxUnwrittenBytes
            && (_link.QueuedBytes == 0 || IsPaid(_rates.Upload))
            && _link.TryPollTransmit(maxWrite, Now, out IMemoryOwner<byte>? bytes))
        {
            int count = bytes.Memory.Length;
            _rates.Upload.Charge(count, Now);
            _unwritten += count;
            _polledTotal = _queuedTotal - _link.QueuedBytes;
            _transport.Write(bytes);
        }

        // A feed hears when its messages have left for the socket: it reads the next blocks only then.
        while (_queued.TryPeek(out (IActorRef Sender, ReplicationActor.Sent Notice, long End) head)
            && (head.End <= _polledTotal || _link.QueuedBytes == 0))
        {
            _queued.Dequeue();
            head.Sender.Tell(head.Notice, Self);
        }

        if (_link.HasSentAll && !_isShutDown && _unwritten == 0)
        {
            // Our direction is done; the peer's ends when it has ours. The clock keeps it from holding the line.
            _isShutDown = true;
            _transport.Shutdown();
            Timers.StartSingleTimer(nameof(EndTimedOut), EndTimedOut.Instance, _options.EndTimeout);
        }

        if (_isShutDown && _isRemoteDone)
        {
            Stop(null);
        }
    }

    private void Tell(ulong channelId, object message)
    {
        if (_channels.TryGetValue(channelId, out OpenChannel? channel))
        {
            channel.Actor.Tell(message, Self);
        }
    }

    private void Forget(ulong channelId)
    {
        if (_channels.Remove(channelId, out OpenChannel? channel))
        {
            if (channel.DiscoveryKey is { } feed)
            {
                _byFeed.Remove(feed);
            }

            channel.Actor.Tell(ChannelActor.Closed.Instance, Self);
            channel.Debtor.Channels--;
            ForgetIfQuit(channel.Debtor);
        }
    }

    private void ForgetIfQuit(Debtor debtor)
    {
        if (debtor is { Channels: 0, Cost: 0 } && _debtors.Remove(debtor.Replication))
        {
            Context.Unwatch(debtor.Replication);
        }
    }

    private void ForgetAll()
    {
        foreach (ulong channelId in _channels.Keys.ToArray())
        {
            Forget(channelId);
        }
    }

    private void Stop(string? reason)
    {
        Report(reason);
        Context.Stop(Self);
    }

    private void Report(string? reason)
    {
        if (_reported)
        {
            return;
        }

        _reported = true;
        Context.Parent.Tell(new Ended(_id, reason), Self);
    }

    private sealed record OpenChannel(IActorRef Actor, Debtor Debtor, DiscoveryKey? DiscoveryKey);

    /// <summary>A feed's replication, or whoever drives blind relaying: its channels here, and the cost of the messages that it has not dealt with.</summary>
    private sealed class Debtor(IActorRef replication)
    {
        public IActorRef Replication => replication;

        public int Channels { get; set; }

        public long Cost { get; set; }
    }

    /// <summary>Bytes that were read and wait for the link.</summary>
    private sealed class HeldBytes(IMemoryOwner<byte> owner, int count)
    {
        public IMemoryOwner<byte> Owner => owner;

        public int Count { get; private set; } = count;

        public bool TryAdd(ITransport.BytesArrived more)
        {
            if (more.Count > owner.Memory.Length - Count)
            {
                return false;
            }

            using (more.Owner)
            {
                more.Owner.Memory.Span[..more.Count].CopyTo(owner.Memory.Span[Count..]);
            }

            Count += more.Count;
            return true;
        }
    }

    private static string Explain(WireError error) => error switch
    {
        WireError.FrameTooLarge => "the peer announced a frame larger than allowed",
        WireError.HandshakeFailed => "the handshake failed: the peer speaks another protocol, or somebody is in between",
        WireError.HandshakeTimeout => "the peer did not finish the handshake in time",
        WireError.InvalidStreamHeader => "the peer's stream header was wrong",
        WireError.DecryptionFailed => "a frame of the peer could not be decrypted",
        WireError.IdleTimeout => "the peer went silent",
        WireError.MalformedMessage or WireError.MalformedBatch => "the peer sent a malformed message",
        WireError.InvalidOpen or WireError.InvalidReject => "the peer broke the rules of channels",
        WireError.SendQueueOverflow => "the peer does not read what it asked for",
        WireError.ChannelProtocol => "the peer broke the protocol of a channel",
        _ => error.ToString(),
    };
}
