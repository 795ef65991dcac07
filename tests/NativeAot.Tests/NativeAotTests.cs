using HyperActors.TestKit;

namespace HyperActors.NativeAot.Tests;

/// <summary>The machines and the kernel trim and link to native code without a warning, and run without a runtime.</summary>
/// <remarks>For net9.0: the framework whose compiler restores here. Every assembly is kept whole, so that nothing escapes its judgement.</remarks>
public class NativeAotTests
{
    [LinkerFact]
    public async Task Machines_and_kernel_link_without_a_warning_and_run()
    {
        string output = Repository.PathOf("artifacts", "aot");
        string text = await Tool.DotnetAsync(
            "publish", Repository.PathOf("tests", "NativeAot.Tests", "App", "App.csproj"), "-c", "Release", "--nologo", "-v", "q",
            "-p:Framework=net9.0", "--use-current-runtime", "-o", output);
        Assert.DoesNotContain("warning", text, StringComparison.OrdinalIgnoreCase);

        (int status, text) = await Tool.RunAsync(Path.Combine(output, "hyperactors-aot"), []);
        Assert.Equal("ok", text.Trim());
        Assert.Equal(0, status);
    }
}

/// <summary>A test that needs a linker: skipped, with the reason, where there is none.</summary>
public sealed class LinkerFactAttribute : FactAttribute
{
    public LinkerFactAttribute() =>
        Skip = new[] { "/usr/bin/clang", "/usr/bin/gcc" }.Any(File.Exists) ? null : "needs a linker: clang or gcc";
}
