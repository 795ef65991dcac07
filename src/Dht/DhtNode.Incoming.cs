using System.Buffers;
using System.Buffers.Binary;
using HyperActors.Crypto;

namespace HyperActors.Dht;

// Requests that others make.
public sealed partial class DhtNode
{
    private TokenIssuer? _tokens;
    private Meter? _strangerBytes;
    private Meter? _requestRates;
    private Contact[]? _closest;
    private int _delayedPings;
    private int _checks;

    /// <summary>Hears requests of the application; false when it does not know the command. May be answered later.</summary>
    public Func<IncomingRequest, bool>? OnRequest { get; set; }

    /// <summary>A token for a host, valid for 7.5 to 15 seconds.</summary>
    public Hash CreateToken(uint host) => (_tokens ??= new TokenIssuer(Random)).Create(host);

    /// <summary>True for a token that this host was given lately.</summary>
    public bool IsValidToken(uint host, ReadOnlySpan<byte> token) => _tokens is not null && _tokens.IsValid(host, token);

    internal void SendReply(
        IncomingRequest request, uint error, ReadOnlyMemory<byte>? value, bool token, bool closerNodes, DhtAddress to, int socket) =>
        SendReply(
            request.Tid,
            request.Target,
            error,
            value.HasValue,
            value.GetValueOrDefault().Span,
            token,
            closerNodes,
            to,
            socket,
            isKnown: request.HasToken && to.Host == request.From.Host);

    internal void SendRelay(IncomingRequest request, ReadOnlyMemory<byte>? value, DhtAddress to, int socket)
    {
        if (IsSuspended || Scope.IsCancelled || AddressRanges.IsUnreachable(to))
        {
            return;
        }

        var relayed = new DhtRequest { To = to, Command = request.Command, Target = request.Target, Value = value };
        byte[] datagram = Encode(relayed, request.Tid, socket);
        if (MaySend(to, datagram.Length))
        {
            Transmit(socket, to, datagram, 0);
        }
    }

    private void HandleRequest(in RpcMessage message, int socket, DhtAddress from, bool isExternal)
    {
        if (!MayAsk(from.Host))
        {
            Counters.OverRequestRate++;
            return;
        }

        Counters.RequestsHandled++;
        Hash? id = VerifiedId(message.Id, from);
        bool hasToken = !message.Token.IsEmpty;
        if (hasToken && !IsValidToken(from.Host, message.Token))
        {
            Counters.FalseTokens++;
            Answer(message, socket, from, DhtErrors.InvalidToken, token: true, closerNodes: true);
            return;
        }

        if (id is { } known)
        {
            AddAsker(from, known, hasToken, message.To, isSample: !isExternal);
        }

        if (message.IsInternal)
        {
            HandleInternal(message, socket, from);
        }
        else if (OnRequest is null || !OnRequest(new IncomingRequest(this, message, socket, from, id)))
        {
            Answer(message, socket, from, DhtErrors.UnknownCommand, token: false, closerNodes: true);
        }
    }

    private void HandleInternal(in RpcMessage message, int socket, DhtAddress from)
    {
        switch (message.Command)
        {
            case DhtCommand.Ping:
                Answer(message, socket, from);
                return;
            case DhtCommand.PingNat:
                if (message.Value.Length >= 2 && BinaryPrimitives.ReadUInt16LittleEndian(message.Value) is > 0 and var port)
                {
                    Answer(message, socket, new DhtAddress(from.Host, port));
                }

                return;
            case DhtCommand.FindNode:
                if (!message.Target.IsEmpty)
                {
                    Answer(message, socket, from, closerNodes: true);
                }

                return;
            case DhtCommand.DownHint:
                HandleDownHint(message, socket, from);
                return;
            case DhtCommand.DelayedPing:
                HandleDelayedPing(message, socket, from);
                return;
            default:
                Answer(message, socket, from, DhtErrors.UnknownCommand, closerNodes: true);
                return;
        }
    }

    private void HandleDownHint(in RpcMessage message, int socket, DhtAddress from)
    {
        if (message.Value.Length < DhtAddress.Size)
        {
            return;
        }

        Hash id = Blake2b.Hash256(message.Value[..DhtAddress.Size]);
        if (_checks >= Options.MaxChecks)
        {
            Counters.OverChecks++;
        }
        else if (Routing.Find(id) is { } contact)
        {
            Buckets.Suspect(Routing.BucketOf(id), contact, Runner.Now);
        }

        Answer(message, socket, from);
    }

    private void HandleDelayedPing(in RpcMessage message, int socket, DhtAddress from)
    {
        if (message.Value.Length < sizeof(uint))
        {
            return;
        }

        TimeSpan delay = TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(message.Value));
        if (delay > Options.MaxPingDelay)
        {
            return;
        }

        if (_delayedPings >= Options.MaxDelayedPings)
        {
            Counters.OverChecks++;
            return;
        }

        _ = AnswerLaterAsync(message.Tid, delay, from, socket);
    }

    private async Flow AnswerLaterAsync(ushort tid, TimeSpan delay, DhtAddress from, int socket)
    {
        _delayedPings++;
        try
        {
            await Runner.Sleep(delay, Scope);
            SendReply(tid, null, DhtErrors.None, false, default, false, false, from, socket, isKnown: false);
        }
        finally
        {
            _delayedPings--;
        }
    }

    private void Answer(
        in RpcMessage message, int socket, DhtAddress to, uint error = DhtErrors.None, bool token = false, bool closerNodes = false)
    {
        Hash? target = closerNodes && !message.Target.IsEmpty ? message.TargetHash : null;
        SendReply(message.Tid, target, error, false, default, token, closerNodes, to, socket, isKnown: false);
    }

    private void SendReply(
        ushort tid,
        in Hash? target,
        uint error,
        bool hasValue,
        ReadOnlySpan<byte> value,
        bool token,
        bool closerNodes,
        DhtAddress to,
        int socket,
        bool isKnown)
    {
        if (IsSuspended || Scope.IsCancelled || AddressRanges.IsUnreachable(to))
        {
            return;
        }

        byte[]? rented = null;
        Span<byte> buffer = RpcCodec.MaxOverhead + value.Length <= 2048
            ? stackalloc byte[2048]
            : rented = ArrayPool<byte>.Shared.Rent(RpcCodec.MaxOverhead + value.Length);
        ReadOnlySpan<Contact> closest = closerNodes && target is { } wanted ? ClosestTo(wanted) : default;
        int length = RpcCodec.EncodeResponse(
            buffer, tid, to, IdOn(socket), token ? CreateToken(to.Host) : null, closest, error, hasValue, value);
        if (isKnown || MaySend(to, length))
        {
            Transmit(socket, to, buffer[..length], 0);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private ReadOnlySpan<Contact> ClosestTo(in Hash target)
    {
        _closest ??= new Contact[RpcCodec.MaxCloserNodes];
        return _closest.AsSpan(0, Routing.Closest(target, _closest));
    }

    /// <summary>Takes up other limits on what is asked and answered. What the node is made of stays: its sockets and table, where it starts, and its clocks.</summary>
    public void Limit(DhtOptions limits)
    {
        Options = Options with
        {
            Concurrency = limits.Concurrency,
            MaxInflight = limits.MaxInflight,
            RequestTimeout = limits.RequestTimeout,
            Retries = limits.Retries,
            QueryRetries = limits.QueryRetries,
            MaxVisits = limits.MaxVisits,
            MaxRepliesPerNetwork = limits.MaxRepliesPerNetwork,
            MaxContactsPerNetwork = limits.MaxContactsPerNetwork,
            MaxPingDelay = limits.MaxPingDelay,
            MaxDelayedPings = limits.MaxDelayedPings,
            MaxDownHintsPerTick = limits.MaxDownHintsPerTick,
            MaxChecks = limits.MaxChecks,
            VerifiesAskers = limits.VerifiesAskers,
            StrangerBytesPerSecond = limits.StrangerBytesPerSecond,
            StrangerBurstBytes = limits.StrangerBurstBytes,
            RequestsPerSecond = limits.RequestsPerSecond,
            RequestBurst = limits.RequestBurst,
            MaxMeteredHosts = limits.MaxMeteredHosts,
        };

        // Made anew with the next stranger.
        _strangerBytes = null;
        _requestRates = null;
    }

    // What goes to somebody who has not shown that he asked for it: it may be meant to hurt him.
    private bool MaySend(DhtAddress to, int bytes)
    {
        if (AddressRanges.IsLocal(to.Host))
        {
            return true;
        }

        _strangerBytes ??= new Meter(Options.StrangerBytesPerSecond, Options.StrangerBurstBytes, Options.MaxMeteredHosts);
        if (_strangerBytes.TryTake(AddressRanges.NetworkOf(to.Host), bytes, Runner.Now))
        {
            return true;
        }

        Counters.OverByteBudget++;
        return false;
    }

    private bool MayAsk(uint host)
    {
        if (AddressRanges.IsLocal(host))
        {
            return true;
        }

        _requestRates ??= new Meter(Options.RequestsPerSecond, Options.RequestBurst, Options.MaxMeteredHosts);
        return _requestRates.TryTake(host, 1, Runner.Now);
    }
}
