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
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly ApiOptions _options;
    private readonly DaemonLimits _limits;
    private readonly ILogger _log;
    private DaemonNode? _node;

    /// <summary>Puts the API together, for a node that may still be on its way: nobody reaches it before <see cref="StartAsync(DaemonNode, CancellationToken)"/>.</summary>
    /// <param name="storagePath">The node's storage, which is there.</param>
    /// <param name="options">How the API is reached, and its limits.</param>
    /// <param name="loggers">Where it writes what happens.</param>
    /// <exception cref="Abstractions.HyperActorsException">The path of the socket is too long; the message says what to do.</exception>
    internal ApiServer(string storagePath, ApiOptions options, ILoggerFactory loggers)
    {
        _options = options;
        _limits = new DaemonLimits(options);
        _log = loggers.CreateLogger("HyperActors.Daemon");
        SocketPath = SocketOf(storagePath, options);
        _app = Build(storagePath, loggers);
    }

    /// <summary>The Unix socket.</summary>
    public string SocketPath { get; }

    /// <summary>The port on the loopback address; null when there is none.</summary>
    public int? Port { get; private set; }

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
        var api = new ApiServer(node.StoragePath, options, loggers);
        try
        {
            await api.StartAsync(node, cancellationToken);
            return api;
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc cref="StartAsync(DaemonNode, ApiOptions, ILoggerFactory, CancellationToken)"/>
    internal async Task StartAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        _node = node;
        try
        {
            _app.Services.GetRequiredService<NodeMeter>();
            _app.Services.GetRequiredService<PrometheusText>();
            await _app.StartAsync(cancellationToken);
        }
        catch (Exception e)
        {
            _node = null;
            if (e is IOException or SocketException or UnauthorizedAccessException)
            {
                throw new Abstractions.HyperActorsException(
                    e is AddressInUseException or { InnerException: AddressInUseException }
                        ? $"port {_options.Port} is in use: choose another one with -p, or 0 for a free one"
                        : $"the API cannot listen at {SocketPath}: {e.Message}",
                    e);
            }

            throw;
        }

        Port = _options.Port is null ? null : _app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses
            .Select(a => BindingAddress.Parse(a))
            .First(a => !a.IsUnixPipe).Port;
        Log.Listening(_log, SocketPath, Port);
    }

    /// <summary>Replaces the limits that may change while the API runs.</summary>
    public void Reload(ApiOptions options) => _limits.Api = options;

    /// <summary>Ends streams, lets calls finish for a moment, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_node is null)
        {
            // It never was at the socket: that may be somebody else's.
            await _app.DisposeAsync();
            return;
        }

        _node.BeginStop();
        using (var timeout = new CancellationTokenSource(StopTimeout))
        {
            await _app.StopAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _app.DisposeAsync();
        File.Delete(SocketPath);
    }

    private WebApplication Build(string storagePath, ILoggerFactory loggers)
    {
        string? token = _options.Port is null ? null : TokenFile.Take(storagePath);

        // The empty builder: no file and no variable that happens to lie around opens a port or changes a limit.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = storagePath });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, _options, SocketPath));
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
        builder.Services.AddSingleton(_ => Node);
        builder.Services.AddSingleton(_limits);
        builder.Services.AddSingleton(_ => new FeedTable(Node.Node));
        builder.Services.AddSingleton<BodyBudget>();
        builder.Services.AddSingleton<StatusSource>();
        builder.Services.AddSingleton(_ => new NodeMeter(Node.Node, Node.Name));
        builder.Services.AddSingleton(_ => new PrometheusText(["HyperActors"], ["kernel.turn.duration"]));

        WebApplication app = builder.Build();
        var guard = new Guard(token);
        app.Use(next => context => Problems.CatchAsync(context, next, _log));
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
        return app;
    }

    private DaemonNode Node => _node ?? throw new InvalidOperationException("the API has not been started");

    private static string SocketOf(string storagePath, ApiOptions options)
    {
        string path = Path.GetFullPath(options.Socket.Length == 0 ? Path.Combine(storagePath, "api.sock") : options.Socket);
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
