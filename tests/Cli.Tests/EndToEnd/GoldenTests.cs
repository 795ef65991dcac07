using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>The shape of <c>--json</c>, held by files in Golden/: what scripts rely on does not change by accident.</summary>
/// <remarks>HYPERACTORS_UPDATE_GOLDEN=1 writes the files anew. Values that differ from run to run stand as &lt;name&gt;.</remarks>
public sealed partial class GoldenTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task Json_of_verbs_on_one_storage()
    {
        await HoldAsync("feed-list-empty", await _sandbox.RunAsync("feed", "list", "--json"));
        await HoldAsync("feed-create", await _sandbox.RunAsync("feed", "create", "notes", "--json"));
        await HoldAsync("feed-create-exists", await _sandbox.RunAsync("feed", "create", "notes", "--json"));
        await HoldAsync("feed-append", await _sandbox.FeedInputAsync("one\ntwo\n", "feed", "append", "notes", "--lines", "--json", "-v"));
        await HoldAsync("feed-cat", await _sandbox.RunAsync("feed", "cat", "notes", "--json"));
        await HoldAsync("feed-truncate", await _sandbox.RunAsync("feed", "truncate", "notes", "1", "--json"));
        await HoldAsync("feed-info", await _sandbox.RunAsync("feed", "info", "notes", "--json"));
        await HoldAsync("feed-list", await _sandbox.RunAsync("feed", "list", "--json"));
        await HoldAsync("error-usage", await _sandbox.RunAsync("feed", "cut", "--json"));
        await HoldAsync("error-not-found", await _sandbox.RunAsync("feed", "info", "nothing", "--json"));
    }

    [Fact]
    public async Task Json_of_verbs_on_two_storages()
    {
        string key = (await _sandbox.OkAsync("feed", "create", "notes")).Trim();
        await _sandbox.FeedInputAsync("one\ntwo\n", "feed", "append", "notes", "--lines");
        RunningCli server = _sandbox.Start("feed", "serve", "--tcp", "127.0.0.1:0", "--json", "-v");
        string listening = (await server.ReadLineAsync())!;
        string address = JsonDocument.Parse(listening).RootElement.GetProperty("address").GetString()!;
        using var there = new Sandbox();
        Outcome download = await there.RunAsync("feed", "download", key, "--tcp", address, "--json");
        server.Signal(PosixSignalNumber.Interrupt);
        Outcome served = await server.EndAsync();
        await HoldAsync("feed-download", download);
        await HoldAsync("feed-serve", served with { Bytes = [.. System.Text.Encoding.UTF8.GetBytes(listening + '\n'), .. served.Bytes] });
        await HoldAsync("feed-list-downloaded", await there.RunAsync("feed", "list", "--json"));
    }

    [Fact]
    public async Task Json_of_the_demo()
    {
        string file = _sandbox.Write("file", new byte[100_000]);
        _sandbox.Variables["HYPERACTORS_JS_PEER"] = _sandbox.Folder;
        await HoldAsync("demo", await _sandbox.RunAsync("demo", file, "--json"));
    }

    private async Task HoldAsync(string name, Outcome outcome, [CallerFilePath] string thisFile = "")
    {
        var shown = new List<string> { $"exit code {outcome.ExitCode}" };
        shown.AddRange(Lines(outcome.Output).Select(line => $"output {line}"));
        shown.AddRange(Lines(outcome.Error).Select(line => $"error  {line}"));
        string actual = string.Join('\n', shown) + '\n';
        string path = Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "Golden", name + ".txt");
        if (Environment.GetEnvironmentVariable("HYPERACTORS_UPDATE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(path, actual);
        }

        Assert.Equal(await File.ReadAllTextAsync(path), actual);
    }

    private IEnumerable<string> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Normalize(JsonNode.Parse(line)!, string.Empty).ToJsonString(Relaxed));

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private JsonNode Normalize(JsonNode node, string name) => node switch
    {
        JsonObject pairs => new JsonObject(pairs.Select(pair => KeyValuePair.Create(
            pair.Key, pair.Value is null ? null : (JsonNode?)Normalize(pair.Value.DeepClone(), pair.Key)))),
        JsonArray items => new JsonArray([.. items.Select(item => Normalize(item!.DeepClone(), name))]),
        _ when name is "seconds" or "megabytesPerSecond" or "connection" => JsonValue.Create("<number>"),
        JsonValue value when value.TryGetValue(out string? text) => JsonValue.Create(Port().Replace(Key().Replace(
            text.Replace(_sandbox.Folder, "<folder>", StringComparison.Ordinal), "<key>"), "127.0.0.1:<port>")),
        _ => node,
    };

    [GeneratedRegex("[ybndrfg8ejkmcpqxot1uwisza345h769]{52}", RegexOptions.NonBacktracking)]
    private static partial Regex Key();

    [GeneratedRegex("127\\.0\\.0\\.1:[0-9]+", RegexOptions.NonBacktracking)]
    private static partial Regex Port();
}
