using System.Globalization;
using System.Text;
using System.Text.Json;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>Two processes, TCP between them.</summary>
public sealed class ServeAndDownloadTests : IDisposable
{
    private readonly Sandbox _here = new();
    private readonly Sandbox _there = new();

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
    }

    [Fact]
    public async Task A_feed_is_downloaded_and_the_server_ends_well_on_a_signal()
    {
        byte[] content = new byte[(3 << 20) + 5];
        new Random(3).NextBytes(content);
        string key = await MakeAsync("files", content);
        foreach (PosixSignalNumber signal in new[] { PosixSignalNumber.Interrupt, PosixSignalNumber.Terminate })
        {
            RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0");
            string address = (await server.ReadLineAsync())!;
            string summary = await _there.OkAsync("feed", "download", key, "--tcp", address);
            Assert.Contains("blocks 0..49 are here, the feed's length is 49", summary, StringComparison.Ordinal);
            server.Signal(signal);
            Outcome ended = await server.EndAsync();
            Assert.Equal((ExitCode.Ok, string.Empty, string.Empty), (ended.ExitCode, ended.Output, ended.Error));
        }

        Outcome cat = await _there.RunAsync("feed", "cat", key);
        Assert.True(cat.Bytes.AsSpan().SequenceEqual(content));
        Assert.Equal(ExitCode.NotWritable, (await _there.FeedInputAsync("x", "feed", "append", key)).ExitCode);
    }

    [Fact]
    public async Task A_range_is_downloaded_alone_and_the_rest_later()
    {
        string key = await MakeAsync("files", new byte[100 << 10], "--chunk", "1KiB");
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        string address = (await server.ReadLineAsync())!;
        await _there.OkAsync("feed", "download", key, "--tcp", address, "--range", "40..50");
        Outcome hole = await _there.RunAsync("feed", "cat", key, "--to", "50");
        Assert.Equal(ExitCode.NotFound, hole.ExitCode);
        Assert.Contains("block 0 is not on this disk", hole.Error, StringComparison.Ordinal);
        Outcome piece = await _there.RunAsync("feed", "cat", key, "--from", "40", "--to", "50");
        Assert.Equal((0, 10 << 10), (piece.ExitCode, piece.Bytes.Length));

        JsonElement rest = JsonDocument.Parse(await _there.OkAsync("feed", "download", key, "--tcp", address, "--json")).RootElement;
        Assert.Equal(90 << 10, rest.GetProperty("bytes").GetInt32());
        Assert.Equal(100, rest.GetProperty("contiguousLength").GetInt32());
    }

    [Fact]
    public async Task Lines_typed_at_the_server_arrive_live_and_serving_goes_on_after_the_last()
    {
        string key = await MakeAsync("notes", "first\n"u8.ToArray(), "--lines");
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0", "--stdin", "notes", "--json");
        string address = JsonDocument.Parse((await server.ReadLineAsync())!).RootElement.GetProperty("address").GetString()!;
        RunningCli reader = _there.Start("feed", "cat", key, "--live", "--json", "--tcp", address);
        Assert.Equal("first", await NextAsync(reader));
        await server.WriteAsync("second\n");
        Assert.Equal("second", await NextAsync(reader));
        await server.WriteAsync("third\nfourth");
        Assert.Equal("third", await NextAsync(reader));
        server.CloseInput();
        Assert.Equal("fourth", await NextAsync(reader));
        reader.Signal(PosixSignalNumber.Interrupt);
        Outcome read = await reader.EndAsync();
        Assert.Equal((ExitCode.Ok, string.Empty), (read.ExitCode, read.Error));

        await _there.OkAsync("feed", "download", key, "--tcp", address);
        server.Signal(PosixSignalNumber.Terminate);
        Outcome served = await server.EndAsync();
        Assert.Equal(("""{"event":"stopped","blocks":3,"bytes":17}""" + "\n", ExitCode.Ok), (served.Output, served.ExitCode));
    }

    [Fact]
    public async Task A_live_download_goes_on_with_what_is_appended()
    {
        string key = await MakeAsync("notes", "1\n2\n"u8.ToArray(), "--lines");
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0", "--stdin", "notes");
        string address = (await server.ReadLineAsync())!;
        RunningCli download = _there.Start("feed", "download", key, "--tcp", address, "--live", "--range", "0..4", "--json");
        await server.WriteAsync("3\n4\n5\n");
        Outcome ended = await download.EndAsync();
        Assert.Equal((ExitCode.Ok, string.Empty), (ended.ExitCode, ended.Error));
        Assert.True(JsonDocument.Parse(ended.Output).RootElement.GetProperty("contiguousLength").GetInt32() >= 4);
    }

    [Fact]
    public async Task A_download_survives_a_server_that_dies_and_comes_back()
    {
        string key = await MakeAsync("files", new byte[64 << 20], "--chunk", "4KiB");
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        string address = (await server.ReadLineAsync())!;
        RunningCli download = _there.Start("feed", "download", key, "--tcp", address, "--json", "-v");
        await SomeBlocksAsync(download);

        server.Signal(PosixSignalNumber.Kill);
        await server.EndAsync();
        RunningCli second = _here.Start("feed", "serve", "--tcp", address);
        Assert.Equal(address, await second.ReadLineAsync());
        Outcome ended = await download.EndAsync();
        Assert.Equal(ExitCode.Ok, ended.ExitCode);
        JsonElement result = JsonDocument.Parse(ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        Assert.Equal(64 << 20, result.GetProperty("bytes").GetInt64());
        Assert.Equal(64 << 20, (await _there.RunAsync("feed", "cat", key)).Bytes.Length);
    }

    [Fact]
    public async Task An_interrupted_download_goes_on_where_it_was()
    {
        string key = await MakeAsync("files", new byte[64 << 20], "--chunk", "4KiB");
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        string address = (await server.ReadLineAsync())!;
        RunningCli first = _there.Start("feed", "download", key, "--tcp", address, "--json", "-v");
        await SomeBlocksAsync(first);

        first.Signal(PosixSignalNumber.Interrupt);
        Outcome interrupted = await first.EndAsync();
        Assert.Equal(ExitCode.Interrupted, interrupted.ExitCode);
        Assert.Contains("the same command goes on from there", interrupted.Error, StringComparison.Ordinal);
        JsonElement rest = JsonDocument.Parse(await _there.OkAsync("feed", "download", key, "--tcp", address, "--json")).RootElement;
        Assert.InRange(rest.GetProperty("bytes").GetInt64(), 1, (64 << 20) - 1);
        Assert.Equal(16 << 10, rest.GetProperty("contiguousLength").GetInt64());
    }

    [Fact]
    public async Task A_key_that_the_server_does_not_know_is_said_in_so_many_words()
    {
        await MakeAsync("notes", "1\n"u8.ToArray(), "--lines");
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        string address = (await server.ReadLineAsync())!;
        Outcome outcome = await _there.RunAsync("feed", "download", new string('y', 52), "--tcp", address);
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.Contains("does not have the feed", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_busy_port_is_said_in_so_many_words()
    {
        RunningCli server = _here.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        string address = (await server.ReadLineAsync())!;
        Outcome second = await _there.RunAsync("feed", "serve", "--tcp", address);
        Assert.Equal(ExitCode.Peer, second.ExitCode);
        Assert.Contains(address, second.Error, StringComparison.Ordinal);
    }

    private static async Task<string> NextAsync(RunningCli reader)
    {
        string line = await reader.ReadLineAsync() ?? throw new InvalidOperationException("the reader has ended");
        return Encoding.UTF8.GetString(JsonDocument.Parse(line).RootElement.GetProperty("base64").GetBytesFromBase64());
    }

    /// <summary>Waits until the download has brought its first blocks.</summary>
    private static async Task SomeBlocksAsync(RunningCli download)
    {
        while (await download.ReadLineAsync() is { } line)
        {
            JsonElement happened = JsonDocument.Parse(line).RootElement;
            if (happened.GetProperty("event").GetString() == "progress" && happened.GetProperty("bytes").GetUInt64() > 0)
            {
                return;
            }
        }

        Assert.Fail("the download ended early");
    }

    private async Task<string> MakeAsync(string name, byte[] content, params string[] how)
    {
        string key = (await _here.OkAsync("feed", "create", name)).Trim();
        Outcome append = await _here.FeedInputAsync(content, ["feed", "append", name, .. how]);
        Assert.Equal((ExitCode.Ok, string.Empty), (append.ExitCode, append.Error));
        return key;
    }
}
