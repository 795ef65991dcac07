using System.Text;
using System.Text.Json;
using HyperActors.Cli.Tests.Fakes;
using HyperActors.Crypto;

namespace HyperActors.Cli.Tests.Commands;

/// <summary>What verbs do and refuse, on storages in memory; the real ones are in EndToEnd.</summary>
public sealed class VerbTests
{
    private const string Address = "127.0.0.1:4000";
    private const string AnyKey = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";

    private readonly Shell _shell = new();

    [Fact]
    public async Task Create_prints_the_key_and_nothing_else()
    {
        Outcome outcome = await _shell.RunAsync("feed", "create", "notes");
        Assert.Equal((ExitCode.Ok, string.Empty), (outcome.ExitCode, outcome.Error));
        Assert.Equal(_shell.Node.Make("notes").Key, FeedKey.Parse(outcome.Output.TrimEnd('\n')));
    }

    [Fact]
    public async Task Create_refuses_a_name_that_exists_and_says_its_key()
    {
        await _shell.RunAsync("feed", "create", "notes");
        Outcome outcome = await _shell.RunAsync("feed", "create", "notes");
        Assert.Equal((ExitCode.Exists, string.Empty), (outcome.ExitCode, outcome.Output));
        Assert.Contains(_shell.Node.Make("notes").Key.ToString(), outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no verb 'fed'", "fed")]
    [InlineData("comes one of: create, append, cat, info, list, truncate, serve, download", "feed", "lst")]
    [InlineData("there is no option '--loud'", "feed", "list", "--loud")]
    [InlineData("'b' is more than 'hyperactors feed create' takes", "feed", "create", "a", "b")]
    [InlineData("hyperactors feed create --help", "feed", "create")]
    [InlineData("which network to meet peers in", "feed", "serve", "--tcp", Address, "--bootstrap", Address)]
    [InlineData("is a key", "feed", "create", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")]
    [InlineData("is not a key. A key is 52 characters", "feed", "download", "notes", "--tcp", Address)]
    [InlineData("has no port", "feed", "serve", "--tcp", "localhost")]
    [InlineData("either --tcp", "feed", "serve", "--tcp", Address, "--udx", Address, "--udx-peer", Address)]
    [InlineData("a UDX stream needs both", "feed", "serve", "--udx", Address)]
    [InlineData("a UDX stream needs both", "feed", "download", AnyKey, "--udx-peer", Address)]
    [InlineData("no port of its own", "feed", "serve", "--udx", "127.0.0.1:0", "--udx-peer", Address)]
    [InlineData("is not a size", "feed", "append", "notes", "--chunk", "many")]
    [InlineData("1 B to 15 MiB", "feed", "append", "notes", "--chunk", "0")]
    [InlineData("1 B to 15 MiB", "feed", "append", "notes", "--chunk", "16MiB")]
    [InlineData("exclude each other", "feed", "append", "notes", "--chunk", "1KiB", "--lines")]
    [InlineData("is not a number of blocks", "feed", "cat", "notes", "--from", "-1")]
    [InlineData("--to comes before --from", "feed", "cat", "notes", "--from", "5", "--to", "4")]
    [InlineData("is not a number of blocks", "feed", "truncate", "notes", "half")]
    [InlineData("'@words' is more than", "feed", "list", "@words")]
    public async Task A_wrong_command_line_is_one_line_on_the_error_output(string message, params string[] args)
    {
        Outcome outcome = await _shell.RunAsync(args);
        Assert.Equal((ExitCode.Usage, string.Empty), (outcome.ExitCode, outcome.Output));
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
        Assert.StartsWith("hyperactors: ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Error.Count(c => c == '\n'));
    }

    [Fact]
    public async Task An_error_is_json_when_asked_for()
    {
        Outcome outcome = await _shell.RunAsync("feed", "info", "nothing", "--json");
        JsonElement error = JsonDocument.Parse(outcome.Error).RootElement;
        Assert.Equal("notFound", error.GetProperty("error").GetString());
        Assert.Equal(ExitCode.NotFound, error.GetProperty("exitCode").GetInt32());
        Assert.Contains("feed create 'nothing'", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.NotFound, outcome.ExitCode);
    }

    [Theory]
    [InlineData()]
    [InlineData("feed")]
    public async Task A_group_without_a_verb_shows_its_verbs(params string[] args)
    {
        Outcome outcome = await _shell.RunAsync(args);
        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains("Commands:", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("feed", "create")]
    [InlineData("feed", "append")]
    [InlineData("feed", "cat")]
    [InlineData("feed", "info")]
    [InlineData("feed", "list")]
    [InlineData("feed", "truncate")]
    [InlineData("feed", "serve")]
    [InlineData("feed", "download")]
    [InlineData("demo")]
    public async Task Every_verb_has_help_with_examples(params string[] verb)
    {
        foreach (string help in new[] { "-h", "--help" })
        {
            Outcome outcome = await _shell.RunAsync([.. verb, help]);
            Assert.Equal((ExitCode.Ok, string.Empty), (outcome.ExitCode, outcome.Error));
            Assert.Contains($"  hyperactors {string.Join(' ', verb)}", outcome.Output[outcome.Output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_storage_is_the_option_or_the_variable_or_in_the_home_directory()
    {
        await _shell.RunAsync("feed", "create", "a", "--storage", "/one");
        _shell.Variables["HYPERACTORS_STORAGE"] = "/two";
        await _shell.RunAsync("feed", "create", "a");
        await _shell.RunAsync("--storage", "/three", "feed", "create", "a");
        _shell.Variables["HYPERACTORS_STORAGE"] = string.Empty;
        await _shell.RunAsync("feed", "create", "a");
        Assert.All(["/one", "/two", "/three", "/home/.hyperactors"], path => Assert.True(_shell.World.Exists(path), path));
    }

    [Fact]
    public async Task A_verb_that_only_reads_makes_no_storage()
    {
        Assert.Equal(ExitCode.NotFound, (await _shell.RunAsync("feed", "info", "notes")).ExitCode);
        Assert.Equal(ExitCode.NotFound, (await _shell.RunAsync("feed", "append", "notes")).ExitCode);
        Outcome list = await _shell.RunAsync("feed", "list", "--json");
        Assert.Equal((ExitCode.Ok, "[]\n"), (list.ExitCode, list.Output));
        Assert.False(_shell.World.Exists(Shell.Storage));
    }

    [Fact]
    public async Task A_key_that_is_not_in_the_storage_is_not_made_by_looking()
    {
        await _shell.RunAsync("feed", "create", "notes");
        Outcome outcome = await _shell.RunAsync("feed", "cat", new string('y', 52));
        Assert.Equal(ExitCode.NotFound, outcome.ExitCode);
        Assert.Contains("feed download yyyy", outcome.Error, StringComparison.Ordinal);
        Assert.Single(await _shell.Node.ListFeedsAsync());
    }

    [Fact]
    public async Task A_word_as_long_as_a_key_is_answered_with_how_a_key_looks()
    {
        await _shell.RunAsync("feed", "create", "notes");
        Outcome outcome = await _shell.RunAsync("feed", "info", new string('y', 51));
        Assert.Contains("A key is 52 characters", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_that_another_process_holds_has_an_exit_code_of_its_own()
    {
        Assert.True(_shell.Node.Open());
        Outcome outcome = await _shell.RunAsync("feed", "list");
        Assert.Equal((ExitCode.Locked, "hyperactors: /storage is in use by process 4711\n"), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Append_takes_lines_from_the_standard_input_and_cat_gives_them_back()
    {
        await _shell.RunAsync("feed", "create", "notes");
        Outcome append = await _shell.FeedInputAsync("one\r\ntwo\n\nfour", "feed", "append", "notes", "--lines");
        Assert.Equal("4 blocks (10 B) appended, the feed's length is 4\n", append.Output);
        Assert.Equal("onetwofour", (await _shell.RunAsync("feed", "cat", "notes")).Output);
        Assert.Equal("two", (await _shell.RunAsync("feed", "cat", "notes", "--from", "1", "--to", "3")).Output);
        Assert.Equal("four", (await _shell.RunAsync("feed", "cat", _shell.Node.Make("notes").Key.ToHex(), "--from", "3")).Output);
        Assert.Equal(
            """{"index":0,"byteLength":3,"base64":"b25l"}""" + "\n", (await _shell.RunAsync("feed", "cat", "notes", "--json", "--to", "1")).Output);
    }

    [Fact]
    public async Task A_damaged_feed_is_listed_with_the_reason()
    {
        await _shell.RunAsync("feed", "create", "notes");
        _shell.Node.Make("notes").Damage = "the file oplog is cut short";

        Outcome text = await _shell.RunAsync("feed", "list");
        Assert.Contains("notes", text.Output, StringComparison.Ordinal);
        Assert.Contains("damaged", text.Output, StringComparison.Ordinal);
        Assert.Equal("notes cannot be opened: the file oplog is cut short\n", text.Error);
        Assert.Equal(ExitCode.Ok, text.ExitCode);
        Outcome json = await _shell.RunAsync("feed", "list", "--json");
        Assert.Contains("\"damage\":\"the file oplog is cut short\"", json.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verbose_shows_the_log_of_the_node()
    {
        await _shell.RunAsync("feed", "create", "notes");

        Assert.Contains("warning: the storage /storage is opened\n", (await _shell.RunAsync("feed", "list", "-v")).Error, StringComparison.Ordinal);
        Assert.Equal(
            "{\"log\":\"warning\",\"message\":\"the storage /storage is opened\"}\n",
            (await _shell.RunAsync("feed", "list", "-v", "--json")).Error);
        Assert.Empty((await _shell.RunAsync("feed", "list")).Error);
    }

    [Fact]
    public async Task Append_says_what_is_safe_when_the_disk_fills_up()
    {
        await _shell.RunAsync("feed", "create", "notes");
        _shell.Node.Make("notes").AppendsUntilDiskIsFull = 1;
        string lines = string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i}\n"));
        Outcome outcome = await _shell.FeedInputAsync(lines, "feed", "append", "notes", "--lines");
        Assert.Equal(ExitCode.Failed, outcome.ExitCode);
        Assert.Equal("hyperactors: no space left on device (4096 blocks before that are appended, the feed's length is 4096)\n", outcome.Error);
    }

    [Fact]
    public async Task Append_names_a_missing_file_before_it_writes_anything()
    {
        await _shell.RunAsync("feed", "create", "notes");
        string here = typeof(VerbTests).Assembly.Location;
        Outcome outcome = await _shell.RunAsync("feed", "append", "notes", here, here + ".missing");
        Assert.Equal(ExitCode.NotFound, outcome.ExitCode);
        Assert.Equal(0UL, _shell.Node.Make("notes").Length);
        Assert.Equal(ExitCode.Usage, (await _shell.RunAsync("feed", "append", "notes", Path.GetTempPath())).ExitCode);
    }

    [Fact]
    public async Task A_feed_of_another_writer_is_not_appended_to_and_not_truncated()
    {
        string key = new('y', 52);
        await _shell.Node.OpenFeedAsync(FeedKey.Parse(key));
        Assert.Equal(ExitCode.NotWritable, (await _shell.RunAsync("feed", "append", key)).ExitCode);
        Assert.Equal(ExitCode.NotWritable, (await _shell.RunAsync("feed", "truncate", key, "0")).ExitCode);
    }

    [Fact]
    public async Task Truncate_keeps_the_first_blocks_and_refuses_more_than_there_are()
    {
        await _shell.RunAsync("feed", "create", "notes");
        await _shell.FeedInputAsync("1\n2\n3\n", "feed", "append", "notes", "--lines");
        Outcome outcome = await _shell.RunAsync("feed", "truncate", "notes", "2");
        Assert.Equal("notes has 2 blocks (2 B), fork 1\n", outcome.Output);
        Outcome refused = await _shell.RunAsync("feed", "truncate", "notes", "3");
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("has 2 blocks", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cat_beyond_the_end_and_over_a_hole_is_an_error()
    {
        await _shell.RunAsync("feed", "create", "notes");
        _shell.Node.Make("notes").Blocks.AddRange(["a"u8.ToArray(), null, "c"u8.ToArray()]);
        Outcome beyond = await _shell.RunAsync("feed", "cat", "notes", "--to", "4");
        Assert.Equal(ExitCode.NotFound, beyond.ExitCode);
        Assert.Contains("has 3 blocks, block 3 is not", beyond.Error, StringComparison.Ordinal);
        Outcome hole = await _shell.RunAsync("feed", "cat", "notes");
        Assert.Equal((ExitCode.NotFound, string.Empty), (hole.ExitCode, hole.Output));
        Assert.Contains("block 1 is not on this disk", hole.Error, StringComparison.Ordinal);
        Assert.Equal("c", (await _shell.RunAsync("feed", "cat", "notes", "--from", "2")).Output);
    }

    [Fact]
    public async Task Cat_ends_quietly_when_its_reader_has_gone()
    {
        await _shell.RunAsync("feed", "create", "notes");
        await _shell.FeedInputAsync("1\n", "feed", "append", "notes", "--lines");
        Outcome outcome = await _shell.RunAsync(new MemoryStream(), ["feed", "cat", "notes"], new ClosedOutput());
        Assert.Equal((ExitCode.Ok, string.Empty), (outcome.ExitCode, outcome.Error));
    }

    [Fact]
    public async Task Live_cat_writes_what_is_there_and_ends_well_when_stopped()
    {
        await _shell.RunAsync("feed", "create", "notes");
        await _shell.FeedInputAsync("one\ntwo\n", "feed", "append", "notes", "--lines");
        using var stop = new CancellationTokenSource();
        await using var output = new StopAfter(6, stop);
        Outcome outcome = await _shell.RunAsync(new MemoryStream(), ["feed", "cat", "notes", "--live"], output, stop.Token);
        Assert.Equal((ExitCode.Ok, string.Empty), (outcome.ExitCode, outcome.Error));
        Assert.Equal("onetwo", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Download_brings_a_feed_and_a_range_and_then_asks_nobody()
    {
        MemoryFeed source = ServeBlocks(10);
        Outcome range = await _shell.RunAsync("feed", "download", source.Key.ToString(), "--tcp", Address, "--range", "2..5");
        Assert.Equal((ExitCode.Ok, string.Empty), (range.ExitCode, range.Error));
        MemoryFeed copy = _shell.Node.Find(source.Key)!;
        Assert.Equal([2, 3, 4], Enumerable.Range(0, 10).Where(i => copy.Blocks[i] is not null));

        Outcome all = await _shell.RunAsync("feed", "download", source.Key.ToHex(), "--tcp", Address, "--json");
        JsonElement result = JsonDocument.Parse(all.Output).RootElement;
        Assert.Equal(7UL, result.GetProperty("bytes").GetUInt64());
        Assert.Equal(10UL, result.GetProperty("contiguousLength").GetUInt64());

        _shell.World.Listeners.Clear();
        Outcome again = await _shell.RunAsync("feed", "download", source.Key.ToString(), "--tcp", Address, "--range", "..10");
        Assert.Equal(ExitCode.Ok, again.ExitCode);
    }

    [Fact]
    public async Task Download_dials_until_the_peer_is_there()
    {
        MemoryFeed source = ServeBlocks(3);
        _shell.World.RefusedDials = 2;
        Outcome outcome = await _shell.RunAsync("feed", "download", source.Key.ToString(), "--tcp", Address);
        Assert.Equal(ExitCode.Ok, outcome.ExitCode);
        Assert.Equal("waiting for 127.0.0.1:4000: connection refused\n", outcome.Error);
    }

    [Fact]
    public async Task Download_gives_up_on_a_peer_that_stays_away()
    {
        Outcome outcome = await _shell.RunAsync("feed", "download", new string('y', 52), "--tcp", Address, "--away", "300ms");
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.EndsWith("no lasting connection to 127.0.0.1:4000 within 0.3 s: connection refused\n", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_gives_up_when_its_time_is_over_and_says_how_far_it_came()
    {
        MemoryFeed source = ServeBlocks(3);
        Outcome outcome = await _shell.RunAsync(
            "feed", "download", source.Key.ToString(), "--tcp", Address, "--live", "--range", "0..5", "--timeout", "200ms");
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.Contains("gave up after 0.2 s with 3 of 5 blocks here", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_of_more_than_the_feed_has_brings_what_there_is_and_fails()
    {
        MemoryFeed source = ServeBlocks(3);
        Outcome outcome = await _shell.RunAsync("feed", "download", source.Key.ToString(), "--tcp", Address, "--range", "1..5");
        Assert.Equal(ExitCode.NotFound, outcome.ExitCode);
        Assert.Contains("the feed has 3 blocks, so 1..5 is not complete", outcome.Error, StringComparison.Ordinal);
        Assert.NotNull(_shell.Node.Find(source.Key)!.Blocks[2]);
    }

    [Fact]
    public async Task Cat_reads_through_a_peer_what_is_not_here()
    {
        MemoryFeed source = ServeBlocks(3);
        Outcome outcome = await _shell.RunAsync("feed", "cat", source.Key.ToString(), "--tcp", Address, "--from", "1");
        Assert.Equal((ExitCode.Ok, "12", string.Empty), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task Serve_prints_its_address_first_and_ends_well_when_stopped()
    {
        await _shell.RunAsync("feed", "create", "notes");
        using var stop = new CancellationTokenSource();
        await using var output = new StopAfter(1, stop);
        Outcome outcome = await _shell.RunAsync(new MemoryStream(), ["feed", "serve", "--tcp", "[::1]:4000"], output, stop.Token);
        Assert.Equal((ExitCode.Ok, string.Empty), (outcome.ExitCode, outcome.Error));
        Assert.Equal("[::1]:4000\n", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Append_that_is_interrupted_says_so_with_its_exit_code()
    {
        await _shell.RunAsync("feed", "create", "notes");
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        Outcome outcome = await _shell.RunAsync(new EndlessInput(), ["feed", "append", "notes"], cancellationToken: stop.Token);
        Assert.Equal(ExitCode.Interrupted, outcome.ExitCode);
        Assert.StartsWith("stopped: ", outcome.Error, StringComparison.Ordinal);
    }

    private MemoryFeed ServeBlocks(int count)
    {
        MemoryNode peer = _shell.World.Storage("/peer");
        MemoryFeed source = peer.Make("source");
        source.Blocks.AddRange(Enumerable.Range(0, count).Select(i => Encoding.UTF8.GetBytes($"{i}")));
        _shell.World.Listeners[4000] = peer;
        return source;
    }

    /// <summary>An output whose reader is no more.</summary>
    private sealed class ClosedOutput : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new OutputClosedException();

        public override void Write(ReadOnlySpan<byte> buffer) => throw new OutputClosedException();

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            throw new OutputClosedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new OutputClosedException();
    }

    /// <summary>An output that stops the verb once it has seen so many bytes.</summary>
    private sealed class StopAfter(int bytes, CancellationTokenSource stop) : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count)
        {
            base.Write(buffer, offset, count);
            Seen();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer);
            Seen();
        }

        public override async Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            await base.WriteAsync(buffer.AsMemory(offset, count), cancellationToken);
            Seen();
        }

        private void Seen()
        {
            if (Length >= bytes)
            {
                stop.CancelAfter(TimeSpan.FromMilliseconds(20));
            }
        }
    }

    private sealed class EndlessInput : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(1, cancellationToken);
            return Math.Min(buffer.Length, 1000);
        }
    }
}
