using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Packaging.Tests;

/// <summary>The command line as one file.</summary>
internal static class Published
{
    private static string Kind { get; } =
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";

    /// <summary>Makes it, into that folder.</summary>
    public static async Task<string> MakeAsync(string folder, params string[] arguments)
    {
        await Tool.DotnetAsync(
            ["publish", Repository.PathOf("src", "Cli", "Cli.csproj"), "-c", "Release", "-r", Kind, "--nologo", "-v", "q", "-o", folder, .. arguments]);
        return Path.Combine(folder, OperatingSystem.IsWindows() ? "hyperactors.exe" : "hyperactors");
    }
}

/// <summary>What <c>./build.sh publish</c> makes, run where nothing else is.</summary>
public sealed class PublishTests : IDisposable
{
    private const long MaxSize = 60_000_000;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hyperactors-published-");

    public void Dispose() => _folder.Delete(recursive: true);

    [LinkerFact]
    public async Task Native_code_is_one_file_that_needs_nothing_beside_it_and_leaves_nothing_behind()
    {
        string executable = Repository.Shipped ?? await Published.MakeAsync(In("published"));
        Assert.Equal([executable], Directory.GetFileSystemEntries(Path.GetDirectoryName(executable)!));
        Assert.InRange(new FileInfo(executable).Length, 10_000_000, MaxSize);

        // Nobody told it that it is in development, where to listen, or where a runtime would be.
        await RunDaemonAsync(executable, new()
        {
            ["DOTNET_ROOT"] = In("no-runtime-here"),
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["DOTNET_URLS"] = "http://0.0.0.0:1",
            ["DOTNET_gcServer"] = "1",
        });
        Assert.Empty(Directory.GetFileSystemEntries(In("home")));
    }

    [Fact]
    public async Task With_a_runtime_inside_it_is_one_file_too()
    {
        string executable = await Published.MakeAsync(In("published"), "-p:IsNative=false");
        Assert.Equal([executable], Directory.GetFileSystemEntries(Path.GetDirectoryName(executable)!));
        Assert.InRange(new FileInfo(executable).Length, 20_000_000, MaxSize);
        await RunDaemonAsync(executable, new()
        {
            ["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = In("extracted"),
            ["DOTNET_ROOT"] = In("no-runtime-here"),
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["DOTNET_URLS"] = "http://0.0.0.0:1",
            ["DOTNET_gcServer"] = "1",
            ["DOTNET_TieredCompilation"] = "0",
        });

        // What is native in it is written out where it was told to, once, and nothing beside the user's own things.
        Assert.NotEmpty(Directory.GetFiles(In("extracted"), "libe_sqlite3*", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetFileSystemEntries(In("home")));
    }

    private async Task RunDaemonAsync(string executable, Dictionary<string, string?> dotnet)
    {
        // Nothing of whoever runs the tests but the PATH.
        Dictionary<string, string?> variables = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name != "PATH").ToDictionary(name => name, _ => (string?)null, StringComparer.Ordinal);
        variables["HOME"] = _folder.CreateSubdirectory("home").FullName;
        variables["XDG_RUNTIME_DIR"] = _folder.CreateSubdirectory("run").FullName;
        foreach ((string name, string? value) in dotnet)
        {
            variables[name] = value;
        }

        string empty = _folder.CreateSubdirectory("empty").FullName;
        string[] storage = ["--storage", In("storage")];
        Task<(int Status, string Text)> Run(params string[] args) => Tool.RunAsync(executable, [.. args, .. storage], variables, empty);

        using Process daemon = Tool.Start(
            executable, ["daemon", "--json", "-a", "127.0.0.1:0", "--set", "node.network.isBootstrapper=true", .. storage], variables, empty);
        try
        {
            Task<string> log = daemon.StandardError.ReadToEndAsync();
            string? ready = await daemon.StandardOutput.ReadLineAsync().WaitAsync(Deadline);
            Assert.True(ready is not null, ready is null ? await log.WaitAsync(Deadline) : null);
            Assert.Equal("ready", JsonDocument.Parse(ready!).RootElement.GetProperty("event").GetString());

            (int status, string key) = await Run("feed", "create", "notes");
            Assert.True(status == 0, key);
            (_, string list) = await Run("feed", "list", "--json");
            Assert.Contains(key.Trim(), list, StringComparison.Ordinal);

            await Tool.RunAsync("kill", ["-TERM", $"{daemon.Id}"]);
            await daemon.WaitForExitAsync().WaitAsync(Deadline);
            Assert.True(daemon.ExitCode == 0, await log.WaitAsync(Deadline));
            Assert.False(File.Exists(In("storage/daemon.json")));

            // It left its feed behind, and nothing where it was started.
            Assert.Contains(key.Trim(), (await Run("feed", "list")).Text, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFileSystemEntries(empty));
        }
        finally
        {
            if (!daemon.HasExited)
            {
                daemon.Kill(entireProcessTree: true);
            }
        }
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);
}
