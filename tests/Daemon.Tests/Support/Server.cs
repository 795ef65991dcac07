using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;
using HyperActors.Catalog;
using HyperActors.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Daemon.Tests;

/// <summary>A node in a folder of its own, behind an API. Everything is gone at the end.</summary>
internal sealed class Server : IAsyncDisposable
{
    /// <summary>No wait of these tests may take longer, on the slowest machine.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private Server(string folder, HyperNode node, DaemonNode daemon, ApiServer api)
    {
        Folder = folder;
        Node = node;
        Daemon = daemon;
        Api = api;
        Http = MakeHttp(api.SocketPath);
    }

    public string Folder { get; }

    public HyperNode Node { get; }

    public DaemonNode Daemon { get; }

    public ApiServer Api { get; }

    /// <summary>Calls over the Unix socket.</summary>
    public HttpClient Http { get; }

    public TaskCompletionSource Stopped { get; private init; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Token => File.ReadAllText(Path.Combine(Folder, TokenFile.Name)).Trim();

    public static async Task<Server> StartAsync(ApiOptions? options = null, ISwarm? swarm = null)
    {
        string folder = Directory.CreateTempSubdirectory("hyperactors-daemon-tests-").FullName;
        HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = folder });
        IHyperNode seen = swarm is null ? node : new NodeWithSwarm(node, swarm);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var daemon = new DaemonNode
        {
            Node = seen,
            Name = "test",
            StoragePath = folder,
            Actors = node.LookAtActors,
            Stop = () => stopped.TrySetResult(),
            Keeper = new Keeper(seen, NodeMemory.Open(Path.Combine(folder, "catalog.db")), NullLogger.Instance, TimeProvider.System),
        };
        ApiServer api = await ApiServer.StartAsync(daemon, options ?? new ApiOptions(), NullLoggerFactory.Instance);
        return new Server(folder, node, daemon, api) { Stopped = stopped };
    }

    public static HttpClient MakeHttp(string socketPath) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
        Timeout = Deadline,
    };

    public Task<RemoteNode> ConnectAsync() => RemoteNode.ConnectAsync(Api.SocketPath);

    public async Task<JsonElement> GetJsonAsync(string path) =>
        JsonSerializer.Deserialize<JsonElement>(await Http.GetStringAsync(path));

    public Task<HttpResponseMessage> PostAsync(string path, string json) =>
        Http.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"));

    public Task<HttpResponseMessage> PostAsync(string path, byte[] body, string media) =>
        Http.PostAsync(path, new ByteArrayContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(media) } });

    /// <summary>The problem in an answer.</summary>
    public static async Task<ApiProblem> ProblemOfAsync(HttpResponseMessage answer)
    {
        Assert.Equal(ApiProblem.ContentType, answer.Content.Headers.ContentType?.MediaType);
        ApiProblem problem = JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ApiJson.Default.ApiProblem)!;
        Assert.Equal((int)answer.StatusCode, problem.Status);
        return problem;
    }

    /// <summary>Sends bytes as they are to the Unix socket, or to the port, and reads what comes back until the server closes.</summary>
    public async Task<string> SpeakAsync(string request, bool overTcp = false)
    {
        using Socket socket = overTcp
            ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(overTcp
            ? new IPEndPoint(IPAddress.Loopback, Api.Port!.Value)
            : new UnixDomainSocketEndPoint(Api.SocketPath));
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync().WaitAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Api.DisposeAsync();
        await Daemon.Keeper.DisposeAsync();
        Daemon.Dispose();
        await Node.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
