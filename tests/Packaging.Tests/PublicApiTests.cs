using System.Reflection;
using System.Text;
using HyperActors.TestKit;

namespace HyperActors.Packaging.Tests;

/// <summary>What others may name is written down: a change of it is seen in a review, and never happens by accident.</summary>
public class PublicApiTests
{
    public static TheoryData<string> All => [.. Libraries.Names];

    [Theory]
    [MemberData(nameof(All))]
    public async Task What_is_public_is_what_the_baseline_says(string library)
    {
        Assembly assembly = Libraries.Load(library);
        var lines = new StringBuilder();
        foreach (Type type in Signatures.TypesOf(assembly))
        {
            Assert.Equal(library, type.Namespace);
            lines.Append(Signatures.Of(type)).Append('\n');
            foreach (MemberInfo member in Signatures.MembersOf(type))
            {
                lines.Append("  ").Append(Signatures.Of(member)).Append('\n');
            }

            lines.Append('\n');
        }

        await Kept.HoldAsync(lines.ToString().TrimEnd() + "\n", "tests", "Packaging.Tests", "Baseline", $"{library}.txt");
    }

    [Fact]
    public void Every_baseline_has_its_library() => Assert.Equal(
        Libraries.Names,
        Directory.GetFiles(Repository.PathOf("tests", "Packaging.Tests", "Baseline")).Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal));

    [Fact]
    public async Task The_reference_says_what_the_sources_say_and_they_say_something_about_each_member()
    {
        var page = new ReferencePage();
        string text = page.Write();
        Assert.True(page.Silent.Count == 0, $"no summary:\n{string.Join('\n', page.Silent)}");
        await Kept.HoldAsync(text, "docs", "library-reference.md");
    }

    [Fact]
    public void A_signature_reads_as_it_was_written()
    {
        Assert.Equal("public delegate void Sample.Told<T>(in T? what)", Line(typeof(Sample.Told<>)));
        Assert.Equal("public abstract class Sample", Line(typeof(Sample)));
        Assert.Equal(
            [
                "public const int Most = 3",
                "protected Sample(string? name = null)",
                "protected virtual int? Count { get; }",
                "public required IReadOnlyList<string?>? Names { get; init; }",
                "public abstract event EventHandler? Ended",
                "public static T[] Make<T>(ref int first, out string? last, params object[] rest) where T : class, new()",
            ],
            Signatures.MembersOf(typeof(Sample)).Select(Signatures.Of));
    }

    private static string Line(Type type) => Signatures.Of(type).Replace($"{nameof(PublicApiTests)}.", string.Empty, StringComparison.Ordinal);

    // A bit of everything that a signature may hold.
    public abstract class Sample
    {
        public const int Most = 3;

        protected Sample(string? name = null) => Count = name?.Length;

        public delegate void Told<T>(in T? what);

        public abstract event EventHandler? Ended;

        public required IReadOnlyList<string?>? Names { get; init; }

        protected virtual int? Count { get; }

        public static T[] Make<T>(ref int first, out string? last, params object[] rest)
            where T : class, new()
        {
            last = rest.Length > first ? null : string.Empty;
            return [];
        }
    }
}
