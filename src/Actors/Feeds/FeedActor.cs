using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Storage;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>One feed: drives its <see cref="FeedLog"/>, and is the sole writer of its files.</summary>
/// <remarks>
/// Parent: <see cref="CorestoreActor"/>. Child: a <see cref="ReplicationActor"/>. A restart opens the files anew, which
/// replays the oplog; whoever waited has been answered, downloads have to be asked for again. Handles and those who watch
/// are kept in the <see cref="FeedView"/>, which outlives it.
/// <code>
/// opening -> the files are read; what is asked meanwhile is kept
/// open    -> requests go to the log, its wishes to the disk, its answers back
/// frozen  -> open, but nothing is taken from peers: the writer has contradicted itself
/// </code>
/// </remarks>
public sealed partial class FeedActor : ReceiveActor, IWithTimers, IWithStash
{
    private const string NameKey = "corestore/name";
    private const string NamespaceKey = "corestore/namespace";
    private const string FrozenKey = "hyperactors/frozen";

    private readonly FeedSource _source;
    private readonly FeedView _view;
    private readonly FeedOptions _options;
    private readonly ReplicationOptions _replicationOptions;
    private readonly RandomSource _random;
    private readonly ILogger _logger;
    private readonly IDevice _device;
    private readonly FeedLog _log;
    private readonly Action<IoRequest, IoResult> _ioCompleted;
    private readonly Dictionary<long, Answerer> _asked = [];
    private IActorRef _replication = ActorRefs.Nobody;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private long _ids;
    private ulong _toldLength;
    private int _appends;

    public FeedActor(
        FeedSource source, IStoreDisk disk, FeedOptions options, ReplicationOptions replicationOptions, RandomSource random, ILogger logger)
    {
        _source = source;
        _view = source.View;
        _options = options;
        _replicationOptions = replicationOptions;
        _random = random;
        _logger = logger;
        _device = disk.OpenFeed(_view.DiscoveryKey);
        _log = new FeedLog(
            new FeedIdentity
            {
                Key = source.Key,
                DiscoveryKey = _view.DiscoveryKey,
                KeyPair = source.KeyPair,
                Create = source.Key is not null,
            },
            options);
        IActorRef self = Self;
        _ioCompleted = (request, result) => self.Tell(new IoDone(_log, request, result), ActorRefs.NoSender);
        Opening();
    }

    /// <summary>Answers who asked, from what the log reports.</summary>
    private delegate void Answerer(FeedLogEvent answer);

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private FeedState State => new(_log.Head.Fork, _log.Head.Length, _log.Head.ByteLength, _log.Manifest);

    public static Props PropsFor(
        FeedSource source, IStoreDisk disk, FeedOptions options, ReplicationOptions replicationOptions, RandomSource random, ILogger logger) =>
        Props.Create(() => new FeedActor(source, disk, options, replicationOptions, random, logger));

    /// <summary>Replication is derived from the feed's state: the two share a fate.</summary>
    public static Directive Decide(Exception failure) => Directive.Escalate;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(Decide);

    // By message: a disk that fails while the files are opened fails the feed as at any other time.
    protected override void PreStart() => Self.Tell(OpenFiles.Instance, ActorRefs.NoSender);

    protected override void PreRestart(Exception reason, object message)
    {
        RefuseAll(new FeedFailedException($"the feed failed and is being opened again: {reason.Message}", reason));
        base.PreRestart(reason, message);
    }

    protected override void PostStop()
    {
        RefuseAll(_view.ToFailure());
        _log.Dispose();
        _device.Dispose();
    }

    private void Opening()
    {
        On<OpenFiles>(_ => _log.Open());
        On<IoDone>(Handle);
        ReceiveAny(_ => Stash.Stash());
    }

    private void Open()
    {
        On<IoDone>(Handle);
        On<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            _log.HandleTimeout(Now);
        });
        On<Append>(Handle);
        On<Read>(Handle);
        On<Has>(m => Sender.Tell(new HasAnswer(_log.Has(m.Index)), Self));
        On<Truncate>(Handle);
        On<GetInfo>(_ => Sender.Tell(_view.ToInfo(), Self));
        OnReplication<Prove>(Handle);
        On<ApplyProofs>(Handle);
        OnReplication<ReadNodes>(Handle);
        OnReplication<Reorganize>(Handle);
        OnReplication<Freeze>(Handle);
        OnReplication<ReplicationActor.Finished>(Handle);
        OnReplication<ReplicationActor.PeersChanged>(m => _view.PeerCount = m.Count);
        On<Attach>(m => _replication.Tell(new ReplicationActor.Attach(m.Connection, m.IsAsked), Self));
        On<Detach>(m => _replication.Tell(new ReplicationActor.Detach(m.Connection), Self));
        On<Download>(Handle);
        On<LookAtDownload>(Handle);
        On<Update>(Handle);
        On<Cancel>(Handle);
        On<GetPeers>(m => _replication.Tell(new ReplicationActor.GetPeers(), Sender));
        On<GetMap>(Handle);
        On<Seek>(Handle);
        On<Watch>(m => _view.Watchers.Add(m.Events));
        On<Unwatch>(m =>
        {
            _view.Watchers.Remove(m.Events);
            m.Events.TryComplete();
        });
        On<OpenSession>(_ =>
        {
            if (++_view.Sessions == 1)
            {
                _replication.Tell(new ReplicationActor.SetDownloading(true), Self);
            }
        });
        On<CloseSession>(_ =>
        {
            if (--_view.Sessions == 0)
            {
                _replication.Tell(new ReplicationActor.SetDownloading(false), Self);
            }
        });
    }

    // The rhythm of every driver: one change to the machine, drain it, set the alarm.
    private void On<T>(Action<T> handle) => Receive<T>(message =>
    {
        handle(message);
        Drain();
    });

    // A restart leaves messages of the replication that died with the former life in the mailbox: its peers and tickets
    // are not those of the one that lives now.
    private void OnReplication<T>(Action<T> handle) => On<T>(message =>
    {
        if (Sender.Equals(_replication))
        {
            handle(message);
        }
    });

    private void Drain()
    {
        bool isActive = true;
        while (isActive)
        {
            isActive = false;
            while (_log.TryPollIo(out IoRequest? request))
            {
                isActive = true;
                if (_device.Execute(request!, _ioCompleted, out IoResult result))
                {
                    _log.HandleIo(request!, result, Now);
                }
            }

            Publish();
            while (_log.TryPollEvent(out FeedLogEvent? e))
            {
                isActive = true;
                Report(e!);
            }
        }

        if (_log.Deadline is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            TimeSpan delay = deadline - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }

    private void Handle(IoDone done)
    {
        if (ReferenceEquals(done.Log, _log))
        {
            _log.HandleIo(done.Request, done.Result, Now);
        }
    }

    private void Report(FeedLogEvent e)
    {
        switch (e)
        {
            case FeedLogEvent.Opened:
                HandleOpened();
                break;
            case FeedLogEvent.Committed committed:
                Handle(committed);
                break;
            case FeedLogEvent.Failed failed:
                throw failed.Error;
            case FeedLogEvent.Appended appended:
                Answer(appended.Id, e);
                break;
            case FeedLogEvent.Truncated truncated:
                Answer(truncated.Id, e);
                break;
            case FeedLogEvent.BlocksRead read:
                Answer(read.Id, e);
                break;
            case FeedLogEvent.Proved proved:
                Answer(proved.Id, e);
                break;
            case FeedLogEvent.Applied applied:
                Answer(applied.Id, e);
                break;
            case FeedLogEvent.NodesRead nodes:
                Answer(nodes.Id, e);
                break;
            case FeedLogEvent.Reorganized reorganized:
                Answer(reorganized.Id, e);
                break;
            case FeedLogEvent.Sought sought:
                Answer(sought.Id, e);
                break;
            case FeedLogEvent.Refused refused:
                Answer(refused.Id, e);
                break;
        }
    }

    private void HandleOpened()
    {
        _view.Open(_log.Key, _log.IsWritable, _log.GetUserText(NameKey));
        _toldLength = _log.Head.Length;
        _isFrozen = _log.GetUserText(FrozenKey) is not null;
        _replication = Context.ActorOf(
            ReplicationActor.PropsFor(_log.Key, State, CopyBlocks(), _isFrozen, _replicationOptions, _random, _logger), "replication");
        if (_view.Sessions > 0)
        {
            _replication.Tell(new ReplicationActor.SetDownloading(true), Self);
        }

        if (_source.View.Name is { } name && _log.GetUserText(NameKey) is null)
        {
            // As Corestore does: a directory tells by itself under which name it was made.
            _log.SetUserData(++_ids, NameKey, System.Text.Encoding.UTF8.GetBytes(name));
            _log.SetUserData(++_ids, NamespaceKey, CorestoreKeys.RootNamespace.ToArray());
        }

        Become(Open);
        Stash.UnstashAll();
        Context.Parent.Tell(CorestoreActor.FeedReady.Instance, Self);
    }

    private void Handle(Append append)
    {
        IActorRef asker = Sender;
        long id = NextId(answer =>
        {
            if (answer is FeedLogEvent.Appended appended)
            {
                _appends++;
                asker.Tell(new Appended(appended.Start + appended.Count), Self);
                return;
            }

            asker.Tell(RefusalOf(answer), Self);
        });
        _log.Append(id, append.Blocks);
    }

    private void Handle(Truncate truncate)
    {
        IActorRef asker = Sender;
        long id = NextId(answer => asker.Tell(
            answer is FeedLogEvent.Truncated ? new Truncated(_log.Head.Fork) : RefusalOf(answer), Self));
        _log.Truncate(id, truncate.Length);
    }

    private void ReadFromDisk(Read read, IActorRef asker)
    {
        ulong end = Math.Min(read.To, _log.Blocks.FirstUnset(read.From));
        int count = (int)Math.Min(end - read.From, (ulong)read.MaxCount);
        long id = NextId(answer =>
        {
            if (answer is not FeedLogEvent.BlocksRead blocks)
            {
                asker.Tell(RefusalOf(answer), Self);
                return;
            }

            using (blocks.Blocks)
            {
                var copies = new Block[blocks.Blocks.Count];
                for (int i = 0; i < copies.Length; i++)
                {
                    copies[i] = new Block(blocks.Start + (ulong)i, blocks.Blocks[i].ToArray());
                }

                asker.Tell(new BlocksRead(copies), Self);
            }
        });
        _log.Read(id, read.From, count);
    }

    private void Handle(FeedLogEvent.Committed committed)
    {
        if (committed.TruncatedTo is { } ancestors)
        {
            _replication.Tell(new ReplicationActor.Truncated(State, ancestors), Self);
            Tell(new FeedEvent.Truncated(State.Length, State.Fork, ancestors));
            EndDownloadsBeyond(State.Length);
        }
        else if (committed.Head.Length != _toldLength)
        {
            Tell(new FeedEvent.Extended(State.Length, State.Fork));
        }

        _toldLength = committed.Head.Length;
        if (_appends > 0)
        {
            _appends = 0;
            _replication.Tell(new ReplicationActor.Appended(State), Self);
        }

        foreach (BlockRange range in committed.Added)
        {
            Tell(new FeedEvent.Downloaded(range.Start, range.Count));
        }

        ServeWaiting();
    }

    // Before anybody is answered: who has heard of an append finds it in the handle's length. While the files are opened
    // again, the handle shows what it did before.
    private void Publish()
    {
        FeedView.Head shown = _view.Current;
        if (_log.IsOpen
            && (shown.Length != _log.Head.Length || shown.Fork != _log.Head.Fork || shown.ContiguousLength != _log.ContiguousLength))
        {
            _view.Current = new FeedView.Head(_log.Head.Fork, _log.Head.Length, _log.Head.ByteLength, _log.ContiguousLength);
        }
    }

    private void Tell(FeedEvent feedEvent)
    {
        foreach (ChannelWriter<FeedEvent> watcher in _view.Watchers)
        {
            watcher.TryWrite(feedEvent);
        }
    }

    private BlockSet CopyBlocks()
    {
        var set = new BlockSet();
        for (ulong start = _log.Blocks.FirstSet(0) ?? ulong.MaxValue; start < _log.Head.Length;)
        {
            ulong end = Math.Min(_log.Blocks.FirstUnset(start), _log.Head.Length);
            set.AddRange(start, end - start);
            start = _log.Blocks.FirstSet(end) ?? ulong.MaxValue;
        }

        return set;
    }

    private long NextId(Answerer answerer)
    {
        _asked.Add(++_ids, answerer);
        return _ids;
    }

    private void Answer(long id, FeedLogEvent answer)
    {
        if (_asked.Remove(id, out Answerer? answerer))
        {
            answerer(answer);
        }
    }

    private void RefuseAll(Exception reason)
    {
        RefuseWaiting(reason);
        foreach (long id in _asked.Keys.ToArray())
        {
            Answer(id, new FeedLogEvent.Refused(id, Refusal.Failed, reason));
        }
    }

    private Status.Failure RefusalOf(FeedLogEvent answer)
    {
        var refused = (FeedLogEvent.Refused)answer;
        return new Status.Failure(refused.Reason switch
        {
            Refusal.NotWritable => new FeedNotWritableException(
                "this storage does not hold the key that signs for the feed: only the one that made it can write to it"),
            Refusal.BlockTooLarge => new BlockTooLargeException(
                $"a block is larger than {_options.MaxBlockSize} bytes, which is what peers accept; cut it into smaller ones"),
            Refusal.OutOfBounds => new ArgumentOutOfRangeException(null, $"the feed has {_log.Head.Length} blocks"),
            Refusal.BlockMissing => new FeedFailedException("the block is no longer here"),
            Refusal.DiskFull => refused.Error ?? new DiskFullException("the disk is full: nothing was written; make room and try again"),
            _ => refused.Error as FeedFailedException ?? new FeedFailedException($"the feed failed: {refused.Error?.Message}", refused.Error),
        });
    }
}
