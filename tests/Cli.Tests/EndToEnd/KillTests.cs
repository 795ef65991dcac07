using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary><c>kill -9</c> of a process that appends, a hundred times: what it acknowledged is there.</summary>
public sealed class KillTests(ITestOutputHelper log) : IDisposable
{
    private const int Kills = 100;

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task A_hundred_kills_at_any_moment_lose_nothing_that_was_acknowledged()
    {
        string? given = Environment.GetEnvironmentVariable("HYPERACTORS_SEED");
        int seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        log.WriteLine($"HYPERACTORS_SEED={seed}");
        var chance = new Random(seed);
        await _sandbox.OkAsync("feed", "create", "notes");
        long length = 0;
        for (int run = 0; run < Kills; run++)
        {
            long acknowledged = await AppendUntilKilledAsync(run, TimeSpan.FromMilliseconds(chance.Next(400)), length);
            Outcome cat = await _sandbox.RunAsync("feed", "cat", "notes", "--from", $"{length}", "--json");
            Assert.True(cat.ExitCode == 0, $"seed {seed}, run {run}: {cat.Error}");
            string[] lines = [.. cat.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Content)];
            Assert.True(lines.Length >= acknowledged - length, $"seed {seed}, run {run}: {acknowledged} acknowledged, {length + lines.Length} there");
            Assert.True(
                lines.Select((line, i) => line == Line(run, i)).All(same => same),
                $"seed {seed}, run {run}: something else than what was appended");
            length += lines.Length;
        }

        log.WriteLine($"{length} lines survived {Kills} kills");
    }

    /// <summary>Appends lines without end, in pieces of many sizes, until the process is killed.</summary>
    /// <returns>The length that it acknowledged last.</returns>
    private async Task<long> AppendUntilKilledAsync(int run, TimeSpan after, long length)
    {
        using RunningCli append = _sandbox.Start("feed", "append", "notes", "--lines", "--json", "-v");
        using var stop = new CancellationTokenSource();
        Task writing = WriteAsync(append, run, stop.Token);
        Task<long> acknowledging = LastAcknowledgedAsync(append, length);
        await Task.Delay(after);
        append.Signal(PosixSignalNumber.Kill);
        long acknowledged = await acknowledging;
        await append.ExitAsync();
        await stop.CancelAsync();
        await writing;
        return acknowledged;
    }

    private static async Task WriteAsync(RunningCli append, int run, CancellationToken cancellationToken)
    {
        for (int i = 0; !cancellationToken.IsCancellationRequested;)
        {
            int count = 1 << (i % 7);
            string piece = string.Concat(Enumerable.Range(i, count).Select(n => Line(run, n) + '\n'));
            i += count;
            if (!await append.WriteAsync(Encoding.UTF8.GetBytes(piece)))
            {
                return;
            }
        }
    }

    private static async Task<long> LastAcknowledgedAsync(RunningCli append, long length)
    {
        while (await append.ReadLineAsync() is { } line)
        {
            // The last line may be torn by the kill; what it was about to acknowledge was not acknowledged.
            if (line.EndsWith('}'))
            {
                length = JsonDocument.Parse(line).RootElement.GetProperty("length").GetInt64();
            }
        }

        return length;
    }

    private static string Line(int run, int index) => string.Create(CultureInfo.InvariantCulture, $"run {run} line {index} {new string('x', index % 300)}");

    private static string Content(string json) =>
        Encoding.UTF8.GetString(JsonDocument.Parse(json).RootElement.GetProperty("base64").GetBytesFromBase64());
}
