using System.Diagnostics;
using System.Text.Json;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>The verbs on one storage, by the real executable on a real disk.</summary>
public sealed class FeedVerbsTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task A_file_comes_back_byte_for_byte()
    {
        byte[] content = new byte[(5 << 20) + 17];
        new Random(1).NextBytes(content);
        string file = _sandbox.Write("file.bin", content);
        string key = (await _sandbox.OkAsync("feed", "create", "files")).Trim();
        Assert.Equal("81 blocks (5 MiB) appended, the feed's length is 81\n", await _sandbox.OkAsync("feed", "append", "files", file));

        Outcome cat = await _sandbox.RunAsync("feed", "cat", key);
        Assert.Equal(0, cat.ExitCode);
        Assert.True(cat.Bytes.AsSpan().SequenceEqual(content));
        Outcome piece = await _sandbox.RunAsync("feed", "cat", "files", "--from", "80");
        Assert.True(piece.Bytes.AsSpan().SequenceEqual(content.AsSpan(80 << 16)));
    }

    [Fact]
    public async Task Two_files_are_cut_one_after_the_other()
    {
        string one = _sandbox.Write("one", new byte[1500]);
        string two = _sandbox.Write("two", new byte[10]);
        string empty = _sandbox.Write("empty", []);
        await _sandbox.OkAsync("feed", "create", "files");
        await _sandbox.OkAsync("feed", "append", "files", "--chunk", "1KiB", one, empty, two);
        string[] sizes = (await _sandbox.OkAsync("feed", "cat", "files", "--json")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([1024, 476, 10], sizes.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("byteLength").GetInt32()));
    }

    [Fact]
    public async Task Lines_come_from_the_standard_input()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        Outcome append = await _sandbox.FeedInputAsync("one\r\n\nthree", "feed", "append", "notes", "--lines", "--json");
        Assert.Equal(3, JsonDocument.Parse(append.Output).RootElement.GetProperty("length").GetInt32());
        Assert.Equal("onethree", await _sandbox.OkAsync("feed", "cat", "notes"));
    }

    [Fact]
    public async Task What_was_written_is_there_in_the_next_process_and_after_a_truncation()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        await _sandbox.FeedInputAsync("1\n2\n3\n", "feed", "append", "notes", "--lines");
        await _sandbox.OkAsync("feed", "truncate", "notes", "1");
        await _sandbox.FeedInputAsync("two\n", "feed", "append", "notes", "--lines");
        JsonElement info = JsonDocument.Parse(await _sandbox.OkAsync("feed", "info", "notes", "--json")).RootElement;
        Assert.Equal(
            (2, 4, 1, 2, true),
            (info.GetProperty("length").GetInt32(),
                info.GetProperty("byteLength").GetInt32(),
                info.GetProperty("fork").GetInt32(),
                info.GetProperty("contiguousLength").GetInt32(),
                info.GetProperty("writable").GetBoolean()));
        Assert.Equal("1two", await _sandbox.OkAsync("feed", "cat", "notes"));
    }

    [Fact]
    public async Task A_key_is_the_same_whenever_the_name_is_asked_for_and_another_for_another_name()
    {
        string key = (await _sandbox.OkAsync("feed", "create", "a")).Trim();
        string other = (await _sandbox.OkAsync("feed", "create", "b")).Trim();
        Assert.NotEqual(key, other);
        Outcome again = await _sandbox.RunAsync("feed", "create", "a");
        Assert.Equal(ExitCode.Exists, again.ExitCode);
        Assert.Contains(key, again.Error, StringComparison.Ordinal);
        string[] list = (await _sandbox.OkAsync("feed", "list")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, list.Length);
        Assert.EndsWith(key, list[1], StringComparison.Ordinal);
        Assert.EndsWith(other, list[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_written_into_a_file_after_it_stands_behind_it()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        await _sandbox.FeedInputAsync("one\n", "feed", "append", "notes", "--lines");
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "(echo before; \"$0\" --storage \"$1\" feed cat notes; echo after) > \"$2\"", Sandbox.Executable, _sandbox.Storage, _sandbox.In("out") },
            Environment = { ["DOTNET_ROOT"] = Sandbox.RuntimeRoot },
            UseShellExecute = false,
        })!;
        await shell.WaitForExitAsync().WaitAsync(Sandbox.Deadline);
        Assert.Equal("before\noneafter\n", await File.ReadAllTextAsync(_sandbox.In("out")));
    }

    [Fact]
    public async Task Cat_into_a_reader_that_leaves_early_is_quiet()
    {
        await _sandbox.OkAsync("feed", "create", "files");
        await _sandbox.FeedInputAsync(new byte[8 << 20], "feed", "append", "files");
        RunningCli cat = _sandbox.Start("feed", "cat", "files");
        await cat.Output.ReadExactlyAsync(new byte[10]).AsTask().WaitAsync(Sandbox.Deadline);
        cat.CloseOutput();
        Assert.Equal((ExitCode.Ok, string.Empty), await cat.ExitAsync());
    }
}
