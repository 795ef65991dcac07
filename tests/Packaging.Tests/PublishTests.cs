using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Packaging.Tests;

/// <summary>The command line as one file, made once for all tests.</summary>
public sealed class PublishedFile : IAsyncLifetime
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("hyperactors-publish-").FullName;

    public string Executable => Path.Combine(Folder, OperatingSystem.IsWindows() ? "hyperactors.exe" : "hyperactors");

    public async Task InitializeAsync()
    {
        string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        string kind = $"{system}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        await Tool.DotnetAsync(
            "publish", Repository.PathOf("src", "Cli", "Cli.csproj"), "-c", "Release", "-r", kind, "--nologo", "-v", "q", "-o", Folder);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary>What <c>./build.sh publish</c> makes, run where nothing else is.</summary>
public sealed class PublishTests(PublishedFile published) : IClassFixture<PublishedFile>, IDisposable
{
    private const long MaxSize = 60_000_000;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hyperactors-published-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void It_is_one_file_of_less_than_sixty_megabytes()
    {
        Assert.Equal([published.Executable], Directory.GetFileSystemEntries(published.Folder));
        Assert.InRange(new FileInfo(published.Executable).Length, 20_000_000, MaxSize);
    }

    [Fact]
    public async Task Its_daemon_keeps_a_feed_and_stops_without_a_runtime_on_the_machine()
    {
        await RunDaemonAsync([]);

        // What is native in the file is written out beside the user's own things, once.
        Assert.NotEmpty(Directory.GetFiles(In("home"), "libe_sqlite3*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Its_daemon_heeds_the_variables_of_the_runtime_and_is_not_led_astray_by_them()
    {
        await RunDaemonAsync(new()
        {
            ["DOTNET_BUNDLE_EXTRACT_BASE_DIR"] = In("extracted"),
            ["DOTNET_ROOT"] = In("no-runtime-here"),
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["DOTNET_URLS"] = "http://0.0.0.0:1",
            ["DOTNET_gcServer"] = "1",
            ["DOTNET_TieredCompilation"] = "0",
        });
        Assert.NotEmpty(Directory.GetFiles(In("extracted"), "libe_sqlite3*", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetFileSystemEntries(In("home")));
    }

    private async Task RunDaemonAsync(Dictionary<string, string?> dotnet)
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
        Task<(int Status, string Text)> Run(params string[] args) => Tool.RunAsync(published.Executable, [.. args, .. storage], variables, empty);

        using Process daemon = Tool.Start(
            published.Executable, ["daemon", "--json", "-a", "127.0.0.1:0", "--set", "node.network.isBootstrapper=true", .. storage], variables, empty);
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
