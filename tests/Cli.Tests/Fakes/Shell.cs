using System.Text;
using HyperActors.Cli.Tests.Commands;

namespace HyperActors.Cli.Tests.Fakes;

/// <summary>Runs command lines in this process, on storages in memory.</summary>
internal sealed class Shell
{
    public const string Storage = "/storage";

    public MemoryWorld World { get; } = new();

    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>The storage that command lines use when they name none.</summary>
    public MemoryNode Node => World.Storage(Storage);

    public Task<Outcome> RunAsync(params string[] args) => RunAsync(new MemoryStream(), args);

    public Task<Outcome> FeedInputAsync(string input, params string[] args) => RunAsync(new MemoryStream(Encoding.UTF8.GetBytes(input)), args);

    public async Task<Outcome> RunAsync(Stream input, string[] args, Stream? output = null, CancellationToken cancellationToken = default)
    {
        var written = output ?? new MemoryStream();
        await using var error = new StringWriter { NewLine = "\n" };
        var host = new CliHost
        {
            Input = input,
            Output = written,
            Error = error,
            Nodes = World,
            Variable = name => Variables.GetValueOrDefault(name),
            HomeDirectory = "/home",
        };
        string[] all = args.Contains("--storage") || Variables.Count > 0 ? args : ["--storage", Storage, .. args];
        int exitCode = await CommandLine.RunAsync(all, host, cancellationToken).WaitAsync(TimeSpan.FromSeconds(30));
        ReferenceTests.AssertTold(args, exitCode);
        return new Outcome(exitCode, (written as MemoryStream)?.ToArray() ?? [], error.ToString());
    }
}
