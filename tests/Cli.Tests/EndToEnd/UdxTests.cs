using System.Net;
using System.Net.Sockets;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>Two processes, UDX between them.</summary>
public sealed class UdxTests : IDisposable
{
    private readonly Sandbox _here = new();
    private readonly Sandbox _there = new();

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
    }

    [Fact]
    public async Task A_feed_is_downloaded_over_a_stream_whose_ends_are_named()
    {
        byte[] content = new byte[(2 << 20) + 5];
        new Random(3).NextBytes(content);
        string file = Path.Combine(_here.Folder, "content");
        await File.WriteAllBytesAsync(file, content);
        string key = (await _here.OkAsync("feed", "create", "files")).Trim();
        await _here.OkAsync("feed", "append", "files", file);
        (string ours, string theirs) = (FreeAddress(), FreeAddress());

        RunningCli server = _here.Start("feed", "serve", "--udx", ours, "--udx-peer", theirs);
        Assert.Equal(ours, await server.ReadLineAsync());
        string summary = await _there.OkAsync("feed", "download", key, "--udx", theirs, "--udx-peer", ours);
        Assert.Contains("are here", summary, StringComparison.Ordinal);

        // The next one comes in as soon as the last has gone, under the same ids.
        string other = Path.Combine(_there.Folder, "other");
        Assert.Contains(
            "are here", await _there.OkAsync("feed", "download", key, "--udx", theirs, "--udx-peer", ours, "--storage", other, "--timeout", "10s"), StringComparison.Ordinal);
        server.Signal(PosixSignalNumber.Terminate);
        Outcome ended = await server.EndAsync();
        Assert.Equal((ExitCode.Ok, string.Empty, string.Empty), (ended.ExitCode, ended.Output, ended.Error));
        Assert.True((await _there.RunAsync("feed", "cat", key)).Bytes.AsSpan().SequenceEqual(content));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_sent_is_what_the_listener_writes(bool isEncrypted)
    {
        byte[] content = new byte[(1 << 20) + 5];
        new Random(4).NextBytes(content);
        string address = FreeAddress();
        string[] how = isEncrypted ? ["--encrypted"] : [];
        RunningCli listener = _here.Start(["udx", "listen", address, .. how]);
        Task<Outcome> hearing = listener.EndAsync();
        Outcome sent = await _there.FeedInputAsync(content, ["udx", "send", address, "--json", .. how]);
        Assert.Equal((ExitCode.Ok, string.Empty), (sent.ExitCode, sent.Error));
        Assert.Contains($"\"bytes\":{content.Length},", sent.Output, StringComparison.Ordinal);

        Outcome heard = await hearing;
        Assert.Equal(ExitCode.Ok, heard.ExitCode);
        Assert.Contains($"listening on {address}", heard.Error, StringComparison.Ordinal);
        Assert.True(heard.Bytes.AsSpan().SequenceEqual(content));
    }

    [Theory]
    [InlineData("--size", "1MiB")]
    [InlineData("--size", "1MiB", "--encrypted")]
    public async Task A_stream_is_measured(params string[] options)
    {
        string output = await _here.OkAsync(["udx", "bench", "--json", .. options]);
        Assert.Contains("\"bytes\":1048576,", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_taken_is_said()
    {
        using var taken = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        Outcome outcome = await _here.RunAsync(
            "feed", "serve", "--udx", taken.Client.LocalEndPoint!.ToString()!, "--udx-peer", "127.0.0.1:9");
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.Contains("another program uses that port", outcome.Error, StringComparison.Ordinal);
    }

    private static string FreeAddress()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return socket.Client.LocalEndPoint!.ToString()!;
    }
}
