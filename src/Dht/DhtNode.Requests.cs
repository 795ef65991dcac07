using System.Buffers;
using System.Buffers.Binary;
using HyperActors.Crypto;

namespace HyperActors.Dht;

// Requests that this node makes: sent, sent again, answered or given up.
public sealed partial class DhtNode
{
    private readonly Dictionary<ushort, PendingRequest> _inflight = [];
    private readonly PriorityQueue<PendingRequest, (TimeSpan Due, long Sequence)> _due = new();
    private readonly Queue<PendingRequest> _waiting = new();
    private CongestionWindow _window;
    private ushort _tid;
    private long _requestSequence;

    /// <summary>Requests under way.</summary>
    public int InflightCount => _inflight.Count;

    /// <summary>Asks one node.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="scope">Cancelling it takes the request back.</param>
    /// <returns>The reply, which may carry an error; null when there was none, or too many requests are under way.</returns>
    public Flow<DhtReply?> RequestAsync(in DhtRequest request, FlowScope scope)
    {
        if (StartRequest(request, scope, null, null) is { } pending)
        {
            return pending.Flow!;
        }

        var refused = new FlowSource<DhtReply?>(Runner, scope);
        refused.TryComplete(null);
        return refused.Flow;
    }

    /// <summary>Asks whether a node is there. A value of <paramref name="size"/> bytes makes the question larger.</summary>
    public Flow<DhtReply?> PingAsync(
        DhtAddress to, FlowScope scope, int? socket = null, byte timeToLive = 0, int? retries = null, int size = 0) =>
        RequestAsync(
            new DhtRequest
            {
                To = to,
                IsInternal = true,
                Command = DhtCommand.Ping,
                Socket = socket,
                TimeToLive = timeToLive,
                Retries = retries,
                Value = size > 0 ? new byte[size] : default(ReadOnlyMemory<byte>?),
            },
            scope);

    /// <summary>Asks a node to answer after a delay, of at most <see cref="DhtOptions.MaxPingDelay"/>.</summary>
    public Flow<DhtReply?> DelayedPingAsync(DhtAddress to, TimeSpan delay, FlowScope scope, int? socket = null, int? retries = null)
    {
        var value = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(value, (uint)Math.Clamp(delay.TotalMilliseconds, 0, Options.MaxPingDelay.TotalMilliseconds));
        return RequestAsync(
            new DhtRequest
            {
                To = to,
                IsInternal = true,
                Command = DhtCommand.DelayedPing,
                Value = value,
                Socket = socket,
                Retries = retries,
                Timeout = delay + TimeSpan.FromSeconds(1),
            },
            scope);
    }

    /// <summary>Sends a request on its way.</summary>
    /// <returns>Null when too many are under way.</returns>
    internal PendingRequest? StartRequest(in DhtRequest request, FlowScope scope, IRequestOwner? owner, object? state)
    {
        if (_inflight.Count >= Math.Min(Options.MaxInflight, ushort.MaxValue))
        {
            Counters.OverInflight++;
            return null;
        }

        while (_inflight.ContainsKey(_tid))
        {
            _tid++;
        }

        int socket = request.Socket ?? Socket;
        var pending = new PendingRequest(this, scope, owner)
        {
            Tid = _tid++,
            To = request.To,
            ToId = request.ToId,
            Socket = socket,
            Datagram = [],
            Retries = request.Retries ?? Options.Retries,
            Timeout = request.Timeout,
            TimeToLive = request.TimeToLive,
            IsForced = request.IsForced,
            State = state,
        };
        pending.Datagram = Encode(request, pending.Tid, socket);
        Counters.Requests++;
        _inflight.Add(pending.Tid, pending);
        scope.Add(pending);
        if (!scope.IsCancelled)
        {
            Send(pending);
        }

        return pending;
    }

    /// <summary>Takes a request back.</summary>
    internal void Forget(PendingRequest pending)
    {
        pending.IsEnded = true;
        if (_inflight.Remove(pending.Tid))
        {
            _window.OnEnded();
        }

        pending.Scope.Remove(pending);
    }

    private byte[] Encode(in DhtRequest request, ushort tid, int socket)
    {
        ReadOnlySpan<byte> value = request.Value is { } given ? given.Span : default;
        byte[]? rented = null;
        Span<byte> buffer = RpcCodec.MaxOverhead + value.Length <= 1024
            ? stackalloc byte[1024]
            : rented = ArrayPool<byte>.Shared.Rent(RpcCodec.MaxOverhead + value.Length);
        int length = RpcCodec.EncodeRequest(
            buffer, tid, request.To, IdOn(socket), request.Token, request.IsInternal, request.Command, request.Target, request.Value.HasValue, value);
        byte[] datagram = buffer[..length].ToArray();
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return datagram;
    }

    // Who asks through the server socket of a persistent node is who its id says.
    private Hash? IdOn(int socket) => !IsEphemeral && socket == ServerSocket ? Routing.TableId : null;

    private void Send(PendingRequest pending)
    {
        if (IsSuspended)
        {
            Arm(pending);
        }
        else if (!pending.IsForced && _window.IsFull)
        {
            _waiting.Enqueue(pending);
        }
        else
        {
            SendNow(pending);
        }
    }

    private void SendNow(PendingRequest pending)
    {
        pending.Attempts++;
        pending.SentAt = Runner.Now;
        _window.OnSent();
        Transmit(pending.Socket, pending.To, pending.Datagram, pending.TimeToLive);
        Arm(pending);
    }

    private void Arm(PendingRequest pending)
    {
        pending.Due = Runner.Now + (pending.Timeout ?? Options.RequestTimeout);
        _due.Enqueue(pending, (pending.Due, _requestSequence++));
    }

    private void Transmit(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive)
    {
        Counters.DatagramsSent++;
        Counters.BytesSent += datagram.Length;
        Doors.Send(socket, to, datagram, timeToLive);
    }

    private void SendWaiting()
    {
        while (!IsSuspended && !_window.IsFull && _waiting.TryDequeue(out PendingRequest? pending))
        {
            if (!pending.IsEnded)
            {
                SendNow(pending);
            }
        }
    }

    private TimeSpan? NextRequestDue()
    {
        while (_due.TryPeek(out PendingRequest? pending, out (TimeSpan Due, long Sequence) first))
        {
            if (!pending.IsEnded && pending.Due == first.Due)
            {
                return first.Due;
            }

            _due.Dequeue();
        }

        return null;
    }

    private void HandleRequestTimeouts()
    {
        while (NextRequestDue() <= Runner.Now)
        {
            HandleAttemptTimeout(_due.Dequeue());
        }
    }

    private void HandleAttemptTimeout(PendingRequest pending)
    {
        if (pending.Attempts <= 1)
        {
            pending.Owner?.OnSlow(pending);
        }

        if (pending.IsEnded)
        {
            return;
        }

        if (IsSuspended)
        {
            pending.Attempts++;
        }

        if (pending.Attempts <= pending.Retries)
        {
            Counters.Retries++;
            Send(pending);
            return;
        }

        Forget(pending);
        Counters.Timeouts++;
        Complete(pending, null);
        if (pending.ToId is { } id && Routing.Find(id) is { } contact)
        {
            Buckets.Failed(Routing.BucketOf(id), contact, Runner.Now);
        }
    }

    private void HandleResponse(in RpcMessage message, int socket, DhtAddress from, bool isExternal)
    {
        if (!_inflight.TryGetValue(message.Tid, out PendingRequest? pending))
        {
            Counters.UnaskedReplies++;
            return;
        }

        // Tids are short and run on: without this, whoever guesses one answers for anybody.
        if (pending.To != from)
        {
            Counters.RepliesFromElsewhere++;
            return;
        }

        Forget(pending);
        Counters.Responses++;
        Hash? id = VerifiedId(message.Id, from);
        var reply = new DhtReply
        {
            From = from,
            To = message.To,
            Id = id,
            Token = message.Token.IsEmpty ? null : new Hash(message.Token),
            CloserNodes = ReadCloserNodes(message, from),
            Error = message.Error,
            Value = message.CopyValue(),
            RoundTrip = Runner.Now - pending.SentAt,
            Socket = socket,
        };
        AddAnswered(from, id, message.To, isSample: !isExternal);
        Complete(pending, reply);
    }

    private void Complete(PendingRequest pending, DhtReply? reply)
    {
        if (pending.Flow is { } flow)
        {
            Runner.Enqueue(() => flow.Succeed(reply));
        }
        else if (reply is not null)
        {
            pending.Owner!.OnReply(pending, reply);
        }
        else
        {
            pending.Owner!.OnTimeout(pending);
        }
    }

    private DhtAddress[] ReadCloserNodes(in RpcMessage message, DhtAddress from)
    {
        int count = Math.Min(message.CloserNodes.Length / DhtAddress.Size, RpcCodec.MaxCloserNodes);
        if (count == 0)
        {
            return [];
        }

        var nodes = new DhtAddress[count];
        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            DhtAddress node = message.CloserNode(i);

            // Somebody outside can't know our neighbours: he would have us knock at them.
            bool isFalse = AddressRanges.IsUnreachable(node)
                || (AddressRanges.IsLocal(node.Host) && !AddressRanges.IsLocal(from.Host));
            if (isFalse)
            {
                Counters.FalseAddresses++;
            }
            else
            {
                nodes[kept++] = node;
            }
        }

        return kept == count ? nodes : nodes[..kept];
    }

    private Hash? VerifiedId(ReadOnlySpan<byte> claimed, DhtAddress from)
    {
        if (claimed.IsEmpty)
        {
            return null;
        }

        Hash id = from.ToNodeId();
        if (id.AsSpan().SequenceEqual(claimed))
        {
            return id;
        }

        Counters.FalseIds++;
        return null;
    }
}
