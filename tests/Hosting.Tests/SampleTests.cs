using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using HyperActors.Actors;

namespace HyperActors.Hosting.Tests;

/// <summary>The samples, run as their users run them.</summary>
public sealed class SampleTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-sample-tests-").FullName;
    private readonly List<Process> _started = [];

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            try
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit(Deadline);
            }
            catch (Exception ended) when (ended is InvalidOperationException or Win32Exception)
            {
                // It is no more.
            }

            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Two_people_chat()
    {
        // Everybody's key is known before: a node that was started once has it.
        Process bob = Start("Chat", In("bob"), "room", "--tcp", "127.0.0.1:0");
        string bobsKey = await After(bob, "your key: ");
        string address = await After(bob, "listening: ");
        Process alice = Start("Chat", In("alice"), "room", bobsKey, "--dial", address);
        await After(alice, "your key: ");
        await bob.StandardInput.WriteLineAsync("hello alice");
        Assert.Equal("hello alice", await After(alice, $"{bobsKey[..8]}: "));
    }

    [Fact]
    public async Task A_web_app_serves_a_live_feed()
    {
        Process app = Start("LiveFeed", $"--storage={In("live")}", "--urls=http://127.0.0.1:0");
        string url = await After(app, "Now listening on: ");
        using var http = new HttpClient { BaseAddress = new Uri(url), Timeout = Deadline };
        Assert.Equal("1", await (await http.PostAsync("/", new StringContent("one"))).Content.ReadAsStringAsync());
        using var reader = new StreamReader(await http.GetStreamAsync("/"));
        Assert.Equal("data: one", await reader.ReadLineAsync().WaitAsync(Deadline));
        await http.PostAsync("/", new StringContent("two"));
        Assert.Equal(string.Empty, await reader.ReadLineAsync().WaitAsync(Deadline));
        Assert.Equal("data: two", await reader.ReadLineAsync().WaitAsync(Deadline));
        Assert.Equal("Healthy", await http.GetStringAsync("/health"));
    }

    [Fact]
    public async Task A_worker_mirrors_a_feed()
    {
        await using HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = In("source") });
        await using Feed feed = await node.OpenFeedAsync("notes");
        await feed.AppendAsync(["a"u8.ToArray(), "b"u8.ToArray()]);
        IPEndPoint address = await node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0));
        Process worker = Start("Mirror", $"--storage={In("mirror")}", $"--peer={address}", $"--feeds={feed.Key}");
        await After(worker, $"{feed.Key}: 2 of 2 blocks are here");
        await feed.AppendAsync("c"u8.ToArray());
        await After(worker, $"{feed.Key}: 3 of 3 blocks are here");
    }

    private static async Task<string> After(Process process, string prefix)
    {
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(Deadline) is { } line)
        {
            int at = line.IndexOf(prefix, StringComparison.Ordinal);
            if (at >= 0)
            {
                return line[(at + prefix.Length)..];
            }
        }

        Assert.Fail($"no line with '{prefix}': {await process.StandardError.ReadToEndAsync()}");
        return string.Empty;
    }

    private string In(string name) => Path.Combine(_folder, name);

    private Process Start(string sample, params string[] args)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, $"HyperActors.Samples.{sample}"), args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = _folder,
        };

        // The runtime that runs the tests runs the samples too, wherever it was installed.
        start.Environment["DOTNET_ROOT"] =
            Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));
        Process process = Process.Start(start)!;
        _started.Add(process);
        return process;
    }
}
