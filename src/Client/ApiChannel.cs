using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using HyperActors.Abstractions;
using HyperActors.Api;

namespace HyperActors.Client;

/// <summary>Calls to one daemon. Problems come back as the exceptions that an embedded node throws.</summary>
internal sealed class ApiChannel : IDisposable
{
    private readonly HttpClient _http;
    private readonly CancellationTokenSource _closed = new();

    private ApiChannel(HttpClient http) => _http = http;

    /// <summary>Cancelled when the channel is closed.</summary>
    public CancellationToken Closed => _closed.Token;

    public static ApiChannel ToSocket(string path)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new ApiChannel(Make(handler, new Uri("http://localhost")));
    }

    public static ApiChannel ToAddress(Uri address, string token)
    {
        HttpClient http = Make(new SocketsHttpHandler { UseProxy = false }, address);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new ApiChannel(http);
    }

    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(new(HttpMethod.Get, path), cancellationToken).ConfigureAwait(false);
        return await ReadAsync(answer, type, cancellationToken).ConfigureAwait(false);
    }

    public async Task<TAnswer> SendAsync<TBody, TAnswer>(
        HttpMethod method,
        string path,
        TBody body,
        JsonTypeInfo<TBody> bodyType,
        JsonTypeInfo<TAnswer> answerType,
        CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(method, path) { Content = Json(body, bodyType) };
        using HttpResponseMessage answer = await SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ReadAsync(answer, answerType, cancellationToken).ConfigureAwait(false);
    }

    public async Task SendAsync<TBody>(
        HttpMethod method, string path, TBody body, JsonTypeInfo<TBody> bodyType, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(method, path) { Content = Json(body, bodyType) };
        (await SendAsync(request, cancellationToken).ConfigureAwait(false)).Dispose();
    }

    public async Task SendAsync(HttpMethod method, string path, CancellationToken cancellationToken) =>
        (await SendAsync(new HttpRequestMessage(method, path), cancellationToken).ConfigureAwait(false)).Dispose();

    /// <summary>Sends a request; the answer's body is still on its way.</summary>
    /// <exception cref="HyperActorsException">The daemon refuses, or is not there.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new HyperActorsException($"the daemon does not answer: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Gone(null);
        }

        if (answer.IsSuccessStatusCode)
        {
            return answer;
        }

        using (answer)
        {
            throw ToException(await ProblemOfAsync(answer, cancellationToken).ConfigureAwait(false));
        }
    }

    /// <summary>The events of a stream, until it ends.</summary>
    /// <param name="request">What asks for the stream.</param>
    /// <param name="cancellationToken">Leaves the stream.</param>
    public async IAsyncEnumerable<ServerEvent> StreamAsync(
        HttpRequestMessage request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
        using HttpResponseMessage answer = await SendAsync(request, either.Token).ConfigureAwait(false);
        Stream body = await answer.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        var reader = new ServerEventReader(body);
        await using (body.ConfigureAwait(false))
        {
            while (await NextAsync(reader, cancellationToken, either.Token).ConfigureAwait(false) is { } happened)
            {
                if (happened.Name == "end")
                {
                    yield break;
                }

                yield return happened.Name == "error"
                    ? throw ToException(JsonSerializer.Deserialize(happened.Data.Span, ApiJson.Default.ApiProblem)!)
                    : happened;
            }
        }
    }

    public static HyperActorsException Gone(Exception? cause) => cause is null
        ? new HyperActorsException("the connection to the daemon was closed")
        : new HyperActorsException($"the daemon has gone: {cause.Message}", cause);

    public static Exception ToException(ApiProblem problem) => problem.Code switch
    {
        ApiCodes.FeedNotFound => new FeedNotFoundException(problem.Detail),
        ApiCodes.FeedNotWritable => new FeedNotWritableException(problem.Detail),
        ApiCodes.BlockTooLarge => new BlockTooLargeException(problem.Detail),
        ApiCodes.FeedFailed => new FeedFailedException(problem.Detail),
        ApiCodes.ConnectionFailed => new ConnectionFailedException(problem.Detail),
        ApiCodes.OutOfRange => new ArgumentOutOfRangeException(null, problem.Detail),
        ApiCodes.BadRequest => new ArgumentException(problem.Detail, (string?)null),
        _ => new RemoteException(problem),
    };

    public void Dispose()
    {
        _closed.Cancel();
        _http.Dispose();
        _closed.Dispose();
    }

    private static HttpClient Make(SocketsHttpHandler handler, Uri address) =>
        new(handler) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };

    private static ByteArrayContent Json<T>(T body, JsonTypeInfo<T> type) =>
        new(JsonSerializer.SerializeToUtf8Bytes(body, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    private static async Task<ServerEvent?> NextAsync(
        ServerEventReader reader, CancellationToken callers, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            callers.ThrowIfCancellationRequested();
            throw Gone(null);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Gone(e);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        try
        {
            Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return (await JsonSerializer.DeserializeAsync(body, type, cancellationToken).ConfigureAwait(false))!;
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Gone(e);
        }
    }

    private static async Task<ApiProblem> ProblemOfAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            if (answer.Content.Headers.ContentType?.MediaType == ApiProblem.ContentType)
            {
                return await ReadAsync(answer, ApiJson.Default.ApiProblem, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (JsonException)
        {
            // Whoever answers there is no daemon of ours.
        }

        return answer.StatusCode == HttpStatusCode.NotFound && answer.RequestMessage?.Method == HttpMethod.Head
            ? ApiProblem.Of(ApiCodes.NotHere, "it is not here")
            : ApiProblem.Of(ApiCodes.Internal, $"the daemon answered with {(int)answer.StatusCode}");
    }
}

/// <summary>A problem for which embedded nodes have no exception of its own.</summary>
public sealed class RemoteException(ApiProblem problem) : HyperActorsException(problem.Detail)
{
    /// <summary>What the daemon said.</summary>
    public ApiProblem Problem { get; } = problem;
}
