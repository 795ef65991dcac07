using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HyperActors.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HyperActors.Page.Tests;

/// <summary>Serves the page, and states that a test makes up: as many feeds and peers as it wants, changing as fast as it wants.</summary>
/// <remarks>The daemon itself is tested with the page where whole nodes run; here the page meets what no node does on demand.</remarks>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private static readonly string Root = Repository.PathOf("src", "Daemon", "wwwroot");

    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private CancellationTokenSource _line = new();

    private FakeDaemon(WebApplication app) => _app = app;

    /// <summary>What was asked for besides pictures of the state: <c>POST /v1/swarm/topics {…}</c>.</summary>
    public BlockingCollection<string> Requests { get; } = [];

    /// <summary>The first document of each stream, and those after it, five in a second.</summary>
    public Func<int, JsonObject> Document { get; set; } = _ => [];

    /// <summary>Without it requests are refused; null: anybody may ask.</summary>
    public string? Token { get; set; }

    /// <summary>The problem that requests which change something are answered with; null: they succeed.</summary>
    public string? Problem { get; set; }

    /// <summary>True while the stream is refused, as by a daemon that is gone.</summary>
    public bool IsGone { get; set; }

    public string Address => _app.Urls.Single();

    public static async Task<FakeDaemon> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        var daemon = new FakeDaemon(app);
        app.Run(daemon.AnswerAsync);
        await app.StartAsync();
        return daemon;
    }

    /// <summary>Cuts every stream.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _line.Cancel();
            _line.Dispose();
            _line = new CancellationTokenSource();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _app.DisposeAsync();
        Requests.Dispose();
        _line.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        if (!path.StartsWith("/v1", StringComparison.Ordinal) && !path.StartsWith("/events", StringComparison.Ordinal))
        {
            await SendFileAsync(context, path == "/" ? "index.html" : path[1..]);
            return;
        }

        if (Token is { } token && context.Request.Headers.Authorization != $"Bearer {token}")
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        switch (path)
        {
            case "/events/status" when IsGone:
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                break;
            case "/events/status":
                await SendStatesAsync(context);
                break;
            case "/v1/node/config" when context.Request.Method == HttpMethods.Get:
                await context.Response.WriteAsJsonAsync(new JsonArray(
                    Setting("log.level", "information", "trace, debug, information, warning, error, critical, none"),
                    Setting("node.connections.maxConnections", "1024", "a number"),
                    Setting("api.newLimit", "64", "1 to 100000")));
                break;
            default:
                using (var reader = new StreamReader(context.Request.Body))
                {
                    Requests.Add($"{context.Request.Method} {path} {await reader.ReadToEndAsync()}".TrimEnd());
                }

                if (Problem is { } problem)
                {
                    context.Response.StatusCode = StatusCodes.Status400BadRequest;
                    await context.Response.WriteAsJsonAsync(new JsonObject { ["detail"] = problem });
                }

                break;
        }
    }

    private static JsonObject Setting(string key, string value, string allowed) => new()
    {
        ["key"] = key,
        ["value"] = value,
        ["default"] = value,
        ["origin"] = "default",
        ["allowed"] = allowed,
        ["reloadable"] = true,
    };

    private static async Task SendFileAsync(HttpContext context, string name)
    {
        string file = Path.Combine(Root, name);
        if (name.Contains("..", StringComparison.Ordinal) || !File.Exists(file))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        context.Response.ContentType = Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".js" => "text/javascript",
            ".css" => "text/css",
            _ => "image/svg+xml",
        };
        context.Response.Headers.ContentSecurityPolicy = "default-src 'self'";
        await context.Response.SendFileAsync(file);
    }

    private async Task SendStatesAsync(HttpContext context)
    {
        CancellationTokenSource stop;
        lock (_lock)
        {
            stop = CancellationTokenSource.CreateLinkedTokenSource(_line.Token, context.RequestAborted);
        }

        using (stop)
        {
            context.Response.ContentType = "text/event-stream";
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
            try
            {
                for (int i = 0; ; i++)
                {
                    JsonObject document = Document(i);
                    document["sequence"] = i + 1;
                    document["time"] = i / 5.0;
                    string kind = i == 0 ? "status" : "change";
                    await context.Response.WriteAsync(
                        string.Create(CultureInfo.InvariantCulture, $"event: {kind}\ndata: {document.ToJsonString()}\n\n"), Encoding.UTF8, stop.Token);
                    await context.Response.Body.FlushAsync(stop.Token);
                    await pace.WaitForNextTickAsync(stop.Token);
                }
            }
            catch (OperationCanceledException)
            {
                context.Abort();
            }
        }
    }
}
