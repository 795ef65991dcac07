using System.Text.Json;
using HyperActors.Cli.Demo;

namespace HyperActors.Cli.Tests.EndToEnd;

public sealed class DemoTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task A_folder_goes_through_two_nodes_and_JavaScript_and_is_the_same_everywhere()
    {
        var chance = new Random(9);
        foreach ((string name, int size) in new[] { ("a.bin", 300_000), ("empty", 0), ("deep/er/b.txt", 70_000), ("bin/left.out", 9) })
        {
            byte[] content = new byte[size];
            chance.NextBytes(content);
            Directory.CreateDirectory(Path.GetDirectoryName(_sandbox.In("folder", name))!);
            _sandbox.Write(Path.Combine("folder", name), content);
        }

        File.CreateSymbolicLink(_sandbox.In("folder", "link"), "/");
        Outcome outcome = await _sandbox.RunAsync("demo", _sandbox.In("folder"), "--json");
        Assert.True(outcome.ExitCode == ExitCode.Ok, outcome.Error);
        JsonElement result = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.True(result.GetProperty("passed").GetBoolean());
        Assert.Equal(3, result.GetProperty("files").GetInt32());
        string?[] verdicts = [.. result.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("verdict").GetString())];
        Assert.DoesNotContain("different", verdicts);
        bool hasJavaScript = JsPeer.Find(CliHost.Process()).Peer is not null;
        Assert.Equal(hasJavaScript ? 4 : 3, verdicts.Count(verdict => verdict == "same"));
        Assert.Equal(!hasJavaScript, verdicts.Contains("skipped"));
        Assert.False(Directory.Exists(_sandbox.Storage), "the demo leaves the user's storage alone");
    }

    [Fact]
    public async Task A_file_is_shown_in_a_table()
    {
        string output = await _sandbox.OkAsync("demo", _sandbox.Write("file", new byte[100_000]));
        Assert.Contains("STEP", output, StringComparison.Ordinal);
        Assert.EndsWith("Everything that was compared is the same.\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_that_is_not_there_is_an_error()
    {
        Outcome outcome = await _sandbox.RunAsync("demo", _sandbox.In("nothing"));
        Assert.Equal(ExitCode.NotFound, outcome.ExitCode);
    }
}
