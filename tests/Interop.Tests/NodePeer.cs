using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>A JavaScript process that does as it is told: JSON lines in, answers and events out (js/lib/lines.js).</summary>
/// <remarks>
/// Every wait has a deadline, and a wait that fails shows what the process wrote to its standard error. Disposal kills
/// the process with all of its children and removes what it kept on disk.
/// </remarks>
public sealed class NodePeer : IAsyncDisposable
{
    private const int MinNodeVersion = 20;

    private static readonly TimeSpan ExitGrace = TimeSpan.FromSeconds(5);

    private static readonly Lazy<string?> Missing = new(FindWhatIsMissing);

    private readonly Process _process;
    private readonly string _scratch;
    private readonly string _script;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _questions = new();
    private readonly Lock _eventLock = new();
    private readonly List<JsonElement> _events = [];
    private readonly Channel<bool> _eventSignal = Channel.CreateUnbounded<bool>();
    private long _lastId;

    private NodePeer(string script)
    {
        _script = script;
        _scratch = Directory.CreateTempSubdirectory("hyperactors-peer-").FullName;
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(Path.Combine(Folder, script));
        start.Environment["TMPDIR"] = _scratch;
        _process = Process.Start(start) ?? throw new InvalidOperationException("node did not start");
        _process.OutputDataReceived += (_, e) => TakeLine(e.Data);
        _process.ErrorDataReceived += (_, e) => TakeError(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Why no peer can run on this machine; null when one can.</summary>
    public static string? SkipReason => Missing.Value;

    /// <summary>How long a wait lasts that names no patience of its own.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>A folder of the peer's own, gone with it.</summary>
    public string Scratch => _scratch;

    private static string Folder { get; } = Repository.PathOf("tests", "Interop.Tests", "js");

    /// <summary>Starts a script of the folder js and waits until it listens to us.</summary>
    public static async Task<NodePeer> StartAsync(string script = "peer.js")
    {
        var peer = new NodePeer(script);
        try
        {
            await peer.WaitForAsync("ready");
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>The block that a seed and an index decide, the same in js/lib/pattern.js.</summary>
    public static byte[] Pattern(uint seed, uint index, int size)
    {
        byte[] block = new byte[(size + 3) / 4 * 4];
        uint x = unchecked((seed * 0x9e3779b1u) + ((index + 1) * 0x85ebca77u));
        x = x == 0 ? 1 : x;
        for (int i = 0; i < block.Length; i += 4)
        {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(i), x);
        }

        return block[..size];
    }

    /// <summary>Has the peer do something and waits for its answer.</summary>
    /// <exception cref="NodePeerException">The peer refused, ended, or did not answer in time.</exception>
    public async Task<JsonElement> AskAsync(string verb, object? arguments = null, TimeSpan? patience = null)
    {
        JsonObject request = JsonSerializer.SerializeToNode(arguments ?? new { })!.AsObject();
        long id = Interlocked.Increment(ref _lastId);
        request["id"] = id;
        request["do"] = verb;
        var question = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _questions[id] = question;
        try
        {
            Send(request.ToJsonString());
            JsonElement answer = await question.Task.WaitAsync(patience ?? DefaultPatience);
            return answer.TryGetProperty("ok", out JsonElement ok)
                ? ok
                : throw Failure($"'{verb}' was refused: {answer.GetProperty("error").GetString()}", null);
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            throw Failure($"'{verb}' got no answer within {patience ?? DefaultPatience}", e);
        }
        finally
        {
            _questions.TryRemove(id, out _);
        }
    }

    /// <summary>Waits for an event, one that has already happened included, and takes it.</summary>
    public async Task<JsonElement> WaitForAsync(string name, Func<JsonElement, bool>? matches = null, TimeSpan? patience = null)
    {
        using var deadline = new CancellationTokenSource(patience ?? DefaultPatience);
        try
        {
            while (true)
            {
                if (TryTakeEvent(name, matches, out JsonElement found))
                {
                    return found;
                }

                await _eventSignal.Reader.ReadAsync(deadline.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw Failure($"no event '{name}' within {patience ?? DefaultPatience}", e);
        }
    }

    /// <summary>The events that happened so far and were not waited for.</summary>
    public IReadOnlyList<JsonElement> EventsSoFar(string name)
    {
        lock (_eventLock)
        {
            return _events.Where(e => string.Equals(e.Text("event"), name, StringComparison.Ordinal)).ToList();
        }
    }

    /// <summary>Kills the process at once, as <c>kill -9</c> does.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                Kill();
            }

            using var deadline = new CancellationTokenSource(DefaultPatience);
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself between the look and the kill.
        }

        _process.Dispose();
        Directory.Delete(_scratch, recursive: true);
    }

    private static string? FindWhatIsMissing()
    {
        try
        {
            var start = new ProcessStartInfo("node", "--version") { RedirectStandardOutput = true, UseShellExecute = false };
            using Process node = Process.Start(start)!;
            string version = node.StandardOutput.ReadToEnd().Trim();
            node.WaitForExit();
            if (int.Parse(version.TrimStart('v').Split('.')[0], CultureInfo.InvariantCulture) < MinNodeVersion)
            {
                return $"Node {MinNodeVersion} or newer is needed, this machine has {version}";
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return $"Node {MinNodeVersion} or newer is needed, this machine has none";
        }

        return Directory.Exists(Path.Combine(Folder, "node_modules", "hypercore"))
            ? null
            : "the JavaScript peers are not installed: run npm ci in tests/Interop.Tests/js";
    }

    private void Send(string line)
    {
        lock (_process)
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
    }

    private bool TryTakeEvent(string name, Func<JsonElement, bool>? matches, out JsonElement found)
    {
        lock (_eventLock)
        {
            int index = _events.FindIndex(e =>
                string.Equals(e.Text("event"), name, StringComparison.Ordinal) && (matches is null || matches(e)));
            found = index < 0 ? default : _events[index];
            if (index >= 0)
            {
                _events.RemoveAt(index);
            }

            return index >= 0;
        }
    }

    private void TakeLine(string? line)
    {
        if (line is null)
        {
            End();
            return;
        }

        JsonElement message;
        try
        {
            message = JsonSerializer.Deserialize<JsonElement>(line);
        }
        catch (JsonException)
        {
            TakeError($"not JSON: {line}");
            return;
        }

        if (message.TryGetProperty("id", out JsonElement id))
        {
            if (message.TryGetProperty("stack", out JsonElement stack))
            {
                TakeError(stack.GetString());
            }

            if (_questions.TryGetValue(id.GetInt64(), out TaskCompletionSource<JsonElement>? question))
            {
                question.TrySetResult(message);
            }

            return;
        }

        lock (_eventLock)
        {
            _events.Add(message);
        }

        _eventSignal.Writer.TryWrite(true);
    }

    private void TakeError(string? line)
    {
        if (line is not null)
        {
            _errors.Enqueue(line);
        }
    }

    private void End()
    {
        _eventSignal.Writer.TryComplete();
        foreach (TaskCompletionSource<JsonElement> question in _questions.Values)
        {
            question.TrySetException(new IOException("the process ended"));
        }
    }

    private NodePeerException Failure(string what, Exception? inner)
    {
        // Its output ends a moment before it does.
        string state = _process.WaitForExit(inner is IOException or ChannelClosedException ? ExitGrace : TimeSpan.Zero) ? $"it has ended with {_process.ExitCode}" : "it still runs";
        string errors = _errors.IsEmpty ? "nothing on standard error" : string.Join(Environment.NewLine, _errors);
        return new NodePeerException($"{_script}: {what}; {state}; {errors}", inner);
    }
}

/// <summary>A JavaScript peer refused, ended, or was not heard of in time.</summary>
public sealed class NodePeerException(string message, Exception? inner) : Exception(message, inner);
