using HyperActors.Abstractions;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Storage;

namespace HyperActors.Actors;

/// <content>What replication asks of the feed: proofs for peers, and proofs of peers.</content>
public sealed partial class FeedActor
{
    private bool _isFrozen;

    private void Handle(Prove prove)
    {
        var requests = new ProofRequest[prove.Requests.Count];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = prove.Requests[i].Request;
        }

        IActorRef asker = Sender;
        long id = NextId(answer => Answer(asker, prove, answer));
        _log.Prove(id, requests);
    }

    private void Answer(IActorRef asker, Prove prove, FeedLogEvent answer)
    {
        if (answer is FeedLogEvent.Refused && prove.Requests.Count > 1)
        {
            // Something of it could not be read: what can be is not refused with it. A peer asks nothing more of whoever
            // refuses too often.
            foreach (ServeRequest request in prove.Requests)
            {
                Self.Tell(new Prove(prove.Peer, [request]), asker);
            }

            return;
        }

        var answers = new List<ServeAnswer>(prove.Requests.Count);
        List<ServeRequest>? later = null;
        var proved = answer as FeedLogEvent.Proved;
        for (int i = 0; i < prove.Requests.Count; i++)
        {
            ServeRequest request = prove.Requests[i];
            ProofAnswer proof = proved?.Answers[i] ?? new ProofAnswer(ProofStatus.Unavailable, null);
            switch (proof.Status)
            {
                case ProofStatus.Done:
                    answers.Add(new ServeAnswer(request.Ticket, ServeResult.Proven, proof.Proof));
                    break;
                case ProofStatus.Later:
                    (later ??= []).Add(request);
                    break;
                default:
                    answers.Add(new ServeAnswer(request.Ticket, ResultOf(proof.Status, request.Request), null));
                    break;
            }
        }

        asker.Tell(new ReplicationActor.Proven(prove.Peer, answers, proved?.Blocks), Self);
        if (later is not null)
        {
            // One read returns only so much: the rest comes in the next one.
            Self.Tell(new Prove(prove.Peer, later), asker);
        }
    }

    private ServeResult ResultOf(ProofStatus status, ProofRequest request) => status switch
    {
        ProofStatus.Invalid => ServeResult.Invalid,
        _ when request.Fork != _log.Head.Fork => ServeResult.OtherFork,
        _ => ServeResult.NotAvailable,
    };

    private void Handle(ApplyProofs apply)
    {
        IActorRef asker = Sender;
        if (_isFrozen || !asker.Equals(_replication))
        {
            Release(apply.Leases);
            asker.Tell(new ReplicationActor.Applied(apply.Id, [.. apply.Proofs.Select(_ => ApplyVerdict.Stale)], State), Self);
            return;
        }

        var proofs = new ClimbedProof[apply.Proofs.Count];
        for (int i = 0; i < proofs.Length; i++)
        {
            proofs[i] = apply.Proofs[i].Proof;
        }

        long id = NextId(answer =>
        {
            var applied = answer as FeedLogEvent.Applied;
            var verdicts = new ApplyVerdict[proofs.Length];
            for (int i = 0; i < verdicts.Length; i++)
            {
                verdicts[i] = applied is null ? ApplyVerdict.NotStored : VerdictOf(applied.Outcomes[i]);
                Count(verdicts[i], proofs[i].Proof);
            }

            asker.Tell(new ReplicationActor.Applied(apply.Id, verdicts, State), Self);
        });
        _log.Apply(id, proofs, new Leases(apply.Leases));
    }

    private static ApplyVerdict VerdictOf(ApplyOutcome outcome) => outcome.Status switch
    {
        ApplyStatus.Applied or ApplyStatus.Reorganized => ApplyVerdict.Applied,
        ApplyStatus.WrongFork or ApplyStatus.Stale => ApplyVerdict.Stale,
        ApplyStatus.Unverifiable => ApplyVerdict.Unverifiable,
        ApplyStatus.Conflict => ApplyVerdict.False,
        _ => outcome.Error == ProofError.BadNodes ? ApplyVerdict.Malformed : ApplyVerdict.False,
    };

    private void Count(ApplyVerdict verdict, Proof proof)
    {
        if (verdict != ApplyVerdict.Applied || proof.Block is not { } block)
        {
            return;
        }

        foreach (RunningDownload running in _downloads.Values)
        {
            if (block.Index >= running.Request.From && block.Index < running.Request.To)
            {
                running.Bytes += (ulong)block.Value.Length;
            }
        }
    }

    private void Handle(ReadNodes read)
    {
        IActorRef asker = Sender;
        long id = NextId(answer => asker.Tell(
            new ReplicationActor.NodesRead(
                read.Id, (answer as FeedLogEvent.NodesRead)?.Nodes ?? new TreeNode?[read.Indices.Count]),
            Self));
        _log.ReadNodes(id, read.Indices);
    }

    private void Handle(Reorganize reorganize)
    {
        IActorRef asker = Sender;
        if (_isFrozen)
        {
            asker.Tell(ReplicationActor.ReorganizeFailed.Instance, Self);
            return;
        }

        // When it is committed, replication hears so as of every truncation.
        long id = NextId(answer =>
        {
            if (answer is FeedLogEvent.Refused)
            {
                asker.Tell(ReplicationActor.ReorganizeFailed.Instance, Self);
            }
        });
        _log.Reorganize(
            id, reorganize.Head, reorganize.Ancestors, reorganize.Nodes, reorganize.Signature, reorganize.Manifest);
    }

    private void Handle(Freeze freeze)
    {
        if (_isFrozen)
        {
            return;
        }

        _isFrozen = true;
        Log.FeedFrozen(_logger, _log.Key, freeze.Evidence.Fork);

        // In the feed's own header, where a node that starts again finds it.
        _log.SetUserData(++_ids, FrozenKey, System.Text.Encoding.UTF8.GetBytes($"fork {freeze.Evidence.Fork}"));
        Tell(new FeedEvent.Conflicted(_log.Head.Length, freeze.Evidence.Fork));
        RefuseWaiting(Frozen());
    }

    private static FeedFailedException Frozen() =>
        new("the feed is frozen: its writer signed two histories of it, and which one is meant only people can tell");

    private static void Release(IReadOnlyList<IDisposable> leases)
    {
        foreach (IDisposable lease in leases)
        {
            lease.Dispose();
        }
    }

    private sealed class Leases(IReadOnlyList<IDisposable> leases) : IDisposable
    {
        public void Dispose() => Release(leases);
    }
}
