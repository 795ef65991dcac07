namespace HyperActors.Simulation;

/// <summary>Blocks that were given to the writer in one call, and what is known of them.</summary>
internal sealed record Batch(IReadOnlyList<ReadOnlyMemory<byte>> Blocks);

/// <summary>What a feed must look like, from what its writer was told: acknowledged blocks stay, and no index has two of them.</summary>
/// <remarks>
/// Knows the digest of each block by fork and index. What was appended and never answered may be there or not, but whole
/// and in order. Says by exception what is wrong.
/// </remarks>
internal sealed class FeedOracle
{
    private readonly Dictionary<(ulong Fork, ulong Index), (ulong Digest, string Source)> _blocks = [];
    private readonly List<Batch> _open = [];
    private ulong? _cuttingTo;

    /// <summary>The writer's fork.</summary>
    public ulong Fork { get; private set; }

    /// <summary>Blocks that the writer has acknowledged.</summary>
    public ulong Length { get; private set; }

    /// <summary>Blocks are on their way to the writer.</summary>
    public Batch Appending(IReadOnlyList<ReadOnlyMemory<byte>> blocks)
    {
        var batch = new Batch(blocks);
        _open.Add(batch);
        return batch;
    }

    /// <summary>The writer has taken them; the feed is that long now.</summary>
    public void Appended(Batch batch, ulong length)
    {
        _open.Remove(batch);
        ulong start = length - (ulong)batch.Blocks.Count;
        for (int i = 0; i < batch.Blocks.Count; i++)
        {
            Saw("an answer to an append", Fork, start + (ulong)i, batch.Blocks[i].Span);
        }

        Length = Math.Max(Length, length);
    }

    /// <summary>The writer has refused them: none may ever be seen.</summary>
    public void Refused(Batch batch) => _open.Remove(batch);

    /// <summary>The writer is asked to cut the feed.</summary>
    public void Cutting(ulong length) => _cuttingTo = length;

    /// <summary>The feed is cut.</summary>
    public void Cut(ulong fork)
    {
        if (fork != Fork + 1)
        {
            throw new SimulationFailedException($"a cut of fork {Fork} made fork {fork}");
        }

        ulong length = _cuttingTo!.Value;
        for (ulong i = 0; i < length; i++)
        {
            if (_blocks.TryGetValue((Fork, i), out (ulong Digest, string) known))
            {
                _blocks.TryAdd((fork, i), known);
            }
        }

        _cuttingTo = null;
        Fork = fork;
        Length = length;
    }

    /// <summary>Blocks of a fork of which the bytes are known: those acknowledged, or left by a cut that was asked for.</summary>
    public ulong KnownLength(ulong fork) => _cuttingTo is { } cut && fork == Fork + 1 ? cut : Length;

    /// <summary>The writer's feed was opened again: what was not answered is settled by what is there.</summary>
    public void Reopened(ulong fork, ulong length, IReadOnlyList<ReadOnlyMemory<byte>> behind)
    {
        ulong acknowledged = Length;
        if (_cuttingTo is { } cut && fork == Fork + 1)
        {
            Cut(fork);
            acknowledged = cut;
        }

        if (fork != Fork)
        {
            throw new SimulationFailedException($"the writer had acknowledged fork {Fork} and came back with fork {fork}");
        }

        if (length < acknowledged)
        {
            throw new SimulationFailedException($"the writer had acknowledged {acknowledged} blocks and came back with {length}");
        }

        // Whole calls, in their order; those in between may be missing only from some call on.
        int next = 0;
        foreach (Batch batch in _open)
        {
            if (next < behind.Count && Matches(batch, behind, next))
            {
                for (int i = 0; i < batch.Blocks.Count; i++)
                {
                    Saw("the reopened writer", Fork, acknowledged + (ulong)(next + i), batch.Blocks[i].Span);
                }

                next += batch.Blocks.Count;
            }
        }

        if (next < behind.Count)
        {
            throw new SimulationFailedException(
                $"the writer came back with block {acknowledged + (ulong)next}, which no call had appended there");
        }

        _open.Clear();
        _cuttingTo = null;
        Length = length;
    }

    /// <summary>Somebody holds these bytes there.</summary>
    public void Saw(string who, ulong fork, ulong index, ReadOnlySpan<byte> bytes)
    {
        ulong digest = MessageDigest.Of(bytes);
        if (!_blocks.TryAdd((fork, index), (digest, who)) && _blocks[(fork, index)].Digest != digest)
        {
            throw new SimulationFailedException(
                $"block {index} of fork {fork} has other bytes in {who} than in {_blocks[(fork, index)].Source}");
        }
    }

    private static bool Matches(Batch batch, IReadOnlyList<ReadOnlyMemory<byte>> blocks, int start)
    {
        if (batch.Blocks.Count > blocks.Count - start)
        {
            return false;
        }

        for (int i = 0; i < batch.Blocks.Count; i++)
        {
            if (!batch.Blocks[i].Span.SequenceEqual(blocks[start + i].Span))
            {
                return false;
            }
        }

        return true;
    }
}
