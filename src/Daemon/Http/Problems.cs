using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace HyperActors.Daemon;

/// <summary>Exceptions and empty answers as problems.</summary>
internal static class Problems
{
    /// <summary>Answers with a problem whatever goes wrong further in.</summary>
    public static async Task CatchAsync(HttpContext context, RequestDelegate next, ILogger log)
    {
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response.StatusCode >= 400 && context.Response.ContentType is null)
            {
                await WriteAsync(context, OfStatus(context.Response.StatusCode));
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has left.
        }
        catch (ConnectionResetException)
        {
            // The caller has left.
        }
#pragma warning disable CA1031 // The last stop before the caller: whatever it is becomes a problem.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            ApiProblem problem = Explain(failure);
            if (problem.Code == ApiCodes.Internal)
            {
                Log.CallFailed(log, context.Request.Method, context.GetEndpoint()?.DisplayName ?? "?", failure);
            }

            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            Guard.AddHeaders(context.Response);
            await WriteAsync(context, problem);
        }
    }

    public static ApiProblem Explain(Exception failure) => failure switch
    {
        ApiException e => ApiProblem.Of(e.Code, e.Message),
        BadHttpRequestException { StatusCode: 413 } e => ApiProblem.Of(ApiCodes.BodyTooLarge, e.Message),
        BadHttpRequestException { StatusCode: 408 } e => ApiProblem.Of(ApiCodes.BodyTooSlow, e.Message),
        BadHttpRequestException { StatusCode: 415 } e => ApiProblem.Of(ApiCodes.UnsupportedMediaType, e.Message),
        BadHttpRequestException { InnerException: JsonException inner } => ApiProblem.Of(ApiCodes.BadRequest, Words(inner)),
        BadHttpRequestException e when e.Message.StartsWith("Implicit body", StringComparison.Ordinal) =>
            ApiProblem.Of(ApiCodes.BadRequest, $"the request needs a body of JSON; {ApiRoutes.OpenApi} says which"),
        BadHttpRequestException e => ApiProblem.Of(ApiCodes.BadRequest, e.Message),
        JsonException e => ApiProblem.Of(ApiCodes.BadRequest, Words(e)),
        FeedNotFoundException => ApiProblem.Of(ApiCodes.FeedNotFound, failure.Message),
        FeedNotWritableException => ApiProblem.Of(ApiCodes.FeedNotWritable, failure.Message),
        BlockTooLargeException => ApiProblem.Of(ApiCodes.BlockTooLarge, failure.Message),
        FeedFailedException => ApiProblem.Of(ApiCodes.FeedFailed, failure.Message),
        ConnectionFailedException => ApiProblem.Of(ApiCodes.ConnectionFailed, failure.Message),
        NotSupportedException => ApiProblem.Of(ApiCodes.NotSupported, failure.Message),
        HyperActorsException => ApiProblem.Of(ApiCodes.NodeFailed, failure.Message),
        ArgumentOutOfRangeException => ApiProblem.Of(ApiCodes.OutOfRange, failure.Message),
        ArgumentException or FormatException => ApiProblem.Of(ApiCodes.BadRequest, failure.Message),
        ObjectDisposedException or OperationCanceledException => ApiProblem.Of(ApiCodes.Stopping, "the node is stopping"),
        _ => ApiProblem.Of(ApiCodes.Internal, $"{failure.GetType().Name}: the log of the daemon says more"),
    };

    public static Task WriteAsync(HttpContext context, ApiProblem problem)
    {
        context.Response.StatusCode = problem.Status;
        context.Response.ContentType = ApiProblem.ContentType;
        if (problem.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        if (context.Request.ContentLength > 0 || context.Request.Headers.TransferEncoding.Count > 0)
        {
            // A refused body is not waited for.
            context.Response.Headers.Connection = "close";
        }

        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : JsonSerializer.SerializeAsync(
                context.Response.Body, problem, ApiJson.Default.ApiProblem, context.RequestAborted);
    }

    private static ApiProblem OfStatus(int status) => status switch
    {
        StatusCodes.Status404NotFound => ApiProblem.Of(ApiCodes.NotFound, $"{ApiRoutes.OpenApi} lists what there is"),
        StatusCodes.Status405MethodNotAllowed => ApiProblem.Of(ApiCodes.MethodNotAllowed, $"{ApiRoutes.OpenApi} lists what there is"),
        StatusCodes.Status413PayloadTooLarge => ApiProblem.Of(ApiCodes.BodyTooLarge, "send less at a time"),
        StatusCodes.Status415UnsupportedMediaType => ApiProblem.Of(
            ApiCodes.UnsupportedMediaType, "the body is JSON: say so with Content-Type: application/json"),
        _ => ApiProblem.Of(ApiCodes.BadRequest, $"the request was refused with {status}"),
    };

    private static string Words(JsonException e) => e.Path is { Length: > 1 } path ? $"at {path}: {e.Message}" : e.Message;
}
