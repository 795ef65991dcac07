using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Input;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed append NAME [FILE…]</c>: files or the standard input as blocks.</summary>
internal sealed class FeedAppendCommand : Verb
{
    private const string StandardInput = "-";

    private readonly Argument<string> _name = new("NAME") { Description = "The feed; it must be writable here", HelpName = "NAME" };

    private readonly Argument<string[]> _files = new("FILE")
    {
        Description = "What to append, in this order; - and no FILE at all stand for the standard input",
        HelpName = "FILE",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<int?> _chunk = new("--chunk")
    {
        Description = "Cut the input into blocks of this size, 1 B to 15 MiB [default: 64KiB]; a block never spans two files",
        HelpName = "SIZE",
        CustomParser = ArgumentReader.One<int?>(ArgumentReader.ChunkSize),
    };

    private readonly Option<bool> _lines = new("--lines") { Description = "A block a line, without its end" };

    public FeedAppendCommand(CliHost host, GlobalOptions globals)
        : base("append", "Append files or the standard input to a feed", host, globals)
    {
        _name.CompletionSources.Add(Suggest.FeedNames(host, globals));
        _files.CompletionSources.Add(Suggest.Files);
        Arguments.Add(_name);
        Arguments.Add(_files);
        Options.Add(_chunk);
        Options.Add(_lines);
        Validators.Add(result =>
        {
            if (result.GetResult(_chunk) is not null && result.GetValue(_lines))
            {
                result.AddError("--chunk and --lines exclude each other: blocks are either of one size or lines");
            }
        });
    }

    public override IReadOnlyList<string> Examples =>
    [
        "feed append notes film.mkv",
        "feed append notes --lines < words.txt",
        "feed append notes --chunk 1MiB a.bin b.bin",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Locked, ExitCode.NotWritable];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string name = context.Get(_name)!;
        string[] files = context.Get(_files) is { Length: > 0 } given ? given : [StandardInput];
        RequireReadable(files);
        await using IHyperNode node = await context.StartExistingNodeAsync(name, cancellationToken);
        await using IFeed feed = await context.OpenWritableFeedAsync(node, name, cancellationToken);
        ulong total = files.Contains(StandardInput) ? 0 : files.Aggregate(0UL, (sum, file) => sum + (ulong)new FileInfo(file).Length);
        FeedAppender done = await ProgressBar.RunAsync(
            context.Host,
            !context.Printer.IsJson && !context.Printer.IsVerbose && total > 0,
            "appending",
            async show =>
            {
                var appender = new FeedAppender(feed, a =>
                {
                    show(a.Bytes, total, Words.Bytes(a.Bytes));
                    context.Printer.Detail(
                        new AppendedEvent(a.Length, a.Blocks, a.Bytes),
                        ResultJson.Default.AppendedEvent,
                        e => $"{Words.Count(e.Blocks, "block")} appended, the feed's length is {e.Length}");
                });
                await AppendAllAsync(context, files, appender, cancellationToken);
                return appender;
            });

        FeedInfo info = await feed.GetInfoAsync(cancellationToken);
        context.Printer.Json(
            new AppendResult(info.Name, info.Key.ToString(), done.Blocks, done.Bytes, info.Length, info.ByteLength),
            ResultJson.Default.AppendResult);
        context.Printer.Line(
            $"{Words.Count(done.Blocks, "block")} ({Words.Bytes(done.Bytes)}) appended, the feed's length is {info.Length}");
        return ExitCode.Ok;
    }

    private async Task AppendAllAsync(
        VerbContext context, string[] files, FeedAppender appender, CancellationToken cancellationToken)
    {
        try
        {
            foreach (string file in files)
            {
                BlockCutter cutter = context.Get(_lines) ? new LineCutter() : new ChunkCutter(context.Get(_chunk) ?? BlockSizes.Default);
                if (file == StandardInput)
                {
                    await appender.AppendAsync(context.Host.Input, cutter, cancellationToken);
                    continue;
                }

                // The pipe reads in large pieces: a second buffer would only copy.
                await using var input = new FileStream(
                    file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
                await appender.AppendAsync(input, cutter, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            context.Printer.Note($"stopped: {Words.Count(appender.Blocks, "block")} appended, the feed's length is {appender.Length}");
            throw;
        }
        catch (Exception failure) when (appender.Blocks > 0)
        {
            (int exitCode, string message) = Failure.Explain(failure);
            throw new CliException(
                exitCode, $"{message} ({Words.Count(appender.Blocks, "block")} before that are appended, the feed's length is {appender.Length})");
        }
    }

    /// <summary>Refuses the whole before the first block is written, when a file is not there.</summary>
    private static void RequireReadable(string[] files)
    {
        foreach (string file in files.Where(file => file != StandardInput))
        {
            if (Directory.Exists(file))
            {
                throw CliException.Usage($"'{file}' is a folder; append takes files");
            }

            if (!File.Exists(file))
            {
                throw CliException.NotFound($"there is no file '{file}'");
            }
        }
    }
}
