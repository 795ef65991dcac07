// An ASP.NET Core app that serves a live feed: POST / appends a line, GET / streams all lines as they come.
//   dotnet run -- --storage=data --urls=http://127.0.0.1:5000
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Hosting;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddHyperActors(o => o.StoragePath = builder.Configuration["storage"] ?? "live-feed");

WebApplication app = builder.Build();
app.MapHealthChecks("/health");
app.MapPost("/", async (HttpRequest request, IHyperNode node) =>
{
    using var reader = new StreamReader(request.Body);
    await using IFeed feed = await node.OpenFeedAsync("live");
    return await feed.AppendAsync(Encoding.UTF8.GetBytes(await reader.ReadToEndAsync()));
});
app.MapGet("/", (IHyperNode node, CancellationToken stop) => TypedResults.ServerSentEvents(Lines(node, stop)));
app.MapGet("/key", async (IHyperNode node) =>
{
    await using IFeed feed = await node.OpenFeedAsync("live");
    return feed.Key.ToString();
});
await app.RunAsync();

static async IAsyncEnumerable<SseItem<string>> Lines(IHyperNode node, [EnumeratorCancellation] CancellationToken stop)
{
    await using IFeed feed = await node.OpenFeedAsync("live", stop);
    await foreach (Block block in feed.ReadAsync(live: true, cancellationToken: stop))
    {
        yield return new SseItem<string>(Encoding.UTF8.GetString(block.Bytes.Span));
    }
}
