namespace HyperActors.TestKit;

/// <summary>A test that makes native code: skipped, with the reason, where there is no linker.</summary>
public sealed class LinkerFactAttribute : FactAttribute
{
    public LinkerFactAttribute() =>
        Skip = new[] { "/usr/bin/clang", "/usr/bin/gcc" }.Any(File.Exists) ? null : "needs a linker: clang or gcc";
}
