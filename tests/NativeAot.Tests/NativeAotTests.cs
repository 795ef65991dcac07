using HyperActors.TestKit;

namespace HyperActors.NativeAot.Tests;

/// <summary>The machines and the kernel trim and link to native code without a warning, and run without a runtime.</summary>
/// <remarks>Every assembly is kept whole, so that nothing escapes the compiler's judgement.</remarks>
public class NativeAotTests
{
    [LinkerFact]
    public async Task Machines_and_kernel_link_without_a_warning_and_run()
    {
        string output = Repository.PathOf("artifacts", "aot");
        string text = await Tool.DotnetAsync(
            "publish", Repository.PathOf("tests", "NativeAot.Tests", "App", "App.csproj"), "-c", "Release", "--nologo", "-v", "q",
            "--use-current-runtime", "-o", output);
        Assert.DoesNotContain("warning", text, StringComparison.OrdinalIgnoreCase);

        (int status, text) = await Tool.RunAsync(Path.Combine(output, "hyperactors-aot"), []);
        Assert.Equal("ok", text.Trim());
        Assert.Equal(0, status);
    }
}
