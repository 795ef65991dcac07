using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Nat.Tests;

/// <summary>The executable in a namespace, telling in lines of JSON what happens to it.</summary>
internal sealed class SwarmProcess
{
    private static readonly string Executable = Repository.Executable(Path.Combine(AppContext.BaseDirectory, "hyperactors"));

    private readonly Process _process;
    private readonly BlockingCollection<JsonElement> _events = [];
    private readonly ConcurrentQueue<string> _lines = new();

    private SwarmProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
            {
                _lines.Enqueue(text);
                _events.Add(JsonDocument.Parse(text).RootElement);
            }
            else if (line.Data is null)
            {
                _events.CompleteAdding();
            }
        };
        process.ErrorDataReceived += (_, line) => _lines.Enqueue(line.Data ?? string.Empty);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Starts a verb; its last words are <c>--json</c>.</summary>
    public static SwarmProcess Start(NatLab lab, string inNamespace, params IEnumerable<string> arguments) =>
        new(lab.Start(inNamespace, Executable, [.. arguments, "--json"]));

    /// <summary>The next event of that name.</summary>
    /// <returns>Null when there is none within <paramref name="patience"/>, or the process has ended.</returns>
    public async Task<JsonElement?> WaitForAsync(string name, TimeSpan patience)
    {
        using var stop = new CancellationTokenSource(patience);
        return await Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return _events.GetConsumingEnumerable(stop.Token)
                        .Where(e => e.TryGetProperty("event", out JsonElement said) && said.ValueEquals(name))
                        .Cast<JsonElement?>()
                        .FirstOrDefault();
                }
                catch (OperationCanceledException)
                {
                    return null;
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    /// <summary>What it has written.</summary>
    public override string ToString() => $"process {_process.Id}: {string.Join('\n', _lines)}";
}
