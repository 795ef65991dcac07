using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace HyperActors.Client;

/// <summary>One server-sent event.</summary>
/// <param name="Name">Its kind.</param>
/// <param name="Data">Its data.</param>
internal sealed record ServerEvent(string Name, ReadOnlyMemory<byte> Data);

/// <summary>Cuts a stream into server-sent events.</summary>
internal sealed class ServerEventReader(Stream stream)
{
    private readonly PipeReader _reader = PipeReader.Create(stream);
    private readonly ArrayBufferWriter<byte> _data = new();
    private string _name = "message";
    private bool _hasData;

    /// <returns>Null at the end.</returns>
    public async ValueTask<ServerEvent?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                ReadOnlySequence<byte> line = buffer.Slice(0, end);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                if (TakeLine(line.IsSingleSegment ? line.FirstSpan : line.ToArray()) is { } happened)
                {
                    _reader.AdvanceTo(buffer.Start);
                    return happened;
                }
            }

            _reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return null;
            }
        }
    }

    private ServerEvent? TakeLine(ReadOnlySpan<byte> line)
    {
        if (line.EndsWith("\r"u8))
        {
            line = line[..^1];
        }

        if (line.IsEmpty)
        {
            if (!_hasData)
            {
                _name = "message";
                return null;
            }

            var happened = new ServerEvent(_name, _data.WrittenSpan.ToArray());
            _name = "message";
            _hasData = false;
            _data.ResetWrittenCount();
            return happened;
        }

        int colon = line.IndexOf((byte)':');
        ReadOnlySpan<byte> field = colon < 0 ? line : line[..colon];
        ReadOnlySpan<byte> value = colon < 0 ? [] : line[(colon + 1)..];
        value = value.StartsWith(" "u8) ? value[1..] : value;
        if (field.SequenceEqual("event"u8))
        {
            _name = Encoding.UTF8.GetString(value);
        }
        else if (field.SequenceEqual("data"u8))
        {
            if (_hasData)
            {
                _data.Write("\n"u8);
            }

            _hasData = true;
            _data.Write(value);
        }

        return null;
    }
}
