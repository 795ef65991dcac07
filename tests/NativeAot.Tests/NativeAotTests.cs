using System.Diagnostics;
using HyperActors.TestKit;

namespace HyperActors.NativeAot.Tests;

/// <summary>The machines and the kernel trim and link to native code without a warning, and run without a runtime.</summary>
/// <remarks>For net9.0: the framework whose compiler restores here. Every assembly is kept whole, so that nothing escapes its judgement.</remarks>
public class NativeAotTests
{
    // Compiling everything twice and linking it takes half a minute on a quiet machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [LinkerFact]
    public async Task Machines_and_kernel_link_without_a_warning_and_run()
    {
        string output = Repository.PathOf("artifacts", "aot");
        (int status, string text) = await RunAsync(
            "dotnet", "publish", Repository.PathOf("tests", "NativeAot.Tests", "App", "App.csproj"), "-c", "Release", "--nologo", "-v", "q",
            "-p:Framework=net9.0", "--use-current-runtime", "-o", output);
        Assert.True(status == 0, text);
        Assert.DoesNotContain("warning", text, StringComparison.OrdinalIgnoreCase);

        (status, text) = await RunAsync(Path.Combine(output, "hyperactors-aot"));
        Assert.Equal("ok", text.Trim());
        Assert.Equal(0, status);
    }

    private static async Task<(int Status, string Text)> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
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
}

/// <summary>A test that needs a linker: skipped, with the reason, where there is none.</summary>
public sealed class LinkerFactAttribute : FactAttribute
{
    public LinkerFactAttribute() =>
        Skip = new[] { "/usr/bin/clang", "/usr/bin/gcc" }.Any(File.Exists) ? null : "needs a linker: clang or gcc";
}
