using System.Security.Cryptography;
using System.Text;
using HyperActors.Api;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace HyperActors.Daemon;

/// <summary>Who may call: whoever reaches the Unix socket, and on the loopback address whoever has the token.</summary>
/// <remarks>
/// A page in a browser can reach the loopback address, by its own name or by a name that suddenly means 127.0.0.1. So the
/// host must be a name of this machine, the origin must be the API itself, and the token is never in a cookie.
/// </remarks>
internal sealed class Guard(string? token)
{
    private const string WebSocketToken = "bearer.";

    private static readonly string[] Hosts = ["127.0.0.1", "localhost", "[::1]"];

    private readonly byte[]? _token = token is null ? null : Encoding.UTF8.GetBytes(token);

    /// <summary>What every answer says to a browser.</summary>
    public static void AddHeaders(HttpResponse response)
    {
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.ContentSecurityPolicy =
            "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    }

    public Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        AddHeaders(context.Response);
        HttpRequest request = context.Request;
        bool isTcp = context.Connection.LocalIpAddress is not null;
        if (!Hosts.Contains(request.Host.Host, StringComparer.OrdinalIgnoreCase)
            || (isTcp && (request.Host.Port ?? 80) != context.Connection.LocalPort))
        {
            return RefuseAsync(
                context, ApiCodes.Forbidden, $"the host '{request.Host}' is not this machine: call 127.0.0.1 or localhost with the right port");
        }

        StringValues origin = request.Headers.Origin;
        if (origin.Count > 0 && !string.Equals(origin.ToString(), $"http://{request.Host}", StringComparison.OrdinalIgnoreCase))
        {
            return RefuseAsync(context, ApiCodes.Forbidden, $"a page of '{origin}' may not call this node");
        }

        if (request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site")
        {
            return RefuseAsync(context, ApiCodes.Forbidden, "a page of another site may not call this node");
        }

        if (MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? media)
            && media.Charset.Length > 0 && !media.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            return RefuseAsync(context, ApiCodes.UnsupportedMediaType, "a body is UTF-8");
        }

        bool isOpen = context.GetEndpoint()?.Metadata.GetMetadata<OpenToAll>() is not null;
        if (isTcp && !isOpen && !HasToken(request))
        {
            return RefuseAsync(
                context, ApiCodes.Unauthorized, "send Authorization: Bearer and the token that stands in the file api-token of the storage");
        }

        return next(context);
    }

    private static Task RefuseAsync(HttpContext context, string code, string detail) =>
        Problems.WriteAsync(context, ApiProblem.Of(code, detail));

    private bool HasToken(HttpRequest request)
    {
        if (_token is null)
        {
            return false;
        }

        string authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return IsToken(authorization.AsSpan("Bearer ".Length).Trim());
        }

        // A browser's WebSocket can send no other header of its own.
        foreach (string protocol in request.Headers.SecWebSocketProtocol.ToString().Split(',', StringSplitOptions.TrimEntries))
        {
            if (protocol.StartsWith(WebSocketToken, StringComparison.Ordinal) && IsToken(protocol.AsSpan(WebSocketToken.Length)))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsToken(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return CryptographicOperations.FixedTimeEquals(bytes, _token);
    }

    /// <summary>Marks what needs no token: it tells nothing and does nothing.</summary>
    public sealed class OpenToAll
    {
        public static OpenToAll Instance { get; } = new();
    }
}
