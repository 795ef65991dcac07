using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace HyperActors.Cli.Rendering;

/// <summary>Writes results to the standard output and everything else to the error output, a line at a time.</summary>
/// <remarks>Safe for use from any thread: a line is never torn.</remarks>
internal sealed class Printer(CliHost host, bool isJson, bool isVerbose)
{
    // Names and messages in any language stay readable: the output is no web page.
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _gate = new();

    /// <summary>Colours of the output.</summary>
    public Palette Palette { get; } = new(host, host.IsOutputTerminal);

    public bool IsJson => isJson;

    public bool IsVerbose => isVerbose;

    /// <summary>The result in words; nothing when <c>--json</c> is on.</summary>
    public void Line(string text)
    {
        if (!isJson)
        {
            Write(Encoding.UTF8.GetBytes(text + '\n'));
        }
    }

    /// <summary>Bytes for a terminal, with no line end behind them.</summary>
    public void Raw(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>A table in words, cut to the width of a terminal; nothing when <c>--json</c> is on.</summary>
    public void Table(TextTable table)
    {
        foreach (string line in table.Lines(Palette, host.IsOutputTerminal ? host.WindowSize().Width : int.MaxValue))
        {
            Line(line);
        }
    }

    /// <summary>The result as one line of JSON; nothing without <c>--json</c>.</summary>
    public void Json<T>(T value, JsonTypeInfo<T> type)
    {
        if (isJson)
        {
            Write(JsonLine(value, type));
        }
    }

    /// <summary>With <c>-v</c>: something on the way, as a line of JSON on the output, or in words on the error output.</summary>
    public void Detail<T>(T value, JsonTypeInfo<T> type, Func<T, string> inWords)
    {
        if (!isVerbose)
        {
            return;
        }

        if (isJson)
        {
            Write(JsonLine(value, type));
        }
        else
        {
            Note(inWords(value));
        }
    }

    /// <summary>A line on the error output, for people.</summary>
    public void Note(string text)
    {
        lock (_gate)
        {
            host.Error.WriteLine(text);
        }
    }

    /// <summary>A line of the node's log, on the error output.</summary>
    public void Log(string level, string message)
    {
        string line = message.ReplaceLineEndings(" ");
        Note(isJson
            ? Encoding.UTF8.GetString(JsonLine(new LogResult(level, line), ResultJson.Default.LogResult)).TrimEnd('\n')
            : $"{level}: {line}");
    }

    /// <summary>The one line that an error is.</summary>
    public void Error(int exitCode, string message)
    {
        string line = message.ReplaceLineEndings(" ");
        if (isJson)
        {
            var result = new ErrorResult(ExitCode.NameOf(exitCode), line, exitCode);
            line = Encoding.UTF8.GetString(JsonLine(result, ResultJson.Default.ErrorResult)).TrimEnd('\n');
        }
        else
        {
            line = $"{new Palette(host, host.IsErrorTerminal).Bad("hyperactors:")} {line}";
        }

        Note(line);
    }

    internal static byte[] JsonLine<T>(T value, JsonTypeInfo<T> type)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
        {
            JsonSerializer.Serialize(writer, value, type);
        }

        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    private void Write(byte[] line)
    {
        lock (_gate)
        {
            host.Output.Write(line);
            host.Output.Flush();
        }
    }
}
