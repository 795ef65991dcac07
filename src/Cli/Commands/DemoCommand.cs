using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Demo;
using HyperActors.Cli.Input;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>demo [PATH]</c>: a folder through two nodes and a JavaScript peer that meet in a DHT of their own, compared on every side.</summary>
internal sealed class DemoCommand : Verb
{
    private const string Same = "same";
    private const string Different = "different";
    private const string Skipped = "skipped";
    private const string FeedName = "demo";
    private const int DhtNodes = 8;

    private readonly Argument<string?> _path = new("PATH")
    {
        Description = "The folder or file to copy [default: this checkout, else the current folder]",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "PATH",
        CompletionSources = { Suggest.Files },
    };

    public DemoCommand(CliHost host, GlobalOptions globals)
        : base("demo", "Copy a folder or file through two nodes and a JavaScript peer that find each other in a small DHT on loopback, and compare", host, globals) =>
        Arguments.Add(_path);

    public override IReadOnlyList<string> Examples => ["demo", "demo ~/Pictures", "demo film.mkv --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        FolderArchive archive = FolderArchive.Of(context.Get(_path) ?? Checkout.Root() ?? Environment.CurrentDirectory);
        string folder = Directory.CreateTempSubdirectory("hyperactors-demo-").FullName;
        try
        {
            DemoResult result = await new Run(context, archive, folder).RunAsync(cancellationToken);
            context.Printer.Json(result, ResultJson.Default.DemoResult);
            PrintTable(context.Printer, result);
            return result.Passed ? ExitCode.Ok : ExitCode.Failed;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void PrintTable(Printer printer, DemoResult result)
    {
        var table = new TextTable("STEP", "BLOCKS", "BYTES", "SECONDS", "MB/S", "VERDICT") { RightAligned = [1, 2, 3, 4] };
        foreach (DemoStep step in result.Steps)
        {
            bool isDone = step.Verdict != Skipped;
            bool hasBlocks = isDone && step.Blocks > 0;
            table.Add(
                step.Step,
                hasBlocks ? step.Blocks.ToString(CultureInfo.InvariantCulture) : "-",
                hasBlocks ? step.Bytes.ToString(CultureInfo.InvariantCulture) : "-",
                isDone ? step.Seconds.ToString("0.000", CultureInfo.InvariantCulture) : "-",
                hasBlocks ? step.MegabytesPerSecond.ToString("0", CultureInfo.InvariantCulture) : "-",
                step.Note is null ? step.Verdict ?? string.Empty : $"{step.Verdict}: {step.Note}");
        }

        printer.Line(string.Empty);
        printer.Table(table);

        printer.Line(string.Empty);
        printer.Line($"key     {result.Key}");
        printer.Line($"sha256  {result.Sha256}");
        printer.Line(result.Passed ? "Everything that was compared is the same." : "NOT everything is the same.");
    }

    /// <summary>One run: its nodes, and the steps that it has taken.</summary>
    private sealed class Run(VerbContext context, FolderArchive archive, string folder)
    {
        private readonly List<DemoStep> _steps = [];
        private IPEndPoint? _bootstrap;

        public async Task<DemoResult> RunAsync(CancellationToken cancellationToken)
        {
            Printer printer = context.Printer;
            printer.Line($"{archive.Source}: {archive}");
            await using DhtHost dht = await StartDhtAsync(cancellationToken);
            await using IHyperNode one = await StartNodeAsync("one", cancellationToken);
            await using IFeed source = await one.OpenFeedAsync(FeedName, cancellationToken);
            byte[] digest = await AppendAsync(source, cancellationToken);

            await using IHyperNode two = await StartNodeAsync("two", cancellationToken);
            await using IFeed copy = await two.OpenFeedAsync(source.Key, cancellationToken);
            await CopyAsync(one, two, source, copy, cancellationToken);
            await CompareAsync(source, copy, digest, cancellationToken);
            await CopyToJavaScriptAsync(two, copy, digest, cancellationToken);
            return new DemoResult(
                archive.Source,
                archive.Files,
                source.Key.ToString(),
                Convert.ToHexStringLower(digest),
                _steps,
                _steps.TrueForAll(step => step.Verdict is null or Same or Skipped));
        }

        private async Task<byte[]> AppendAsync(IFeed feed, CancellationToken cancellationToken)
        {
            var clock = Stopwatch.StartNew();
            var pipe = new Pipe();
            byte[] digest = await ProgressBar.RunAsync(context.Host, !context.Printer.IsJson, "append", async show =>
            {
                var total = (ulong)archive.FileBytes;
                var appender = new FeedAppender(feed, a => show(Math.Min(a.Bytes, total), total, Words.Bytes(a.Bytes)));
                Task<byte[]> reading = ReadSourceAsync(pipe.Writer, cancellationToken);
                await appender.AppendAsync(pipe.Reader.AsStream(), new ChunkCutter(BlockSizes.Default), cancellationToken);
                return await reading;
            });
            Add("append to node one", feed.Length, feed.ByteLength, clock.Elapsed, null);
            return digest;
        }

        private async Task<byte[]> ReadSourceAsync(PipeWriter writer, CancellationToken cancellationToken)
        {
            Exception? failure = null;
            try
            {
                return await archive.WriteAsync(writer.AsStream(leaveOpen: true), cancellationToken);
            }
            catch (Exception exception)
            {
                failure = exception;
                throw;
            }
            finally
            {
                await writer.CompleteAsync(failure);
            }
        }

        // A network of its own: nobody outside this machine hears of the demo.
        private async Task<DhtHost> StartDhtAsync(CancellationToken cancellationToken)
        {
            var clock = Stopwatch.StartNew();
            var host = DhtHost.Start();
            for (int i = 0; i < DhtNodes; i++)
            {
                NetworkOptions network = OnLoopback();
                (network.IsBootstrapper, network.IsEphemeral, network.IsFirewalled) = (i == 0, false, false);
                IDht node = await host.AddAsync(network, null, cancellationToken);
                await node.WaitUntilReadyAsync(cancellationToken);
                _bootstrap ??= (await node.GetInfoAsync(cancellationToken)).LocalAddress;
            }

            Add($"start a DHT of {DhtNodes} nodes on loopback", clock.Elapsed);
            return host;
        }

        private async Task<IHyperNode> StartNodeAsync(string name, CancellationToken cancellationToken)
        {
            IHyperNode node = await context.Host.Nodes.StartAsync(
                Path.Combine(folder, name), new PrintedLog(context.Printer), OnLoopback(), cancellationToken);
            await node.Dht.WaitUntilReadyAsync(cancellationToken);
            return node;
        }

        private NetworkOptions OnLoopback() => new()
        {
            Host = IPAddress.Loopback.ToString(),
            Port = 0,
            Bootstrap = _bootstrap is null ? [] : [_bootstrap.ToString()],
            UsesLocalDiscovery = false,
        };

        private async Task CopyAsync(IHyperNode one, IHyperNode two, IFeed source, IFeed copy, CancellationToken cancellationToken)
        {
            await using ISwarmSession announced = await one.Swarm.JoinAsync(
                source.DiscoveryKey, new SwarmJoinOptions { Client = false }, cancellationToken);
            await announced.FlushAsync(cancellationToken);

            using var met = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            IAsyncEnumerator<SwarmEvent> events = two.Swarm.WatchAsync(met.Token).GetAsyncEnumerator(met.Token);
            ValueTask<bool> next = events.MoveNextAsync();
            var clock = Stopwatch.StartNew();
            await using ISwarmSession looking = await two.Swarm.JoinAsync(
                source.DiscoveryKey, new SwarmJoinOptions { Server = false }, cancellationToken);
            await UntilAsync<SwarmEvent.PeerFound>();
            Add("node two finds node one by topic", clock.Elapsed);
            clock.Restart();
            await UntilAsync<SwarmEvent.Connected>();
            Add("node two connects to it, over UDX", clock.Elapsed);
            clock.Restart();
            await met.CancelAsync();
            await ProgressBar.RunAsync(context.Host, !context.Printer.IsJson, "copy", async show =>
            {
                var progress = new Relay(p => show(p.Blocks, p.Total, Words.Bytes(p.Bytes)));
                await copy.DownloadAsync(0, source.Length, progress, cancellationToken);
                return true;
            });
            Add("copy to node two", copy.ContiguousLength, copy.ByteLength, clock.Elapsed, null);

            async Task UntilAsync<T>()
                where T : SwarmEvent
            {
                bool isFound = false;
                while (!isFound)
                {
                    isFound = await next
                        ? events.Current is T
                        : throw new CliException(ExitCode.Failed, "the swarm of node two has ended");
                    next = events.MoveNextAsync();
                }
            }
        }

        private async Task CompareAsync(IFeed source, IFeed copy, byte[] digest, CancellationToken cancellationToken)
        {
            var clock = Stopwatch.StartNew();
            using var sourceDigest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var copyDigest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            ulong blocks = 0;
            ulong bytes = 0;
            ulong? firstDifferent = source.Length == copy.Length ? null : Math.Min(source.Length, copy.Length);
            await using IAsyncEnumerator<Block> copied = copy.ReadAsync(cancellationToken: cancellationToken).GetAsyncEnumerator(cancellationToken);
            await foreach (Block block in source.ReadAsync(cancellationToken: cancellationToken))
            {
                sourceDigest.AppendData(block.Bytes.Span);
                if (await copied.MoveNextAsync())
                {
                    copyDigest.AppendData(copied.Current.Bytes.Span);
                    if (!copied.Current.Bytes.Span.SequenceEqual(block.Bytes.Span))
                    {
                        firstDifferent = Math.Min(firstDifferent ?? ulong.MaxValue, block.Index);
                    }
                }

                blocks++;
                bytes += (ulong)block.Bytes.Length;
            }

            TimeSpan time = clock.Elapsed;
            Compare("node two with node one, block by block", firstDifferent is null, $"block {firstDifferent} differs");
            Compare("node one with the source, SHA-256", sourceDigest.GetHashAndReset().AsSpan().SequenceEqual(digest), "the digests differ");
            Compare("node two with the source, SHA-256", copyDigest.GetHashAndReset().AsSpan().SequenceEqual(digest), "the digests differ");

            void Compare(string step, bool isSame, string whatDiffers) =>
                Add(step, blocks, bytes, time, isSame ? Same : Different, isSame ? null : whatDiffers);
        }

        private async Task CopyToJavaScriptAsync(IHyperNode two, IFeed copy, byte[] digest, CancellationToken cancellationToken)
        {
            const string step = "copy on to JavaScript";
            (JsPeer? peer, string? whyNot) = JsPeer.Find(context.Host);
            if (peer is null)
            {
                Add(step, 0, 0, TimeSpan.Zero, Skipped, whyNot);
                return;
            }

            await using ISwarmSession announced = await two.Swarm.JoinAsync(
                copy.DiscoveryKey, new SwarmJoinOptions { Client = false }, cancellationToken);
            await announced.FlushAsync(cancellationToken);
            JsPeerResult result = await ProgressBar.RunAsync(
                context.Host,
                !context.Printer.IsJson,
                "copy to JavaScript",
                _ => peer.DownloadAsync(Path.Combine(folder, "js"), _bootstrap!, copy.Key, copy.Length, cancellationToken));
            bool isSame = result.Blocks == copy.Length && result.Sha256 == Convert.ToHexStringLower(digest);
            Add("JavaScript finds node two by topic", TimeSpan.FromSeconds(result.FindSeconds));
            Add("JavaScript connects to it, over UDX", TimeSpan.FromSeconds(result.ConnectSeconds));
            Add(step, result.Blocks, result.Bytes, TimeSpan.FromSeconds(result.Seconds), null);
            Add(
                "JavaScript with the source, SHA-256",
                result.Blocks,
                result.Bytes,
                TimeSpan.FromSeconds(result.Seconds),
                isSame ? Same : Different,
                isSame ? null : "the digests differ");
        }

        private void Add(string step, TimeSpan time) => Add(step, 0, 0, time, null);

        private void Add(string step, ulong blocks, ulong bytes, TimeSpan time, string? verdict, string? note = null)
        {
            double seconds = Math.Max(time.TotalSeconds, 0.000_001);
            _steps.Add(new DemoStep(
                step, blocks, bytes, Math.Round(seconds, 3), Math.Round(bytes / seconds / 1e6, 1), verdict, note));
            context.Printer.Line(verdict is null && blocks == 0 ? $"{step}: {Words.Seconds(time)}"
                : verdict is null ? $"{step}: {Words.Count(blocks, "block")}, {Words.Bytes(bytes)} in {Words.Seconds(time)}"
                : $"{step}: {verdict}");
        }
    }

    /// <summary>Progress without a detour over the thread pool, so that it stays in order.</summary>
    private sealed class Relay(Action<DownloadProgress> report) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => report(value);
    }
}
