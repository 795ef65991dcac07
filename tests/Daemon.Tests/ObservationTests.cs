using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Daemon.Tests;

/// <summary>What can be seen of a node from outside.</summary>
public class ObservationTests
{
    [Fact]
    public async Task The_status_begins_with_everything_and_goes_on_with_what_is_new()
    {
        await using Server server = await Server.StartAsync(swarm: new FakeSwarm());
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        await feed.AppendAsync("a"u8.ToArray());
        using HttpResponseMessage answer = await server.Http.GetAsync(ApiRoutes.StatusEvents, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        (string name, StatusDto whole) = await EventAsync(reader);
        Assert.Equal("status", name);
        FeedStatusDto row = Assert.Single(whole.Feeds!);
        Assert.Equal(("notes", 1UL, 1.0, "/w=="), (row.Name, row.Length, row.Share, row.Map));
        Assert.Equal(24, whole.Dht!.Buckets.Sum(b => b.Contacts));
        Assert.Equal("/", whole.Actors!.Path);
        Assert.True(whole.Totals!.Actors > 3);

        await feed.AppendAsync("b"u8.ToArray());
        StatusDto change;
        do
        {
            (name, change) = await EventAsync(reader);
            Assert.Equal("change", name);
        }
        while (change.Feeds is null);

        Assert.Equal(2UL, Assert.Single(change.Feeds).Length);
        Assert.Null(change.Topics);
    }

    [Fact]
    public async Task Many_brothers_are_one_row_in_the_tree()
    {
        await using Server server = await Server.StartAsync();
        for (int i = 0; i < 30; i++)
        {
            await using Feed feed = await server.Node.OpenFeedAsync($"feed-{i}");
        }

        JsonElement tree = await server.GetJsonAsync(ApiRoutes.NodeActors);
        var rows = new List<(string Type, long Count)>();
        Collect(tree);
        Assert.Contains((nameof(FeedActor), 30L), rows);
        Assert.Contains((nameof(ReplicationActor), 30L), rows);

        void Collect(JsonElement actor)
        {
            rows.Add((actor.GetProperty("type").GetString()!, actor.GetProperty("count").GetInt64()));
            foreach (JsonElement child in actor.GetProperty("children").EnumerateArray())
            {
                Collect(child);
            }
        }
    }

    [Fact]
    public async Task The_metrics_are_what_Prometheus_reads()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        await feed.AppendAsync("abc"u8.ToArray());
        string text = await server.Http.GetStringAsync(ApiRoutes.Metrics);
        Assert.Contains("# TYPE hyperactors_feeds gauge\n", text, StringComparison.Ordinal);
        Assert.Contains("hyperactors_feeds{node=\"test\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("hyperactors_feed_size_bytes{node=\"test\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE kernel_processed_total counter\n", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            Assert.Matches(@"^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+=""[^""]*"",?)+\})? -?[0-9.E+-]+)$", line));
    }

    [Fact]
    public async Task Every_metric_is_on_the_page_and_the_dashboard_shows_no_other()
    {
        await using Server server = await Server.StartAsync();
        string text = await server.Http.GetStringAsync(ApiRoutes.Metrics);
        string page = await File.ReadAllTextAsync(Repository.PathOf("docs", "metrics.md"));
        string[] names = [.. text.Split('\n').Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(l => l.Split(' ')[2])];
        Assert.All(names, name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
        string dashboard = await File.ReadAllTextAsync(Repository.PathOf("config", "grafana", "hyperactors.json"));
        foreach (JsonElement panel in JsonSerializer.Deserialize<JsonElement>(dashboard).GetProperty("panels").EnumerateArray())
        {
            foreach (JsonElement target in panel.GetProperty("targets").EnumerateArray())
            {
                string shown = System.Text.RegularExpressions.Regex.Match(
                    target.GetProperty("expr").GetString()!, "(hyperactors|kernel)_[a-z_]+").Value;
                Assert.Contains($"`{shown}`", page, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Every_endpoint_is_in_the_document_and_on_the_page()
    {
        await using Server server = await Server.StartAsync();
        using HttpResponseMessage answer = await server.Http.GetAsync(ApiRoutes.OpenApi);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        var document = JsonSerializer.Deserialize<JsonElement>(text);
        string[] operations =
        [
            .. document.GetProperty("paths").EnumerateObject()
                .SelectMany(p => p.Value.EnumerateObject())
                .Select(o => o.Value.GetProperty("operationId").GetString()!),
        ];
        string page = await File.ReadAllTextAsync(Repository.PathOf("docs", "api.md"));
        Assert.NotEmpty(server.Api.Endpoints);
        string table = string.Concat(server.Api.Endpoints
            .OrderBy(e => e.Path, StringComparer.Ordinal)
            .ThenBy(e => e.Methods, StringComparer.Ordinal)
            .Select(e => $"| {e.Methods} | `{e.Path}` | {e.Name} | {e.Summary} |\n"));
        Assert.True(page.Contains(table, StringComparison.Ordinal), $"docs/api.md does not hold this table:\n{table}");
        Assert.All(server.Api.Endpoints, e => Assert.Contains(e.Name, operations));
        Assert.All(ApiCodes.All, code => Assert.Contains($"| `{code}` | {ApiCodes.Describe(code).Status} |", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_actors_of_the_node_are_well_and_say_so()
    {
        await using Server server = await Server.StartAsync();
        Assert.Equal("healthy", (await server.GetJsonAsync(ApiRoutes.Live)).GetProperty("status").GetString());
        Assert.Equal("healthy", (await server.GetJsonAsync(ApiRoutes.Ready)).GetProperty("status").GetString());
        await server.Node.DisposeAsync();
        using HttpResponseMessage answer = await server.Http.GetAsync(ApiRoutes.Ready);
        Assert.Equal(503, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_topic_is_joined_shown_remembered_and_left()
    {
        var swarm = new FakeSwarm();
        await using Server server = await Server.StartAsync(swarm: swarm);
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        using HttpResponseMessage joined = await server.PostAsync(ApiRoutes.SwarmTopics, """{"feed":"notes","client":false}""");
        Assert.True(joined.IsSuccessStatusCode, await joined.Content.ReadAsStringAsync());
        Assert.False(swarm.Topics[feed.DiscoveryKey].Client);
        JsonElement status = await server.GetJsonAsync(ApiRoutes.Swarm);
        Assert.Equal(feed.DiscoveryKey.ToString(), status.GetProperty("topics")[0].GetProperty("topic").GetString());

        using (HttpResponseMessage kept = await server.Http.PutAsync(
            ApiRoutes.Of(ApiRoutes.FeedKeep, "notes"),
            new StringContent("""{"seed":true,"download":true}""", System.Text.Encoding.UTF8, "application/json")))
        {
            Assert.True(kept.IsSuccessStatusCode);
        }

        // The next life of the daemon takes both up again.
        var next = new FakeSwarm();
        await using (var keeper = new Keeper(
            new NodeWithSwarm(server.Node, next),
            Catalog.NodeMemory.Open(Path.Combine(server.Folder, "catalog.db")),
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance,
            TimeProvider.System))
        {
            await keeper.ResumeAsync(CancellationToken.None);
            Assert.Contains(feed.DiscoveryKey, next.Topics.Keys);
            Assert.Equal(new KeepDto(true, true), keeper.Find(feed.Key));
        }

        await server.Http.DeleteAsync(ApiRoutes.Of(ApiRoutes.SwarmTopic, feed.DiscoveryKey.ToString()));
        Assert.Empty(swarm.Topics);
    }

    [Fact]
    public async Task The_DHT_is_put_into_and_asked()
    {
        await using Server server = await Server.StartAsync(swarm: new FakeSwarm());
        using HttpResponseMessage put = await server.PostAsync(ApiRoutes.DhtImmutable, """{"text":"hello"}""");
        string key = JsonSerializer.Deserialize<JsonElement>(await put.Content.ReadAsStringAsync()).GetProperty("key").GetString()!;
        JsonElement value = await server.GetJsonAsync(ApiRoutes.Of(ApiRoutes.DhtImmutableValue, key));
        Assert.Equal("hello"u8.ToArray(), value.GetProperty("base64").GetBytesFromBase64());
        string topic = new DiscoveryKey(new byte[32]).ToString();
        await server.PostAsync(ApiRoutes.Of(ApiRoutes.DhtAnnounce, topic), "{}");
        string found = await server.Http.GetStringAsync(ApiRoutes.Of(ApiRoutes.DhtLookup, topic));
        Assert.Contains("event: peer", found, StringComparison.Ordinal);
        Assert.EndsWith("event: end\ndata: {}\n\n", found, StringComparison.Ordinal);
    }

    private static async Task<(string Name, StatusDto Status)> EventAsync(StreamReader reader)
    {
        string name = (await reader.ReadLineAsync().WaitAsync(Server.Deadline))!["event: ".Length..];
        string data = (await reader.ReadLineAsync().WaitAsync(Server.Deadline))!["data: ".Length..];
        await reader.ReadLineAsync().WaitAsync(Server.Deadline);
        return (name, JsonSerializer.Deserialize(data, ApiJson.Default.StatusDto)!);
    }
}
