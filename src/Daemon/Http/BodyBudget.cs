using System.Buffers;
using System.IO.Pipelines;
using HyperActors.Api;
using Microsoft.AspNetCore.Http.Features;

namespace HyperActors.Daemon;

/// <summary>Memory for bodies that are being received, shared by all callers.</summary>
internal sealed class BodyBudget(DaemonLimits limits)
{
    private long _used;

    /// <summary>Reads a whole body of at most <paramref name="maxBytes"/>, and hands it to <paramref name="use"/>.</summary>
    public async Task<T> ReadAsync<T>(
        HttpContext context, int maxBytes, Func<ReadOnlyMemory<byte>, Task<T>> use, CancellationToken cancellationToken)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bodySize)
        {
            bodySize.MaxRequestBodySize = maxBytes;
        }

        var bytes = new ArrayBufferWriter<byte>(4096);
        long reserved = 0;
        try
        {
            PipeReader reader = context.Request.BodyReader;
            while (true)
            {
                ReadResult result = await reader.ReadAsync(cancellationToken);
                long size = result.Buffer.Length;
                if (bytes.WrittenCount + size > maxBytes)
                {
                    throw new ApiException(ApiCodes.BodyTooLarge, $"the body has more than {maxBytes} bytes; send less at a time");
                }

                reserved += size;
                if (Interlocked.Add(ref _used, size) > limits.Api.MaxBufferedBytes)
                {
                    throw new ApiException(ApiCodes.Busy, "too much is being received at the moment; try again");
                }

                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    bytes.Write(segment.Span);
                }

                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return await use(bytes.WrittenMemory);
                }
            }
        }
        finally
        {
            Interlocked.Add(ref _used, -reserved);
        }
    }
}

/// <summary>The limits in use: replaced as a whole when the configuration is read again.</summary>
internal sealed class DaemonLimits(ApiOptions api)
{
    private ApiOptions _api = api;
    private int _streams;

    public ApiOptions Api
    {
        get => Volatile.Read(ref _api);
        set => Volatile.Write(ref _api, value);
    }

    /// <summary>Streams that are open.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Takes the place of a stream; give it back with <see cref="LeaveStream"/>.</summary>
    /// <exception cref="ApiException">There are too many.</exception>
    public void EnterStream()
    {
        if (Interlocked.Increment(ref _streams) > Api.MaxStreams)
        {
            LeaveStream();
            throw new ApiException(ApiCodes.Busy, $"there are {Api.MaxStreams} streams already; close one first");
        }
    }

    public void LeaveStream() => Interlocked.Decrement(ref _streams);
}
