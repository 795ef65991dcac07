using System.Diagnostics;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Page.Tests;

/// <summary>A DHT of one node and two daemons in it, each a process, on ports of this machine.</summary>
internal sealed class TwoDaemons : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // bin/<configuration>/<framework>/, as for these tests.
    private static readonly string Executable = Repository.Executable(Path.Combine(
        Repository.PathOf("src", "Cli"), Path.GetRelativePath(Repository.PathOf("tests", "Page.Tests"), AppContext.BaseDirectory), "hyperactors"));

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-page-").FullName;
    private readonly List<Process> _processes = [];

    /// <summary>Addresses of their pages, the token included.</summary>
    public string[] Pages { get; } = new string[2];

    public static async Task<TwoDaemons> StartAsync()
    {
        var all = new TwoDaemons();
        try
        {
            Process dht = all.Start("dht", "--bootstrapper", "-a", "127.0.0.1:0", "--json");
            string bootstrap = (await EventAsync(dht, "listening")).GetProperty("address").GetString()!;
            for (int i = 0; i < 2; i++)
            {
                string storage = all.StorageOf(i);
                Process daemon = all.Start("daemon", "-s", storage, "-h", Path.GetFileName(all._folder) + i, "-a", "127.0.0.1:0", "-b", bootstrap, "-p", "0", "--json");
                string url = (await EventAsync(daemon, "ready")).GetProperty("url").GetString()!;
                all.Pages[i] = $"{url}/#token={(await File.ReadAllTextAsync(Path.Combine(storage, "api-token"))).Trim()}";
            }

            return all;
        }
        catch
        {
            await all.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does a verb beside a daemon, and gives the first line that it prints.</summary>
    public async Task<string?> RunAsync(int daemon, string? input, params string[] arguments)
    {
        Process process = Start(["--storage", StorageOf(daemon), .. arguments]);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        string? line = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        await process.WaitForExitAsync().WaitAsync(Patience);
        return line;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync().WaitAsync(Patience);
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<JsonElement> EventAsync(Process process, string name)
    {
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            JsonElement said = JsonDocument.Parse(line).RootElement;
            if (said.TryGetProperty("event", out JsonElement kind) && kind.ValueEquals(name))
            {
                return said;
            }
        }

        throw new InvalidOperationException($"it ended without '{name}': {await process.StandardError.ReadToEndAsync().WaitAsync(Patience)}");
    }

    private string StorageOf(int daemon) => Path.Combine(_folder, daemon == 0 ? "one" : "two");

    private Process Start(params IEnumerable<string> arguments)
    {
        Process process = Process.Start(new ProcessStartInfo(Executable, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        _processes.Add(process);
        return process;
    }
}
