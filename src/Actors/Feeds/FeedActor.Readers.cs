using HyperActors.Abstractions;
using DownloadProgress = HyperActors.Abstractions.DownloadProgress;

namespace HyperActors.Actors;

/// <content>Those who wait: for blocks that are not here, for downloads, for a newer version.</content>
public sealed partial class FeedActor
{
    private readonly Dictionary<long, WaitingRead> _reads = [];
    private readonly Dictionary<long, RunningDownload> _downloads = [];
    private readonly Dictionary<long, IActorRef> _updates = [];

    private void Handle(Read read)
    {
        if (_log.Has(read.From))
        {
            ReadFromDisk(read, Sender);
        }
        else if (!read.ShouldWait)
        {
            Sender.Tell(new BlocksRead([]), Self);
        }
        else if (_isFrozen)
        {
            Sender.Tell(new Status.Failure(Frozen()), Self);
        }
        else
        {
            _reads.Add(read.Id, new WaitingRead(read, Sender));
            _replication.Tell(new ReplicationActor.Get((ulong)read.Id, read.From), Self);
        }
    }

    private void Handle(Download download)
    {
        if (_isFrozen)
        {
            Sender.Tell(new Status.Failure(Frozen()), Self);
            return;
        }

        var running = new RunningDownload(download);
        _downloads.Add(download.Id, running);
        ulong? end = download.To == ulong.MaxValue ? null : download.To;
        _replication.Tell(new ReplicationActor.Download((ulong)download.Id, download.From, end), Self);
        Sender.Tell(StateOf(running), Self);
    }

    private void Handle(LookAtDownload look)
    {
        if (!_downloads.TryGetValue(look.Id, out RunningDownload? running))
        {
            Sender.Tell(
                new Status.Failure(_isFrozen
                    ? Frozen()
                    : new FeedFailedException("the feed was opened again since the download began: ask for it anew")),
                Self);
            return;
        }

        running.Asker = Sender;
        running.Seen = look.SeenBlocks;
        Answer(running);
    }

    private void Handle(Update update)
    {
        _updates.Add(update.Id, Sender);
        _replication.Tell(new ReplicationActor.Update((ulong)update.Id), Self);
    }

    private void Handle(Cancel cancel)
    {
        if (_reads.Remove(cancel.Id) | _downloads.Remove(cancel.Id) | _updates.Remove(cancel.Id))
        {
            _replication.Tell(new ReplicationActor.Cancel((ulong)cancel.Id), Self);
        }
    }

    private void Handle(ReplicationActor.Finished finished)
    {
        long id = (long)finished.Ticket;
        if (_updates.Remove(id, out IActorRef? asker))
        {
            asker.Tell(new Updated(finished.Succeeded), Self);
        }
        else if (_downloads.TryGetValue(id, out RunningDownload? running))
        {
            running.IsDone = true;
            Answer(running);
        }
    }

    /// <summary>Something was committed: whoever waited for it is served.</summary>
    private void ServeWaiting()
    {
        if (_reads.Count > 0)
        {
            foreach (WaitingRead waiting in _reads.Values.Where(w => _log.Has(w.Read.From)).ToArray())
            {
                _reads.Remove(waiting.Read.Id);
                _replication.Tell(new ReplicationActor.Cancel((ulong)waiting.Read.Id), Self);
                ReadFromDisk(waiting.Read, waiting.Asker);
            }
        }

        foreach (RunningDownload running in _downloads.Values.ToArray())
        {
            Answer(running);
        }
    }

    private void Answer(RunningDownload running)
    {
        if (running.Asker is not { } asker)
        {
            return;
        }

        if (running.Failure is { } failure)
        {
            _downloads.Remove(running.Request.Id);
            asker.Tell(new Status.Failure(failure), Self);
            return;
        }

        DownloadState state = StateOf(running);
        if (state.IsDone || state.Progress.Blocks != running.Seen)
        {
            running.Asker = null;
            asker.Tell(state, Self);
            if (state.IsDone)
            {
                _downloads.Remove(running.Request.Id);
            }
        }
    }

    /// <summary>The feed was cut: what a download waits for beyond that may never come, and if it does it is another history.</summary>
    private void EndDownloadsBeyond(ulong length)
    {
        foreach (RunningDownload running in _downloads.Values)
        {
            Download request = running.Request;
            if (request.To != ulong.MaxValue && request.To > length && !running.IsDone)
            {
                running.Failure = new FeedFailedException(
                    $"the feed was cut to {length} blocks while blocks up to {request.To} were being fetched: ask for what there is now");
                _replication.Tell(new ReplicationActor.Cancel((ulong)request.Id), Self);
            }
        }
    }

    private DownloadState StateOf(RunningDownload running)
    {
        ulong end = running.Request.To == ulong.MaxValue ? _view.Current.Length : running.Request.To;
        ulong from = Math.Min(running.Request.From, end);
        var progress = new DownloadProgress(_log.Blocks.Count(from, end), end - from, running.Bytes);
        return new DownloadState(progress, running.IsDone);
    }

    private void RefuseWaiting(Exception reason)
    {
        var failure = new Status.Failure(reason);
        IEnumerable<IActorRef> askers = _reads.Values.Select(r => r.Asker)
            .Concat(_downloads.Values.Select(d => d.Asker).OfType<IActorRef>())
            .Concat(_updates.Values);
        foreach (IActorRef asker in askers)
        {
            asker.Tell(failure, Self);
        }

        _reads.Clear();
        _downloads.Clear();
        _updates.Clear();
    }

    private sealed record WaitingRead(Read Read, IActorRef Asker);

    private sealed class RunningDownload(Download request)
    {
        public Download Request => request;

        public IActorRef? Asker { get; set; }

        public ulong Seen { get; set; }

        public ulong Bytes { get; set; }

        public bool IsDone { get; set; }

        /// <summary>Why it ended before its end; told to whoever looks next.</summary>
        public FeedFailedException? Failure { get; set; }
    }
}
