using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Storage;

namespace HyperActors.TestKit;

/// <summary>Drives a <see cref="FeedLog"/> over a device that answers at once, and keeps what it reports.</summary>
public sealed class FeedHarness : IDisposable
{
    private readonly IDevice _device;
    private readonly Dictionary<long, FeedLogEvent> _answers = [];
    private long _lastId;

    public FeedHarness(IDevice device, FeedIdentity identity, FeedOptions? options = null)
    {
        _device = device;
        Log = new FeedLog(identity, options ?? new FeedOptions());
        Log.Open();
        Run();
    }

    public FeedLog Log { get; }

    /// <summary>The clock that the feed is told; it stands still unless a test moves it.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Everything but answers, in order.</summary>
    public List<FeedLogEvent> Events { get; } = [];

    public Exception? Failure => Events.OfType<FeedLogEvent.Failed>().FirstOrDefault()?.Error;

    public static KeyPair Pair(byte seed = 1) => KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray());

    /// <summary>A writable feed with the key of version 1.</summary>
    public static FeedHarness Writer(IDevice device, FeedOptions? options = null, byte seed = 1) =>
        new(device, new FeedIdentity { KeyPair = Pair(seed) }, options);

    /// <summary>A feed known by its key alone.</summary>
    public static FeedHarness Reader(IDevice device, FeedKey key, FeedOptions? options = null) =>
        new(device, new FeedIdentity { Key = key }, options);

    /// <summary>Lets the disk do what is asked of it, until all is quiet.</summary>
    public void Run()
    {
        while (Log.TryPollIo(out IoRequest? request))
        {
            if (!_device.Execute(request, (_, _) => throw new InvalidOperationException("not at once"), out IoResult result))
            {
                throw new InvalidOperationException("A harness needs a device that answers at once.");
            }

            Log.HandleIo(request, result, Now);
        }

        while (Log.TryPollEvent(out FeedLogEvent? e))
        {
            if (IdOf(e) is { } id)
            {
                _answers.Add(id, e);
            }
            else
            {
                Events.Add(e);
            }
        }
    }

    /// <summary>Makes a request under a new id, lets it be done, and gives its answer.</summary>
    public FeedLogEvent Ask(Action<long> request)
    {
        long id = ++_lastId;
        request(id);
        Run();
        return _answers.Remove(id, out FeedLogEvent? answer)
            ? answer
            : throw new InvalidOperationException($"No answer to request {id}.");
    }

    /// <summary>Makes a request and expects this kind of answer.</summary>
    public T Ask<T>(Action<long> request)
        where T : FeedLogEvent =>
        Ask(request) switch
        {
            T answer => answer,
            FeedLogEvent other => throw new InvalidOperationException($"Expected {typeof(T).Name}, got {other}."),
        };

    public FeedLogEvent.Appended Append(params byte[][] blocks) =>
        Ask<FeedLogEvent.Appended>(id => Log.Append(id, [.. blocks.Select(b => (ReadOnlyMemory<byte>)b)]));

    public void Truncate(ulong length) => Ask<FeedLogEvent.Truncated>(id => Log.Truncate(id, length));

    /// <summary>A block, or null when it is not held.</summary>
    public byte[]? Get(ulong index)
    {
        FeedLogEvent answer = Ask(id => Log.Read(id, index, 1));
        if (answer is FeedLogEvent.Refused { Reason: Refusal.BlockMissing })
        {
            return null;
        }

        using BlockBatch batch = ((FeedLogEvent.BlocksRead)answer).Blocks;
        return batch[0].ToArray();
    }

    /// <summary>Proofs with values of their own.</summary>
    public List<ProofAnswer> Prove(params ProofRequest[] requests)
    {
        FeedLogEvent.Proved proved = Ask<FeedLogEvent.Proved>(id => Log.Prove(id, requests));
        using BlockBatch batch = proved.Blocks;
        return [.. proved.Answers.Select(a => a.Proof?.Block is { } block
            ? a with { Proof = a.Proof with { Block = block with { Value = block.Value.ToArray() } } }
            : a)];
    }

    /// <summary>Applies proofs, climbing them first; what does not even climb is a fault of the test.</summary>
    public IReadOnlyList<ApplyOutcome> Apply(params Proof[] proofs)
    {
        List<ClimbedProof> climbed = [.. proofs.Select(proof =>
            ProofVerifier.Climb(proof, out ClimbedProof? c) == ProofError.None ? c! : throw new InvalidOperationException("no climb"))];
        return Ask<FeedLogEvent.Applied>(id => Log.Apply(id, climbed)).Outcomes;
    }

    /// <summary>How many levels a request for a block has to name.</summary>
    public ulong Missing(ulong block) =>
        (ulong)Ask<FeedLogEvent.MissingCounted>(id => Log.CountMissing(id, [2 * block])).Levels[0];

    /// <summary>What a peer asks that wants a block and the newest version that the other has.</summary>
    public ProofRequest RequestFor(ulong block, ulong remoteLength) => new()
    {
        Fork = Log.Head.Fork,
        Block = new BlockRequest(block, Missing(block)),
        Upgrade = remoteLength > Log.Head.Length ? new UpgradeRequest(Log.Head.Length, remoteLength - Log.Head.Length) : null,
        Manifest = Log.Manifest is null,
    };

    public void Dispose()
    {
        Log.Dispose();
        _device.Dispose();
    }

    private static long? IdOf(FeedLogEvent e) => e switch
    {
        FeedLogEvent.Appended a => a.Id,
        FeedLogEvent.Truncated t => t.Id,
        FeedLogEvent.UserDataSet u => u.Id,
        FeedLogEvent.BlocksRead r => r.Id,
        FeedLogEvent.Proved p => p.Id,
        FeedLogEvent.Applied a => a.Id,
        FeedLogEvent.Reorganized r => r.Id,
        FeedLogEvent.NodesRead n => n.Id,
        FeedLogEvent.MissingCounted m => m.Id,
        FeedLogEvent.Checkpointed c => c.Id,
        FeedLogEvent.Refused r => r.Id,
        _ => null,
    };
}
