using HyperActors.TestKit;

namespace HyperActors.Packaging.Tests;

/// <summary>A file of the checkout that is written from the code.</summary>
internal static class Kept
{
    /// <summary>Fails unless the file is what it should be; says what that is, and how to accept it.</summary>
    public static async Task HoldAsync(string expected, params string[] path)
    {
        string file = Repository.PathOf(path);
        string written = File.Exists(file) ? await File.ReadAllTextAsync(file) : string.Empty;
        if (written == expected)
        {
            return;
        }

        string aside = Path.Combine(Path.GetTempPath(), $"{path[^1]}.expected");
        await File.WriteAllTextAsync(aside, expected);
        string[] was = written.Split('\n');
        string[] now = expected.Split('\n');
        IEnumerable<string> changes = was.Except(now, StringComparer.Ordinal).Select(l => $"- {l}")
            .Concat(now.Except(was, StringComparer.Ordinal).Select(l => $"+ {l}")).Take(20);
        Assert.Fail($"{string.Join('/', path)} is not what the code says:\n{string.Join('\n', changes)}\nwhen that is meant: cp {aside} {file}");
    }
}
