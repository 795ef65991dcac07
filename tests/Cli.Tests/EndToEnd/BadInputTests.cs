using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>What users, disks and peers do wrong: a clear error, and every acknowledged block still there.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task A_storage_in_use_names_the_process_that_holds_it()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        RunningCli server = _sandbox.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        await server.ReadLineAsync();
        Outcome second = await _sandbox.RunAsync("feed", "list");
        Assert.Equal((ExitCode.Locked, string.Empty), (second.ExitCode, second.Output));
        Assert.Contains(server.Id.ToString(CultureInfo.InvariantCulture), second.Error, StringComparison.Ordinal);
        Assert.Contains("Stop it, or name another directory", second.Error, StringComparison.Ordinal);
        server.Signal(PosixSignalNumber.Kill);
        await server.EndAsync();
        await _sandbox.OkAsync("feed", "list");
    }

    [RootFact]
    public async Task A_full_disk_is_said_and_what_was_acknowledged_stays()
    {
        string disk = Directory.CreateDirectory(_sandbox.In("disk")).FullName;
        Mount("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk);
        try
        {
            _sandbox.Storage = Path.Combine(disk, "storage");
            await _sandbox.OkAsync("feed", "create", "files");
            byte[] content = new byte[32 << 20];
            new Random(5).NextBytes(content);
            Outcome append = await _sandbox.FeedInputAsync(content, "feed", "append", "files", "--json", "-v");
            Assert.Equal(ExitCode.Failed, append.ExitCode);
            Assert.Contains("No room on the disk", JsonDocument.Parse(append.Error).RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
            int acknowledged = append.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("length").GetInt32())
                .DefaultIfEmpty(0)
                .Last();
            Assert.InRange(acknowledged, 1, 16 << 4);
            Outcome cat = await _sandbox.RunAsync("feed", "cat", "files");
            Assert.True(cat.ExitCode == ExitCode.Ok, cat.Error);
            Assert.True(cat.Bytes.Length >= acknowledged << 16, "an acknowledged block is gone");
            Assert.True(content.AsSpan().StartsWith(cat.Bytes));
        }
        finally
        {
            _sandbox.Stop();
            Mount("umount", disk);
        }
    }

    [RootFact]
    public async Task A_missing_libsodium_says_how_to_install_it()
    {
        // In a mount namespace of its own, the library is an empty file.
        const string hide = """
            for file in /usr/lib*/libsodium.so* /usr/lib/*/libsodium.so* /usr/local/lib/libsodium.so*; do
              if [ -f "$file" ]; then mount --bind /dev/null "$(readlink -f "$file")"; fi
            done
            exec "$0" feed create notes --json
            """;
        var start = new ProcessStartInfo("unshare", ["-m", "sh", "-c", hide, Sandbox.Executable])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        _sandbox.SetEnvironment(start.Environment);
        using Process shell = Process.Start(start)!;
        string error = await shell.StandardError.ReadToEndAsync().WaitAsync(Sandbox.Deadline);
        await shell.WaitForExitAsync().WaitAsync(Sandbox.Deadline);
        Assert.Equal(ExitCode.Failed, shell.ExitCode);
        Assert.Contains(
            "apt-get install libsodium23", JsonDocument.Parse(error).RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oplog", "foreign")]
    [InlineData("oplog", "missing")]
    [InlineData("tree", "truncated")]
    [InlineData("tree", "foreign")]
    [InlineData("data", "truncated")]
    [InlineData("data", "missing")]
    [InlineData("bitfield", "foreign")]
    public async Task A_damaged_file_is_an_error_or_no_loss_but_never_false_bytes(string file, string damage)
    {
        byte[] content = await MakeFeedsAsync();
        string path = await PathOfAsync(file);
        switch (damage)
        {
            case "truncated":
                using (FileStream stream = File.OpenWrite(path))
                {
                    stream.SetLength(stream.Length / 2);
                }

                break;
            case "foreign":
                byte[] foreign = new byte[new FileInfo(path).Length];
                new Random(7).NextBytes(foreign);
                await File.WriteAllBytesAsync(path, foreign);
                break;
            default:
                File.Delete(path);
                break;
        }

        Outcome cat = await _sandbox.RunAsync("feed", "cat", "notes");
        Assert.True(content.AsSpan().StartsWith(cat.Bytes), "bytes that were never appended");
        if (cat.ExitCode == ExitCode.Ok)
        {
            Assert.Equal(content.Length, cat.Bytes.Length);
        }
        else
        {
            Assert.Equal(1, cat.Error.Count(c => c == '\n'));
            Assert.DoesNotContain("fault of hyperactors itself", cat.Error, StringComparison.Ordinal);
        }

        Outcome healthy = await _sandbox.RunAsync("feed", "cat", "healthy");
        Assert.True(healthy.Bytes.AsSpan().SequenceEqual(content), "another feed suffered");
    }

    /// <summary>An oplog that lost its end looks as after a power cut: the feed is what was written out before.</summary>
    [Fact]
    public async Task An_oplog_that_lost_its_end_leaves_a_beginning_of_the_feed()
    {
        byte[] content = await MakeFeedsAsync();
        string path = await PathOfAsync("oplog");
        await _sandbox.FeedInputAsync("more", "feed", "append", "notes");
        const long Headers = 8192;
        if (new FileInfo(path).Length == Headers)
        {
            // That one had the entries written out, and its file ends with the header; the next is an entry again.
            content = [.. content, .. "more"u8];
            await _sandbox.FeedInputAsync("more", "feed", "append", "notes");
        }

        using (FileStream stream = File.OpenWrite(path))
        {
            stream.SetLength(stream.Length - 1);
        }

        Outcome cat = await _sandbox.RunAsync("feed", "cat", "notes");
        Assert.True(cat is { ExitCode: ExitCode.Ok, Error: "" }, cat.Error);
        Assert.True(cat.Bytes.AsSpan().SequenceEqual(content), "what was written out before the lost entry must be there, and nothing else");
    }

    [Fact]
    public async Task Peers_that_speak_nonsense_lose_their_connection_and_nothing_else()
    {
        string key = (await _sandbox.OkAsync("feed", "create", "notes")).Trim();
        await _sandbox.FeedInputAsync("1\n2\n3\n", "feed", "append", "notes", "--lines");
        RunningCli server = _sandbox.Start("feed", "serve", "--tcp", "127.0.0.1:0");
        IPEndPoint address = IPEndPoint.Parse((await server.ReadLineAsync())!);
        var chance = new Random(8);
        byte[] garbage = new byte[100_000];
        for (int i = 0; i < 20; i++)
        {
            chance.NextBytes(garbage);
            await SendAsync(address, garbage.AsMemory(0, 1 << (i % 16)));
        }

        await SendAsync(address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
        using var stalled = new TcpClient();
        await stalled.ConnectAsync(address);

        using var there = new Sandbox();
        await there.OkAsync("feed", "download", key, "--tcp", address.ToString());
        Assert.Equal("123", await there.OkAsync("feed", "cat", key));
        server.Signal(PosixSignalNumber.Terminate);
        Assert.Equal((ExitCode.Ok, string.Empty), await server.ExitAsync());
    }

    [Fact]
    public async Task A_server_that_speaks_something_else_is_said_to_do_so()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task answering = AnswerAsync(listener);
        Outcome outcome = await _sandbox.RunAsync(
            "feed", "download", new string('y', 52), "--tcp", listener.LocalEndpoint.ToString()!, "--away", "500ms");
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.Contains("no lasting connection", outcome.Error, StringComparison.Ordinal);
        listener.Stop();
        await answering;
    }

    [Fact]
    public async Task An_output_that_is_full_is_an_error()
    {
        await _sandbox.OkAsync("feed", "create", "notes");
        await _sandbox.FeedInputAsync("1\n", "feed", "append", "notes", "--lines");
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "\"$0\" --storage \"$1\" feed cat notes > /dev/full", Sandbox.Executable, _sandbox.Storage },
            Environment = { ["DOTNET_ROOT"] = Sandbox.RuntimeRoot },
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        string error = await shell.StandardError.ReadToEndAsync().WaitAsync(Sandbox.Deadline);
        await shell.WaitForExitAsync().WaitAsync(Sandbox.Deadline);
        Assert.Equal(ExitCode.Failed, shell.ExitCode);
        Assert.StartsWith("hyperactors: the standard output takes no more", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_that_is_a_file_is_an_error()
    {
        _sandbox.Storage = _sandbox.Write("file", "x"u8.ToArray());
        Outcome outcome = await _sandbox.RunAsync("feed", "create", "notes");
        Assert.Equal(ExitCode.Failed, outcome.ExitCode);
        Assert.Equal(1, outcome.Error.Count(c => c == '\n'));
        Assert.Contains(_sandbox.Storage, outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("fault of hyperactors itself", outcome.Error, StringComparison.Ordinal);
    }

    /// <summary>Two feeds of many blocks each, so that all four files of a feed are there.</summary>
    private async Task<byte[]> MakeFeedsAsync()
    {
        byte[] content = new byte[200_000];
        new Random(6).NextBytes(content);
        foreach (string name in new[] { "notes", "healthy" })
        {
            await _sandbox.OkAsync("feed", "create", name);
            Outcome append = await _sandbox.FeedInputAsync(content, "feed", "append", name, "--chunk", "10");
            Assert.True(append.ExitCode == ExitCode.Ok, append.Error);
        }

        return content;
    }

    /// <summary>Where a file of the feed "notes" is.</summary>
    private async Task<string> PathOfAsync(string file)
    {
        string discoveryKey = JsonDocument.Parse(await _sandbox.OkAsync("feed", "info", "notes", "--json"))
            .RootElement.GetProperty("discoveryKey").GetString()!;
        string folder = Crypto.DiscoveryKey.Parse(discoveryKey).ToHex();
        return Directory.EnumerateFiles(_sandbox.Storage, file, SearchOption.AllDirectories)
            .Single(path => path.Contains(folder, StringComparison.Ordinal));
    }

    private static async Task SendAsync(IPEndPoint address, ReadOnlyMemory<byte> bytes)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address);
        NetworkStream stream = client.GetStream();
        try
        {
            await stream.WriteAsync(bytes);
            client.Client.Shutdown(SocketShutdown.Send);
            byte[] answer = new byte[1024];
            while (await stream.ReadAsync(answer).AsTask().WaitAsync(Sandbox.Deadline) > 0)
            {
            }
        }
        catch (Exception cut) when (cut is IOException or SocketException)
        {
            // Cut off while it was still speaking.
        }
    }

    private static async Task AnswerAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                using TcpClient client = await listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException or IOException)
        {
            // The test is over.
        }
    }

    private static void Mount(string program, params string[] args)
    {
        using var process = Process.Start(program, args);
        process.WaitForExit(Sandbox.Deadline);
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>A test that mounts a small disk, which is root's right alone, and not in every container.</summary>
    private sealed class RootFactAttribute : FactAttribute
    {
        public RootFactAttribute()
        {
            if (!OperatingSystem.IsLinux() || Environment.UserName != "root" || !CanMount())
            {
                Skip = "Only root, and not in every container, may mount the small disk that this test fills.";
            }
        }

        private static bool CanMount()
        {
            string folder = Directory.CreateTempSubdirectory("hyperactors-mount-").FullName;
            try
            {
                using var mount = Process.Start(new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder])
                {
                    RedirectStandardError = true,
                    UseShellExecute = false,
                })!;
                mount.WaitForExit();
                if (mount.ExitCode != 0)
                {
                    return false;
                }

                using var unmount = Process.Start("umount", [folder]);
                unmount.WaitForExit();
                return true;
            }
            finally
            {
                Directory.Delete(folder);
            }
        }
    }
}
