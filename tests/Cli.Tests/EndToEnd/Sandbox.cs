using System.Diagnostics;
using System.Text;
using HyperActors.TestKit;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>A folder of its own, and the real executable run in it. Whatever still runs at the end is killed.</summary>
internal sealed class Sandbox : IDisposable
{
    /// <summary>No process of these tests may take longer, on the slowest machine.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>The command line: as it is shipped, or as it was built for these tests.</summary>
    public static readonly string Executable = Repository.Executable(Path.Combine(AppContext.BaseDirectory, "hyperactors"));

    /// <summary>The runtime that runs the tests runs the executable too, wherever it was installed.</summary>
    public static readonly string RuntimeRoot =
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));

    private readonly List<RunningCli> _started = [];

    public Sandbox()
    {
        Folder = Directory.CreateTempSubdirectory("hyperactors-cli-tests-").FullName;
        Storage = In("storage");
    }

    public string Folder { get; }

    /// <summary>The storage that command lines use when they name none.</summary>
    public string Storage { get; set; }

    /// <summary>What the executable finds in its environment, beside the usual.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public string In(params string[] names) => Path.Combine([Folder, .. names]);

    /// <summary>Writes a file into the folder.</summary>
    public string Write(string name, byte[] content)
    {
        string path = In(name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public Task<Outcome> RunAsync(params string[] args) => FeedInputAsync([], args);

    public Task<Outcome> FeedInputAsync(string input, params string[] args) => FeedInputAsync(Encoding.UTF8.GetBytes(input), args);

    /// <summary>Runs the executable to its end.</summary>
    public async Task<Outcome> FeedInputAsync(byte[] input, params string[] args)
    {
        RunningCli running = Start(args);
        await running.WriteAsync(input);
        running.CloseInput();
        return await running.EndAsync();
    }

    /// <summary>Runs it, and fails the test unless it ends well and has nothing to complain about.</summary>
    public async Task<string> OkAsync(params string[] args)
    {
        Outcome outcome = await RunAsync(args);
        Assert.True(outcome is { ExitCode: 0, Error: "" }, $"{string.Join(' ', args)}: exit code {outcome.ExitCode}\n{outcome.Error}");
        return outcome.Output;
    }

    /// <summary>Starts the executable and leaves it running.</summary>
    public RunningCli Start(params string[] args)
    {
        var start = new ProcessStartInfo(Executable)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        SetEnvironment(start.Environment);
        var running = new RunningCli(Process.Start(start)!, args);
        _started.Add(running);
        return running;
    }

    /// <summary>What a process of this sandbox finds in its environment.</summary>
    public void SetEnvironment(IDictionary<string, string?> environment)
    {
        environment["DOTNET_ROOT"] = RuntimeRoot;
        environment["HYPERACTORS_STORAGE"] = Storage;
        environment["HOME"] = Folder;
        foreach ((string name, string value) in Variables)
        {
            environment[name] = value;
        }
    }

    /// <summary>Kills whatever still runs.</summary>
    public void Stop()
    {
        foreach (RunningCli running in _started)
        {
            running.Dispose();
        }

        _started.Clear();
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(Folder, recursive: true);
    }
}
