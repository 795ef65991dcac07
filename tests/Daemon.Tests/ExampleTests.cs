using System.ComponentModel;
using System.Diagnostics;
using HyperActors.TestKit;

namespace HyperActors.Daemon.Tests;

/// <summary>The examples in other languages, as they stand in samples/api.</summary>
public class ExampleTests
{
    [Theory]
    [InlineData("sh", "example.sh", "\"length\":3", "event: block")]
    [InlineData("python3", "example.py", "length 2", "live 2 later")]
    [InlineData("node", "example.mjs", "length 2", "live 2 later")]
    public async Task An_example_does_what_it_says(string program, string file, string first, string last)
    {
        await using Server server = await Server.StartAsync();
        var start = new ProcessStartInfo(program, [Repository.PathOf("samples", "api", file), server.Api.SocketPath])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            // The language is not on this machine; the other examples still run.
            return;
        }

        using (process)
        {
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(Server.Deadline);
            await process.WaitForExitAsync().WaitAsync(Server.Deadline);
            Assert.True(process.ExitCode == 0, $"{output}\n{await error}");
            Assert.Contains(first, output, StringComparison.Ordinal);
            Assert.Contains(last, output, StringComparison.Ordinal);
        }
    }
}
