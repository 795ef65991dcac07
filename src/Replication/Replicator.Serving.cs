using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <content>What peers ask of us.</content>
public sealed partial class Replicator
{
    /// <summary>What a served block costs beside its bytes: numbers and a few nodes.</summary>
    private const long ServeOverhead = 256;

    /// <summary>The feed's answers to requests of <see cref="ReplicatorEvent.Serve"/>, all or some, in any order.</summary>
    /// <param name="id">Whose requests they are.</param>
    /// <param name="answers">The answers.</param>
    /// <param name="lease">The memory in which their blocks lie. It is handed on with them, or disposed.</param>
    /// <param name="now">The time.</param>
    public void HandleServed(PeerId id, IReadOnlyList<ServeAnswer> answers, IDisposable? lease, TimeSpan now)
    {
        _now = now;
        bool isSending = false;
        if (_peers.TryGetValue(id, out PeerState? peer) && peer.IsOpen)
        {
            _isDirty = true;
            for (int i = 0; i < answers.Count && peer.IsOpen; i++)
            {
                if (peer.Serving.TryFinish(answers[i].Ticket, out InRequest? request))
                {
                    isSending |= Answer(peer, request, answers[i]);
                }
            }

            if (peer.Serving.Serving == 0)
            {
                peer.ServingEstimate = 0;
            }
        }

        if (isSending && lease is not null && peer!.IsOpen)
        {
            peer.OutboxLeases.Add(lease);
        }
        else
        {
            lease?.Dispose();
        }

        CloseFrozen();
    }

    private bool Answer(PeerState peer, InRequest request, in ServeAnswer answer)
    {
        peer.ServingEstimate = Math.Max(0, peer.ServingEstimate - MeanBlockSize - ServeOverhead);
        switch (answer.Result)
        {
            case ServeResult.Proven when answer.Proof is { } proof:
                BlocksUploaded += proof.Block is null ? 0u : 1;
                Manifest? manifest = request.Request.Manifest && SendsManifest ? _state.Manifest : null;
                peer.Send(new DataMessage(request.Id, ReferenceEquals(proof.Manifest, manifest) ? proof : proof with { Manifest = manifest }));
                return true;
            case ServeResult.Invalid:
                Refuse(peer, request.Id);
                return false;
            default:
                SendNotAvailable(peer, request.Id, request.Request, answer.Result == ServeResult.OtherFork);
                return false;
        }
    }

    private void HandleRequest(PeerState peer, RequestMessage message)
    {
        ProofRequest request = message.Request;
        if (request.Fork != _state.Fork || (request.Block is { } block && !_have.Contains(block.Index)))
        {
            peer.Serving.Cancel(message.Id);
            SendNotAvailable(peer, message.Id, request, request.Fork != _state.Fork);
            return;
        }

        if (request is { Block: null, Hash: null, Seek: null, Upgrade: null, Manifest: true } && SendsManifest)
        {
            peer.Serving.Cancel(message.Id);
            SendManifest(peer, message.Id);
            return;
        }

        if (peer.Serving.Waiting >= _options.MaxQueuedRequests)
        {
            Fail(peer, ReplicationError.TooManyRequests);
            return;
        }

        peer.Serving.Add(new InRequest(message.Id, ++_ticket, request, message.Priority > 0));
    }

    /// <remarks>
    /// Another fork is no reason: JavaScript counts reasons, and after 32 of them asks nothing more. A truncation while it
    /// has 48 requests in flight would be enough.
    /// </remarks>
    private void SendNotAvailable(PeerState peer, ulong id, ProofRequest request, bool isOtherFork)
    {
        if (request.Manifest && SendsManifest)
        {
            SendManifest(peer, id);
        }
        else
        {
            peer.Send(new NoDataMessage(id, isOtherFork ? NoDataReason.None : NoDataReason.NotAvailable));
        }
    }

    private void SendManifest(PeerState peer, ulong id) =>
        peer.Send(new DataMessage(id, new Proof { Fork = _state.Fork, Manifest = _state.Manifest }));

    /// <summary>An impossible request is answered late, and the later the more there were: a confused peer asks again at once.</summary>
    private void Refuse(PeerState peer, ulong id)
    {
        if (++peer.InvalidRequests >= _options.MaxInvalidRequests)
        {
            Fail(peer, ReplicationError.TooManyInvalidRequests);
            return;
        }

        int delay = peer.InvalidRequests switch
        {
            < 2 => 200,
            < 5 => 500,
            < 40 => 1000,
            _ => 5000,
        };
        peer.DelayedRefusals.Enqueue((_now + TimeSpan.FromMilliseconds(delay), id));
    }

    /// <summary>Hands on what waits, as far as the peer keeps up with what it gets.</summary>
    private void Serve(PeerState peer)
    {
        while (peer.UnansweredWants.Count > 0 && !IsBusy(peer))
        {
            AnswerWant(peer, peer.UnansweredWants.Dequeue());
        }

        while (peer.Serving.Waiting > 0 && !IsBusy(peer))
        {
            long bytes = 0;
            var batch = new List<ServeRequest>(Math.Min(peer.Serving.Waiting, _options.MaxServeBatch));
            while (batch.Count < _options.MaxServeBatch && bytes < _options.MaxServeBatchBytes && !IsBusy(peer)
                && peer.Serving.TryTake(out InRequest? request))
            {
                batch.Add(new ServeRequest(request.Ticket, request.Request));
                peer.ServingEstimate += MeanBlockSize + ServeOverhead;
                bytes += MeanBlockSize + ServeOverhead;
            }

            Report(new ReplicatorEvent.Serve(peer.Id, batch));
        }
    }

    private bool IsBusy(PeerState peer) =>
        peer.Unsent + peer.OutboxSize + peer.ServingEstimate >= _options.MaxUnsentBytes;

    private long MeanBlockSize => _state.Length == 0 ? 0 : (long)Math.Min(_state.ByteLength / _state.Length, 1 << 24);
}
