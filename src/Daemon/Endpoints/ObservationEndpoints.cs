using HyperActors.Actors;
using HyperActors.Api;
using Microsoft.AspNetCore.StaticFiles;

namespace HyperActors.Daemon;

/// <summary>For those who watch: the status, the metrics, and the page.</summary>
internal static class ObservationEndpoints
{
    private const string Page = "page/";

    private static readonly FileExtensionContentTypeProvider MediaTypes = new();

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.NodeStatus, StatusAsync).Named("getStatus", "What the node does now");
        app.MapGet(ApiRoutes.StatusEvents, StatusEventsAsync)
            .Named("streamStatus", "What the node does now, and then what is new, a few times a second").Streams();
        app.MapGet(ApiRoutes.Metrics, MetricsAsync)
            .Named("getMetrics", "The metrics, as Prometheus reads them").Produces(StatusCodes.Status200OK, null, "text/plain");
        MapPage(app);
    }

    private static async Task<Ok<StatusDto>> StatusAsync(StatusSource status, CancellationToken cancellationToken) =>
        TypedResults.Ok(await status.WholeAsync(cancellationToken));

    private static Task StatusEventsAsync(HttpContext context, DaemonNode node, DaemonLimits limits, StatusSource status) =>
        EventStream.RunAsync(context, node, limits, status.StreamAsync);

    private static async Task<ContentHttpResult> MetricsAsync(
        PrometheusText metrics, NodeMeter meter, CancellationToken cancellationToken)
    {
        await meter.RefreshAsync(cancellationToken);
        return TypedResults.Text(metrics.Write(), PrometheusText.ContentType);
    }

    // The files of the page are in the assembly: what it shows works without a file beside it, and offline.
    private static void MapPage(IEndpointRouteBuilder app)
    {
        foreach (string resource in typeof(ObservationEndpoints).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Page, StringComparison.Ordinal)))
        {
            string path = resource[Page.Length..].Replace('\\', '/');
            string type = MediaTypes.TryGetContentType(path, out string? known) ? known : "application/octet-stream";
            RequestDelegate send = context => SendAsync(context, resource, type);
            app.MapGet($"/{path}", send).WithMetadata(Guard.OpenToAll.Instance);
            if (path == "index.html")
            {
                app.MapGet("/", send).WithMetadata(Guard.OpenToAll.Instance);
            }
        }
    }

    private static async Task SendAsync(HttpContext context, string resource, string type)
    {
        await using Stream file = typeof(ObservationEndpoints).Assembly.GetManifestResourceStream(resource)!;
        context.Response.ContentType = type;
        context.Response.ContentLength = file.Length;
        await file.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
