using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Xml.Linq;
using HyperActors.Actors;
using HyperActors.Client;
using HyperActors.Crypto;
using HyperActors.Hosting;

namespace HyperActors.Packaging.Tests;

/// <summary>docs/library-reference.md: what users program against, with the words that stand in the sources.</summary>
internal sealed class ReferencePage
{
    private readonly Documentation _words = new(Libraries.Names.Select(Libraries.Load));
    private readonly StringBuilder _page = new();

    /// <summary>Members on the page about which the sources say nothing.</summary>
    public List<string> Silent { get; } = [];

    public string Write()
    {
        _page.Append("""
            # The library, type by type

            Written from the assemblies and from what their sources say: `tests/Packaging.Tests` holds this page to them. How to begin is in
            [embedding.md](embedding.md). A `?` marks what may be null. Every `Async` method takes a token: cancelled, it throws
            `OperationCanceledException`, and what was asked for is taken back. Any of them throws `ObjectDisposedException` on a node or a handle that was disposed.


            """);
        Section("What users program against", "HyperActors.Abstractions", Signatures.TypesOf(typeof(Abstractions.IHyperNode).Assembly));
        Section("A node in this process", "HyperActors.Actors", [typeof(HyperNode), typeof(Feed), typeof(NodeOptions), typeof(NetworkOptions), typeof(ConnectionOptions), typeof(TransportOptions), typeof(DhtHost), typeof(NodeMeter), typeof(ActorView)]);
        Section("A node as a service", "HyperActors.Hosting", Signatures.TypesOf(typeof(HyperActorsServices).Assembly));
        Section("The node of a daemon", "HyperActors.Client", Signatures.TypesOf(typeof(RemoteNode).Assembly));
        Section("Keys", "HyperActors.Crypto", [typeof(PublicKey), typeof(FeedKey), typeof(DiscoveryKey), typeof(KeyPair), typeof(SecretKey), typeof(Hash)]);
        return _page.ToString().TrimEnd() + "\n";
    }

    private void Section(string title, string library, IEnumerable<Type> types)
    {
        _page.Append(CultureInfo.InvariantCulture, $"## {title}\n\n`{library}`\n\n");
        foreach (Type type in types)
        {
            Write(type);
        }
    }

    private void Write(Type type)
    {
        _page.Append(CultureInfo.InvariantCulture, $"### {Signatures.NameWithOuter(type).Replace("<", "&lt;", StringComparison.Ordinal)}\n\n");
        _page.Append(CultureInfo.InvariantCulture, $"```csharp\n{Signatures.Of(type)}\n```\n\n");
        XElement? said = _words.Of(type);
        Expect(said, Signatures.NameWithOuter(type));
        _page.Append(Documentation.Text(said?.Element("summary"))).Append("\n\n");
        if (said?.Element("remarks") is { } remarks)
        {
            _page.Append(Documentation.Text(remarks)).Append("\n\n");
        }

        var inherited = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        bool hasLines = false;
        foreach (MemberInfo member in Signatures.MembersOf(type).Where(m => !IsOfTheRuntime(m)))
        {
            XElement? words = _words.Of(member);
            if (words is null && _words.InheritedFrom(member) is { } contract)
            {
                string from = Signatures.NameWithOuter(contract);
                inherited.TryAdd(from, []);
                if (!inherited[from].Contains(member.Name, StringComparer.Ordinal))
                {
                    inherited[from].Add(member.Name);
                }

                continue;
            }

            // The constructor of a record says what the record says; its parameters are the properties.
            bool isOfARecord = member is ConstructorInfo made && made.GetParameters().Length > 0
                && made.GetParameters().All(p => type.GetProperty(p.Name!)?.PropertyType == p.ParameterType);
            if (isOfARecord || member is ConstructorInfo { IsPublic: true } plain && plain.GetParameters().Length == 0)
            {
                continue;
            }

            hasLines = true;
            Expect(words, $"{Signatures.NameWithOuter(type)}: {Signatures.Of(member)}", member is FieldInfo or ConstructorInfo);
            Write(member, words);
        }

        _page.Append(hasLines ? "\n" : string.Empty);
        foreach ((string contract, List<string> names) in inherited)
        {
            _page.Append(CultureInfo.InvariantCulture, $"As `{contract}` says: {string.Join(", ", names.Select(n => $"`{n}`"))}.\n\n");
        }
    }

    private void Write(MemberInfo member, XElement? words)
    {
        _page.Append(CultureInfo.InvariantCulture, $"- `{Signatures.Of(member)}`");
        string summary = Documentation.Text(words?.Element("summary"));
        _page.Append(summary.Length > 0 ? $"<br>{summary}" : string.Empty);
        if (words?.Element("remarks") is { } remarks)
        {
            _page.Append(' ').Append(Documentation.Text(remarks));
        }

        if (member.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            _page.Append(CultureInfo.InvariantCulture, $" From {range.Minimum} to {range.Maximum}.");
        }

        _page.Append('\n');
        foreach (XElement parameter in words?.Elements("param") ?? [])
        {
            _page.Append(CultureInfo.InvariantCulture, $"  - `{parameter.Attribute("name")!.Value}`: {Documentation.Text(parameter)}\n");
        }

        if (words?.Element("returns") is { } returns)
        {
            _page.Append(CultureInfo.InvariantCulture, $"  - Returns: {Documentation.Text(returns)}\n");
        }

        foreach (XElement exception in words?.Elements("exception") ?? [])
        {
            _page.Append(CultureInfo.InvariantCulture, $"  - Throws `{Documentation.ShortName(exception.Attribute("cref")!.Value)}`: {Documentation.Text(exception)}\n");
        }
    }

    private void Expect(XElement? words, string what, bool parametersWillDo = false)
    {
        if (words?.Element("summary") is null && !(parametersWillDo && words?.Element("param") is not null))
        {
            Silent.Add(what);
        }
    }

    // What every value has: comparison, text, operators.
    private static bool IsOfTheRuntime(MemberInfo member) =>
        member is MethodInfo method
        && (method.IsSpecialName || method.Name is "Equals" or "GetHashCode" or "ToString" or "CompareTo" or "Dispose" or "DisposeAsync"
            || method.IsVirtual && method.GetBaseDefinition().DeclaringType != method.DeclaringType);
}
