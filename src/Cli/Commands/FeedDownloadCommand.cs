using System.CommandLine;
using System.Diagnostics;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Node;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed download KEY</c>: brings a feed, or a range of it, to this disk.</summary>
internal sealed class FeedDownloadCommand : Verb
{
    private readonly Argument<FeedKey?> _key = new("KEY")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "The feed's key, as z-base-32 or hex",
        HelpName = "KEY",
        CustomParser = ArgumentReader.One<FeedKey?>(ArgumentReader.Key),
    };

    private readonly TransportChoice _transport;

    private readonly Option<BlockRange?> _range = new("--range")
    {
        Description = "The first block and the one after the last; either may be left out [default: the whole feed]",
        HelpName = "A..B",
        CustomParser = ArgumentReader.One<BlockRange?>(ArgumentReader.Range),
    };

    private readonly Option<bool> _live = new("--live") { Description = "Go on with what is appended later, until the range is complete or until stopped" };

    private readonly Option<TimeSpan?> _timeout = new("--timeout")
    {
        Description = "Give up after this time in all [default: never]",
        HelpName = "TIME",
        CustomParser = ArgumentReader.One<TimeSpan?>(ArgumentReader.Time),
    };

    private readonly Option<TimeSpan?> _away = new("--away")
    {
        Description = "Give up when nobody is there for this long at a stretch [default: 30s, with --live never]",
        HelpName = "TIME",
        CustomParser = ArgumentReader.One<TimeSpan?>(ArgumentReader.Time),
    };

    public FeedDownloadCommand(CliHost host, GlobalOptions globals)
        : base("download", "Bring a feed, or a range of it, to this disk; goes on where it was interrupted", host, globals)
    {
        _key.CompletionSources.Add(Suggest.FeedKeys(host, globals));
        Arguments.Add(_key);
        _transport = new TransportChoice(this, "The peer to download from", 0);
        Options.Add(_range);
        Options.Add(_live);
        Options.Add(_timeout);
        Options.Add(_away);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "feed download ybndrfg8…",
        "feed download ybndrfg8… --host 127.0.0.1 -b 127.0.0.1:49737",
        "feed download ybndrfg8… --tcp 192.0.2.7:4000",
        "feed download ybndrfg8… --tcp 192.0.2.7:4000 --range 0..100 --timeout 1m",
        "feed download ybndrfg8… --tcp 192.0.2.7:4000 --live --json -v",
        "feed download ybndrfg8… --udx 0.0.0.0:4001 --udx-peer 192.0.2.7:4000",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Locked, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        NetworkOptions? network = _transport.Network(context);
        PeerDial? peer = network is not null ? null
            : _transport.Tcp(context) is { } tcp ? PeerDial.OverTcp(tcp)
            : PeerDial.OverUdx(await _transport.RouteAsync(context, isServing: false, cancellationToken));
        BlockRange range = context.Get(_range) ?? new BlockRange(0, null);
        bool live = context.Get(_live);
        TimeSpan? timeout = context.Get(_timeout);
        var download = new Download(context.Printer, range);
        await using IHyperNode node = await context.StartNodeAsync(network, cancellationToken);
        await using IFeed feed = await node.OpenFeedAsync(context.Get(_key)!.Value, cancellationToken);
        if (!await download.IsCompleteAsync(feed, cancellationToken))
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (timeout is { } time)
            {
                limit.CancelAfter(time);
            }

            try
            {
                TimeSpan? maxAway = context.Get(_away) ?? (live ? null : PeerLink.DefaultMaxAway);
                await using IFeedSource link = peer is null
                    ? new TopicLink(node, feed, maxAway, context.Printer)
                    : new PeerLink(node, peer, maxAway, context.Printer);
                await ProgressBar.RunAsync(
                    context.Host,
                    !context.Printer.IsJson && !context.Printer.IsVerbose,
                    "downloading",
                    async show =>
                    {
                        await link.WhileConnectedAsync(token => download.RunAsync(feed, link, live, show, token), limit.Token);
                        return true;
                    });
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw CliException.Peer(
                    $"gave up after {timeout!.Value.TotalSeconds:0.#} s with {download.Progress}; the same command goes on from there");
            }
            catch (OperationCanceledException) when (live && range.To is null && cancellationToken.IsCancellationRequested)
            {
                // Following a feed has no other end.
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                context.Printer.Note($"stopped with {download.Progress}; the same command goes on from there");
                throw;
            }
        }

        await download.SummarizeAsync(feed);
        return ExitCode.Ok;
    }

    /// <summary>One download and how far it is.</summary>
    private sealed class Download(Printer printer, BlockRange range) : IProgress<DownloadProgress>
    {
        /// <summary>Often enough for an eye, seldom enough that no reader of the output holds up the download.</summary>
        private static readonly TimeSpan ShowInterval = TimeSpan.FromMilliseconds(100);

        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private Action<ulong, ulong, string> _show = (_, _, _) => { };
        private DownloadProgress _progress;
        private ulong? _end = range.To;
        private TimeSpan _nextShown;

        public string Progress => $"{_progress.Blocks} of {Words.Count(_progress.Total, "block")} here";

        /// <summary>True when nothing has to be asked of a peer.</summary>
        public async ValueTask<bool> IsCompleteAsync(IFeed feed, CancellationToken cancellationToken)
        {
            if (range.To is not { } to || to > feed.Length)
            {
                return false;
            }

            for (ulong index = Math.Max(range.From, feed.ContiguousLength); index < to; index++)
            {
                if (!await feed.HasAsync(index, cancellationToken))
                {
                    return false;
                }
            }

            return true;
        }

        public async Task RunAsync(
            IFeed feed, IFeedSource link, bool live, Action<ulong, ulong, string> show, CancellationToken cancellationToken)
        {
            _show = show;
            if (!live)
            {
                await link.LearnLengthAsync(feed, cancellationToken);
                _end = Math.Min(range.To ?? ulong.MaxValue, feed.Length);
                if (_end < range.From || _end < range.To)
                {
                    await feed.DownloadAsync(Math.Min(range.From, _end.Value), _end, this, cancellationToken);
                    throw CliException.NotFound(
                        $"the feed has {Words.Count(feed.Length, "block")}, so {range} is not complete; --live waits for the rest");
                }
            }

            await feed.DownloadAsync(range.From, _end, this, cancellationToken);
        }

        public void Report(DownloadProgress value)
        {
            _progress = value;
            if (_clock.Elapsed < _nextShown && value.Blocks < value.Total)
            {
                return;
            }

            _nextShown = _clock.Elapsed + ShowInterval;
            double seconds = Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
            _show(value.Blocks, value.Total, $"{value.Blocks}/{value.Total} {Words.Bytes((ulong)(value.Bytes / seconds))}/s");
            printer.Detail(
                new ProgressEvent(value.Blocks, value.Total, value.Bytes),
                ResultJson.Default.ProgressEvent,
                e => $"{e.Blocks} of {e.Total} blocks, {Words.Bytes(e.Bytes)} downloaded");
        }

        public async Task SummarizeAsync(IFeed feed)
        {
            FeedInfo info = await feed.GetInfoAsync(CancellationToken.None);
            ulong end = _end ?? info.Length;
            printer.Json(
                new DownloadResult(
                    info.Key.ToString(),
                    range.From,
                    end,
                    _progress.Bytes,
                    info.Length,
                    info.ByteLength,
                    info.Fork,
                    info.ContiguousLength,
                    Math.Round(_clock.Elapsed.TotalSeconds, 3)),
                ResultJson.Default.DownloadResult);
            string blocks = info.ContiguousLength >= end ? $"blocks {range.From}..{end} are here" : $"{Progress}";
            printer.Line($"{Words.Bytes(_progress.Bytes)} downloaded in {Words.Seconds(_clock.Elapsed)}; {blocks}, the feed's length is {info.Length}");
        }
    }
}
