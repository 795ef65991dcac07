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
        var acknowledged = new long[Kills];
        for (int run = 0; run < Kills; run++)
        {
            acknowledged[run] = await AppendUntilKilledAsync(run, chance);
        }

        // Up to the length that a run acknowledged there is nothing but lines of that run and those before it.
        using RunningCli cat = _sandbox.Start("feed", "cat", "notes", "--json");
        cat.CloseInput();
        using var output = new StreamReader(cat.Output);
        string? line = await output.ReadLineAsync().WaitAsync(Sandbox.Deadline);
        int at = 0;
        for (int run = 0; run < Kills; run++)
        {
            for (int i = 0; line is not null && Content(line) == Line(run, i); i++)
            {
                at++;
                line = await output.ReadLineAsync().WaitAsync(Sandbox.Deadline);
            }

            Assert.True(at >= acknowledged[run], $"seed {seed}, run {run}: {acknowledged[run]} lines were acknowledged, {at} are there");
        }

        Assert.True(line is null, $"seed {seed}: line {at} is something else than what was appended");
        Assert.True(acknowledged.Count(length => length > 0) > Kills / 2, "the kills came too early to mean anything");
        log.WriteLine($"{at} lines survived {Kills} kills");
    }

    /// <summary>Appends lines without end, in pieces of many sizes, until the process is killed.</summary>
    /// <returns>The length that it acknowledged last, 0 when there was no time for any.</returns>
    private async Task<long> AppendUntilKilledAsync(int run, Random chance)
    {
        using RunningCli append = _sandbox.Start("feed", "append", "notes", "--lines", "--json", "-v");
        using var stop = new CancellationTokenSource();
        Task writing = WriteAsync(append, run, stop.Token);

        // One in four is killed while it starts, the others in the middle of appending, also on a slow machine.
        long acknowledged = 0;
        for (int seen = chance.Next(4) == 0 ? 0 : chance.Next(1, 20); seen > 0; seen--)
        {
            acknowledged = Length(await append.ReadLineAsync()) ?? acknowledged;
        }

        Task<long> acknowledging = LastAcknowledgedAsync(append, acknowledged);
        await Task.Delay(chance.Next(100));
        append.Signal(PosixSignalNumber.Kill);
        acknowledged = await acknowledging;
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

            // A pace that any machine keeps, so that what is appended in all stays within bounds.
            await Task.Delay(1, CancellationToken.None);
        }
    }

    private static async Task<long> LastAcknowledgedAsync(RunningCli append, long length)
    {
        while (await append.ReadLineAsync() is { } line)
        {
            length = Length(line) ?? length;
        }

        return length;
    }

    /// <summary>The length that a line acknowledges; null for one that the kill has torn, which acknowledges nothing.</summary>
    private static long? Length(string? line) =>
        line?.EndsWith('}') == true ? JsonDocument.Parse(line).RootElement.GetProperty("length").GetInt64() : null;

    private static string Line(int run, int index) => string.Create(CultureInfo.InvariantCulture, $"run {run} line {index} {new string('x', index % 300)}");

    private static string Content(string json) =>
        Encoding.UTF8.GetString(JsonDocument.Parse(json).RootElement.GetProperty("base64").GetBytesFromBase64());
}
