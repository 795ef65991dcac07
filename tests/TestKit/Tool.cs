using System.Diagnostics;

namespace HyperActors.TestKit;

/// <summary>A program that a test runs to its end.</summary>
public static class Tool
{
    // A build on a machine that others work on; no test waits that long for anything that goes well.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs <c>dotnet</c>, and fails the test with all that it said unless it ends well.</summary>
    public static async Task<string> DotnetAsync(params string[] arguments)
    {
        // Nothing of it may go on after it: a server would hold the pipes open.
        (int status, string text) = await RunAsync("dotnet", [.. arguments, "-nodeReuse:false", "-p:UseSharedCompilation=false"], new()
        {
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_NOLOGO"] = "1",
        });
        return status == 0 ? text : throw new InvalidOperationException($"dotnet {string.Join(' ', arguments)} ended with {status}:\n{text}");
    }

    /// <summary>Runs a program: its exit code, and what it wrote to both outputs.</summary>
    /// <param name="program">Its path, or its name when it is on the PATH.</param>
    /// <param name="arguments">What it is told.</param>
    /// <param name="variables">What is different in its environment; null takes a variable away.</param>
    /// <param name="folder">Where it runs; null for here.</param>
    public static async Task<(int Status, string Text)> RunAsync(
        string program, IEnumerable<string> arguments, Dictionary<string, string?>? variables = null, string? folder = null)
    {
        using Process process = Start(program, arguments, variables, folder);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            string text = await output.WaitAsync(Patience) + await error.WaitAsync(Patience);
            await process.WaitForExitAsync().WaitAsync(Patience);
            return (process.ExitCode, text);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    /// <summary>Starts a program with its outputs redirected.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public static Process Start(
        string program, IEnumerable<string> arguments, Dictionary<string, string?>? variables = null, string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = folder ?? string.Empty,
        };
        foreach ((string name, string? value) in variables ?? [])
        {
            if (value is null)
            {
                start.Environment.Remove(name);
            }
            else
            {
                start.Environment[name] = value;
            }
        }

        return Process.Start(start)!;
    }
}
