using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using HyperActors.Actors;
using HyperActors.Api;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace HyperActors.Daemon;

/// <summary>The local API of a node, over a Unix socket and, when asked for, on a port of the loopback address.</summary>
public sealed class ApiServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DaemonNode _node;
    private readonly DaemonLimits _limits;
    private readonly TimeSpan _stopTimeout;

    private ApiServer(WebApplication app, DaemonNode node, DaemonLimits limits, string socket, int? port, TimeSpan stopTimeout)
    {
        _app = app;
        _node = node;
        _limits = limits;
        _stopTimeout = stopTimeout;
        SocketPath = socket;
        Port = port;
    }

    /// <summary>The Unix socket.</summary>
    public string SocketPath { get; }

    /// <summary>The port on the loopback address; null when there is none.</summary>
    public int? Port { get; }

    /// <summary>Every endpoint: method, path, name and sentence.</summary>
    public IReadOnlyList<(string Methods, string Path, string Name, string Summary)> Endpoints =>
    [
        .. _app.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<IEndpointNameMetadata>() is not null)
            .Select(e => (
                string.Join(", ", e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []),
                e.RoutePattern.RawText!,
                e.Metadata.GetMetadata<IEndpointNameMetadata>()!.EndpointName,
                e.Metadata.GetMetadata<Microsoft.AspNetCore.Http.Metadata.IEndpointSummaryMetadata>()?.Summary ?? string.Empty)),
    ];

    /// <summary>Starts the API in front of a node.</summary>
    /// <param name="node">The node. Who starts the API keeps it, and lets go of it after the API.</param>
    /// <param name="options">How it is reached, and its limits.</param>
    /// <param name="loggers">Where it writes what happens.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <exception cref="Abstractions.HyperActorsException">The socket or the port cannot be used; the message says what to do.</exception>
    public static async Task<ApiServer> StartAsync(
        DaemonNode node, ApiOptions options, ILoggerFactory loggers, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(options);
        string socket = SocketOf(node, options);
        string? token = options.Port is null ? null : TokenFile.Take(node.StoragePath);
        var limits = new DaemonLimits(options);
        ILogger log = loggers.CreateLogger("HyperActors.Daemon");

        // The empty builder: no file and no variable that happens to lie around opens a port or changes a limit.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = node.StoragePath });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, options, socket));
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = Bind);
        builder.Services.AddSingleton(loggers);
        builder.Services.AddLogging();
        builder.Services.AddRoutingCore();
        builder.Services.AddOpenApi();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Clear();
            json.SerializerOptions.TypeInfoResolverChain.Add(ApiJson.Default);
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
            json.SerializerOptions.PropertyNameCaseInsensitive = false;
            json.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
            json.SerializerOptions.UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.RespectRequiredConstructorParameters = true;
        });
        builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.AddSingleton(node);
        builder.Services.AddSingleton(limits);
        builder.Services.AddSingleton(new FeedTable(node.Node));
        builder.Services.AddSingleton<BodyBudget>();
        builder.Services.AddSingleton<StatusSource>();
        builder.Services.AddSingleton(_ => new NodeMeter(node.Node, node.Name));
        builder.Services.AddSingleton(_ => new PrometheusText(["HyperActors"], ["kernel.turn.duration"]));

        WebApplication app = builder.Build();
        try
        {
            app.Services.GetRequiredService<NodeMeter>();
            app.Services.GetRequiredService<PrometheusText>();
            var guard = new Guard(token);
            app.Use(next => context => Problems.CatchAsync(context, next, log));
            app.UseRouting();
            app.Use(next => context => guard.CheckAsync(context, next));
            app.Use(next => context =>
            {
                RawSegments.Read(context);
                return next(context);
            });
            app.UseWebSockets();
            FeedEndpoints.Map(app);
            BlockEndpoints.Map(app);
            StreamEndpoints.Map(app);
            SwarmEndpoints.Map(app);
            DhtEndpoints.Map(app);
            NodeEndpoints.Map(app);
            app.MapOpenApi(ApiRoutes.OpenApi.Replace("v1", "{documentName}", StringComparison.Ordinal));
            ObservationEndpoints.Map(app);
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e)
        {
            await app.DisposeAsync();
            if (e is IOException or SocketException or UnauthorizedAccessException)
            {
                throw new Abstractions.HyperActorsException(
                    e is AddressInUseException or { InnerException: AddressInUseException }
                        ? $"port {options.Port} is in use: choose another one with -p, or 0 for a free one"
                        : $"the API cannot listen at {socket}: {e.Message}",
                    e);
            }

            throw;
        }

        int? port = options.Port is null ? null : app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses
            .Select(a => BindingAddress.Parse(a))
            .First(a => !a.IsUnixPipe).Port;
        Log.Listening(log, socket, port);
        return new ApiServer(app, node, limits, socket, port, TimeSpan.FromSeconds(2));
    }

    /// <summary>Replaces the limits that may change while the API runs.</summary>
    public void Reload(ApiOptions options) => _limits.Api = options;

    /// <summary>Ends streams, lets calls finish for a moment, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _node.BeginStop();
        using (var timeout = new CancellationTokenSource(_stopTimeout))
        {
            await _app.StopAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _app.DisposeAsync();
        File.Delete(SocketPath);
    }

    private static string SocketOf(DaemonNode node, ApiOptions options)
    {
        string path = Path.GetFullPath(options.Socket.Length == 0 ? Path.Combine(node.StoragePath, "api.sock") : options.Socket);
        return path.Length <= PrivateSocket.MaxPathLength ? path : throw new Abstractions.HyperActorsException(
            $"the path of the API's socket is too long for this system ({path.Length} characters, {PrivateSocket.MaxPathLength} are possible): {path}. Name a shorter one with api.socket.");
    }

    private static void Configure(KestrelServerOptions kestrel, ApiOptions options, string socket)
    {
        kestrel.AddServerHeader = false;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxConcurrentUpgradedConnections = options.MaxStreams;
        limits.MaxRequestBodySize = options.MaxJsonBytes;
        limits.RequestHeadersTimeout = options.HeaderTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(options.MinBytesPerSecond, options.SlowGrace);
        limits.MinResponseDataRate = new MinDataRate(options.MinBytesPerSecond, options.SlowGrace);
        kestrel.ListenUnixSocket(socket, o => o.Protocols = HttpProtocols.Http1);
        if (options.Port is { } port)
        {
            kestrel.Listen(IPAddress.Loopback, port, o => o.Protocols = HttpProtocols.Http1);
        }
    }

    private static Socket Bind(EndPoint endPoint) => endPoint is UnixDomainSocketEndPoint unix
        ? PrivateSocket.Bind(unix.ToString())
        : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
}
