using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Simulation;

/// <summary>One writer appends, readers copy from it and from one another, things go wrong; then all is well and all have all.</summary>
/// <remarks>
/// Held against: durability (what was confirmed to anyone is still there after anything), agreement (no two nodes hold
/// different bytes at one index of one fork), convergence (once all is well, every node gets everything), answers (nobody
/// waits for ever), and that no actor fails for a reason of its own.
/// </remarks>
internal sealed class FeedScenario
{
    private readonly World _world;
    private readonly FeedScenarioOptions _options;
    private readonly RandomSource _random;
    private readonly FeedOracle _oracle = new();
    private readonly List<Participant> _nodes = [];
    private readonly TaskCompletionSource _written = new();
    private int _appended;

    public FeedScenario(World world, FeedScenarioOptions options)
    {
        _world = world;
        _options = options;
        _random = world.Fork();
    }

    private Participant Writer => _nodes[0];

    /// <summary>Draws what a world is like from the seed, so that each seed tries another one.</summary>
    public static WorldOptions Vary(FeedScenarioOptions options, ulong seed)
    {
        WorldOptions world = options.World;
        if (!options.VariesWorld)
        {
            return world;
        }

        RandomSource random = RandomSource.Seeded(seed ^ 0x5eed_0f_a_0c1d);
        bool isFlushed = random.NextInt32(3) == 0;
        return world with
        {
            Network = world.Network with
            {
                MaxLatency = TimeSpan.FromMilliseconds(Pick(random, 2, 20, 200)),
                MaxPiece = Pick(random, 1 << 14, 1000, 100),
                MaxUnreadBytes = Pick(random, 1 << 20, 4096),
                BytesPerSecond = Pick(random, 0, 0, 200_000),
            },
            Disk = world.Disk with
            {
                MaxLatency = TimeSpan.FromMilliseconds(Pick(random, 1, 2, 30)),
                CanLosePower = isFlushed,
            },
            Node = world.Node with
            {
                Feeds = world.Node.Feeds with
                {
                    Durability = isFlushed ? Durability.Flush : Durability.None,
                    MaxOplogBytes = Pick(random, 4096, 65_536),
                    CheckpointDelay = TimeSpan.FromMilliseconds(Pick(random, 100, 2000, 10_000)),
                },
                Replication = world.Node.Replication with
                {
                    MaxInFlight = Pick(random, 2, 16, 512),
                    MaxServeBatch = Pick(random, 3, 128),
                },
            },
        };
    }

    public async Task RunAsync()
    {
        await StartAsync();
        _world.Go(WriteAsync);
        var faults = new Faults(_world, _nodes, _options, _random);
        await faults.RunAsync();
        await _written.Task;

        // A disk that failed once too often has stopped the writer's feed: as readers do all along, it opens it again.
        await Writer.ReopenAsync();
        await ConvergeAsync();
        await VerifyAsync();
        await RestartAllAsync();
        await ConvergeAsync();
        await VerifyAsync();
    }

    private static int Pick(RandomSource random, params ReadOnlySpan<int> choices) => choices[random.NextInt32(choices.Length)];

    private async Task StartAsync()
    {
        for (int i = 0; i < _options.Nodes; i++)
        {
            var node = new Participant(_world, _world.AddHost(), _options, _world.Fork());
            int dials = Math.Min(i, _options.DialsPerNode);
            while (node.Targets.Count < dials)
            {
                SimulatedHost target = _nodes[_random.NextInt32(i)].Host;
                if (!node.Targets.Contains(target))
                {
                    node.Targets.Add(target);
                }
            }

            _nodes.Add(node);
        }

        await Writer.StartAsync();
        await UntilAsync(() => Writer.IsUp, "the writer's feed is open");
        foreach (Participant reader in _nodes.Skip(1))
        {
            reader.Key = Writer.Feed!.Key;
            await reader.StartAsync();
        }
    }

    // Lives as long as it takes, through every failure of the writer's node and disk.
    private async Task WriteAsync()
    {
        int life = 0;
        while (true)
        {
            await UntilAsync(() => Writer.IsUp, "the writer is up");
            if (Writer.Host.Lives != life)
            {
                life = Writer.Host.Lives;
                await SettleAsync(Writer.Feed!);
                continue;
            }

            // Only here: the last call of all may have failed too, and then what is there says what became of it.
            if (_appended >= _options.Blocks)
            {
                break;
            }

            try
            {
                await AppendSomeAsync(Writer.Feed!);
                if (Writer.IsUp && Writer.Host.Lives == life && _random.NextInt32(100) < _options.CutsPercent)
                {
                    await CutAsync(Writer.Feed!);
                }
            }
            catch (Exception e) when (Writer.IsRefusal(e, life))
            {
                life = 0;
                await Writer.ReopenAsync();
            }

            await Writer.PauseAsync(_options.MaxPause);
        }

        _written.TrySetResult();
    }

    private async Task AppendSomeAsync(Feed feed)
    {
        int life = Writer.Host.Lives;
        var calls = new List<(Batch Batch, Task<ulong> Call)>();
        for (int i = 1 + _random.NextInt32(_options.MaxAppends); i > 0; i--)
        {
            Batch batch = _oracle.Appending(MakeBlocks());
            calls.Add((batch, Writer.AnsweredAsync(feed.AppendAsync(batch.Blocks).AsTask(), "append")));
        }

        Exception? failure = null;
        foreach ((Batch batch, Task<ulong> call) in calls)
        {
            try
            {
                // A writer that dies while we wait never answers.
                await Task.WhenAny(call, Writer.GoneAsync(life));
                if (!call.IsCompleted)
                {
                    return;
                }

                _oracle.Appended(batch, await call);
                _appended += batch.Blocks.Count;
            }
            catch (DiskFullException)
            {
                _oracle.Refused(batch);
            }
            catch (Exception e) when (Writer.IsRefusal(e, life))
            {
                failure = e;
            }
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    private async Task CutAsync(Feed feed)
    {
        int life = Writer.Host.Lives;
        ulong length = feed.Length == 0 ? 0 : feed.Length - 1 - _random.NextUInt64(Math.Min(feed.Length, 20));
        _oracle.Cutting(length);
        Task call = Writer.AnsweredAsync(feed.TruncateAsync(length).AsTask(), "truncate");
        await Task.WhenAny(call, Writer.GoneAsync(life));
        if (call.IsCompleted)
        {
            try
            {
                await call;
            }
            catch (DiskFullException)
            {
                return;
            }

            _oracle.Cut(feed.Fork);
        }
    }

    /// <summary>What the writer has after a failure decides what became of calls that it never answered.</summary>
    private async Task SettleAsync(Feed feed)
    {
        int life = Writer.Host.Lives;
        var behind = new List<ReadOnlyMemory<byte>>();
        (ulong fork, ulong length) = (feed.Fork, feed.Length);
        for (ulong i = _oracle.KnownLength(fork); i < length; i++)
        {
            Task<Block?> call = Writer.AnsweredAsync(feed.TryGetAsync(i).AsTask(), "read");
            await Task.WhenAny(call, Writer.GoneAsync(life));
            if (!call.IsCompleted)
            {
                return;
            }

            Block block = await call ?? throw new SimulationFailedException($"the writer lacks its own block {i}");
            behind.Add(block.Bytes);
        }

        _oracle.Reopened(fork, length, behind);
    }

    private ReadOnlyMemory<byte>[] MakeBlocks()
    {
        var blocks = new ReadOnlyMemory<byte>[1 + _random.NextInt32(_options.MaxBatch)];
        for (int i = 0; i < blocks.Length; i++)
        {
            byte[] block = new byte[_random.NextInt32(_options.MaxBlockSize + 1)];
            _random.Fill(block);
            blocks[i] = block;
        }

        return blocks;
    }

    private Task ConvergeAsync() => UntilAsync(
        () =>
        {
            foreach (Participant node in _nodes)
            {
                if (!node.IsUp)
                {
                    return false;
                }

                node.Look();
            }

            Feed theirs = Writer.Feed!;
            return _nodes.TrueForAll(n =>
                n.Feed!.Fork == theirs.Fork && n.Feed.Length == theirs.Length && n.Feed.ContiguousLength == theirs.Length);
        },
        "every node has everything",
        () => string.Join("; ", _nodes.Select(n =>
            $"{n.Host}: {(n.Feed is { } f ? $"fork {f.Fork}, {f.ContiguousLength} of {f.Length}" : "no feed")}")));

    private async Task VerifyAsync()
    {
        if (Writer.Feed!.Length != _oracle.Length || Writer.Feed.Fork != _oracle.Fork)
        {
            throw new SimulationFailedException(
                $"the writer has fork {Writer.Feed.Fork}, {Writer.Feed.Length} blocks; acknowledged were fork {_oracle.Fork}, {_oracle.Length}");
        }

        foreach (Participant node in _nodes)
        {
            Feed feed = node.Feed!;
            ulong index = 0;
            await foreach (Block block in feed.ReadAsync(0, feed.Length))
            {
                _oracle.Saw(node.Host.Address.ToString(), feed.Fork, index++, block.Bytes.Span);
            }

            if (index != _oracle.Length)
            {
                throw new SimulationFailedException($"{node.Host} read {index} blocks of {_oracle.Length}");
            }
        }
    }

    // What is on the disks alone must be enough.
    private async Task RestartAllAsync()
    {
        foreach (Participant node in _nodes)
        {
            if (_random.NextInt32(2) == 0)
            {
                await node.StopAsync();
            }
            else
            {
                node.Kill(losesPower: true);
            }
        }

        foreach (Participant node in _nodes)
        {
            await node.StartAsync();
        }
    }

    private async Task UntilAsync(Func<bool> holds, string what, Func<string>? state = null)
    {
        TimeSpan end = _world.Now + _options.HealsWithin;
        while (!holds())
        {
            if (_world.Now > end)
            {
                throw new SimulationFailedException($"after {_options.HealsWithin} it still does not hold that {what} ({state?.Invoke()})");
            }

            await _world.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
