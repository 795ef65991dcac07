using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using HyperActors.Api;
using Microsoft.AspNetCore.Http.Features;

namespace HyperActors.Daemon;

/// <summary>An answer of server-sent events. It ends with an event <c>end</c>, or <c>error</c> with a problem.</summary>
internal sealed class EventStream
{
    private readonly HttpContext _context;
    private readonly PipeWriter _writer;

    private EventStream(HttpContext context) => (_context, _writer) = (context, context.Response.BodyWriter);

    /// <summary>Runs a stream until its work is done, its reader leaves or the node stops.</summary>
    public static async Task RunAsync(
        HttpContext context, DaemonNode node, DaemonLimits limits, Func<EventStream, CancellationToken, Task> work)
    {
        limits.EnterStream();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, node.Stopping);
        try
        {
            context.Response.ContentType = "text/event-stream";
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await context.Response.StartAsync(stop.Token);
            await context.Response.BodyWriter.FlushAsync(stop.Token);
            var stream = new EventStream(context);
            try
            {
                await work(stream, stop.Token);
                await stream.EndAsync();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                await stream.EndAsync();
            }
#pragma warning disable CA1031 // Whatever it is becomes the last event.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                await stream.SendAsync("error", Problems.Explain(failure), ApiJson.Default.ApiProblem, null, context.RequestAborted);
            }
        }
        finally
        {
            limits.LeaveStream();
        }
    }

    /// <summary>Sends one event; returns when the reader's window has room for the next.</summary>
    public async ValueTask SendAsync<T>(string name, T value, JsonTypeInfo<T> type, string? id, CancellationToken cancellationToken)
    {
        _writer.Write("event: "u8);
        Encoding.UTF8.GetBytes(name, _writer);
        if (id is not null)
        {
            _writer.Write("\nid: "u8);
            Encoding.UTF8.GetBytes(id, _writer);
        }

        // Compact JSON has no line ends.
        _writer.Write("\ndata: "u8);
        using (var json = new Utf8JsonWriter(_writer))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        _writer.Write("\n\n"u8);
        await _writer.FlushAsync(cancellationToken);
    }

    private async ValueTask EndAsync()
    {
        if (!_context.RequestAborted.IsCancellationRequested)
        {
            _writer.Write("event: end\ndata: {}\n\n"u8);
            await _writer.FlushAsync(CancellationToken.None);
        }
    }
}
