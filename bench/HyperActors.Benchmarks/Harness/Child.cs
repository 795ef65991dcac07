using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace HyperActors.Benchmarks.Harness;

/// <summary>One process that does one side of one row: arguments in, JSON lines out, ended by its standard input.</summary>
public sealed class Child : IAsyncDisposable
{
    /// <summary>No row takes longer; one that does hangs.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly string _name;
    private readonly string _scratch;
    private readonly StringBuilder _errors = new();

    private Child(string name, string program, IEnumerable<string> arguments)
    {
        _name = name;
        _scratch = Directory.CreateTempSubdirectory("hyperactors-bench-").FullName;
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["TMPDIR"] = _scratch;
        start.Environment["NODE_PATH"] = Checkout.PathOf("tests", "Interop.Tests", "js", "node_modules");
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        _process.ErrorDataReceived += (_, e) =>
        {
            lock (_errors)
            {
                _errors.AppendLine(e.Data);
            }
        };
        _process.BeginErrorReadLine();
    }

    /// <summary>A child on Node: bench/js/hypercore.js.</summary>
    public static Child JavaScript(params string[] arguments) => Script("hypercore.js", arguments);

    /// <summary>A child on Node: any script of bench/js.</summary>
    public static Child Script(string script, params string[] arguments) =>
        new("JavaScript", "node", [Checkout.PathOf("bench", "js", script), .. arguments]);

    /// <summary>A child of ours: this program again.</summary>
    public static Child HyperActors(params string[] arguments) =>
        new("HyperActors", Environment.ProcessPath!, IsHostedByDotnet ? [typeof(Child).Assembly.Location, "child", .. arguments] : ["child", .. arguments]);

    private static bool IsHostedByDotnet => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";

    /// <summary>Processor time of the child so far; it must still run.</summary>
    public double ProcessorSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>Waits until the child says that it can be connected to.</summary>
    public async Task<JsonElement> ReadyAsync()
    {
        JsonElement ready = default;
        await ReadUntilAsync("sign of being ready", line => Measurement.TryProperty(line, "ready", out ready));
        return ready;
    }

    /// <summary>Waits for figures of a shape of their own.</summary>
    public async Task<JsonElement> ResultAsync()
    {
        JsonElement result = default;
        await ReadUntilAsync("result", line => Measurement.TryProperty(line, "result", out result));
        return result;
    }

    /// <summary>Waits for the child's figures.</summary>
    public async Task<Measurement> MeasurementAsync()
    {
        Measurement? measurement = null;
        await ReadUntilAsync("measurement", line => Measurement.TryParse(line, out measurement));
        return measurement!;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Directory.Delete(_scratch, recursive: true);
    }

    private async Task ReadUntilAsync(string what, Func<string, bool> isIt)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            while (await _process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
            {
                if (isIt(line))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw Failure($"said no {what} within {Deadline}");
        }

        throw Failure($"ended without a {what}");
    }

    private InvalidOperationException Failure(string what)
    {
        lock (_errors)
        {
            return new InvalidOperationException($"the {_name} side {what}: {_errors}");
        }
    }
}
