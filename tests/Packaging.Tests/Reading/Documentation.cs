using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace HyperActors.Packaging.Tests;

/// <summary>What the sources say about types and members, from the XML beside the assemblies.</summary>
internal sealed partial class Documentation
{
    private readonly Dictionary<string, XElement> _members = new(StringComparer.Ordinal);

    public Documentation(IEnumerable<Assembly> assemblies)
    {
        foreach (Assembly assembly in assemblies)
        {
            foreach (XElement member in XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member"))
            {
                _members[member.Attribute("name")!.Value] = member;
            }
        }
    }

    /// <summary>What is said where the member is declared, with what it inherits by name; null when that is nothing of its own.</summary>
    public XElement? Of(MemberInfo member)
    {
        if (!_members.TryGetValue(IdOf(member), out XElement? said))
        {
            return null;
        }

        XElement? inherits = said.Element("inheritdoc");
        if (inherits?.Attribute("cref")?.Value is not { } source || !_members.TryGetValue(source, out XElement? other))
        {
            return inherits is null ? said : null;
        }

        string[] parts = inherits.Attribute("path")?.Value.Split('|') ?? ["summary", "remarks", "param", "returns", "exception"];
        return new XElement("member", said.Elements().Where(e => e.Name != "inheritdoc"),
            other.Elements().Where(e => parts.Contains(e.Name.LocalName, StringComparer.Ordinal) && (e.Name != "summary" || said.Element("summary") is null)));
    }

    /// <summary>The member of an interface that a member carries out, when that has words.</summary>
    public Type? InheritedFrom(MemberInfo member)
    {
        MethodInfo? method = member as MethodInfo ?? (member as PropertyInfo)?.GetMethod;
        if (method?.DeclaringType is not { IsInterface: false } type)
        {
            return null;
        }

        foreach (Type contract in type.GetInterfaces())
        {
            InterfaceMapping map = type.GetInterfaceMap(contract);
            if (Array.IndexOf(map.TargetMethods, method) >= 0)
            {
                return contract;
            }

            // A handle gives back its own kind where the interface gives back the interface.
            if (contract.GetMethods().Any(m => m.Name == method.Name
                && m.GetParameters().Select(p => p.ParameterType).SequenceEqual(method.GetParameters().Select(p => p.ParameterType))))
            {
                return contract;
            }
        }

        return null;
    }

    /// <summary>An element as Markdown in one line.</summary>
    public static string Text(XElement? element)
    {
        var text = new StringBuilder();
        foreach (XNode node in element?.Nodes() ?? [])
        {
            text.Append(node switch
            {
                XText plain => plain.Value.Replace("<", "&lt;", StringComparison.Ordinal),
                XElement { Name.LocalName: "see" or "seealso" } see => see.Attribute("langword")?.Value ?? $"`{ShortName(see.Attribute("cref")!.Value)}`",
                XElement { Name.LocalName: "paramref" or "typeparamref" } name => $"`{name.Attribute("name")!.Value}`",
                XElement { Name.LocalName: "c" or "code" } code => $"`{Spaces().Replace(code.Value.Trim(), " ")}`",
                XElement other => " " + Text(other) + " ",
                _ => string.Empty,
            });
        }

        return Spaces().Replace(text.ToString(), " ").Trim();
    }

    /// <summary>The last part of a documentation id: the name without namespace and parameters.</summary>
    public static string ShortName(string id)
    {
        string name = id[2..].Split('(')[0];
        string last = name[(name.LastIndexOf('.') + 1)..];
        return Arity().Replace(last == "#ctor" ? name.Split('.')[^2] : last, string.Empty);
    }

    /// <summary>The id under which the compiler writes a member's words.</summary>
    public static string IdOf(MemberInfo member)
    {
        if (member is Type type)
        {
            return $"T:{FullName(type)}";
        }

        string name = $"{FullName(member.DeclaringType!)}.{member.Name.Replace('.', '#')}";
        switch (member)
        {
            case FieldInfo:
                return $"F:{name}";
            case EventInfo:
                return $"E:{name}";
            case PropertyInfo property:
                return $"P:{name}{Parameters(property.GetIndexParameters())}";
            case MethodBase method:
                string arity = method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : string.Empty;
                string result = member.Name is "op_Implicit" or "op_Explicit" ? $"~{InSignature(((MethodInfo)method).ReturnType)}" : string.Empty;
                return $"M:{name}{arity}{Parameters(method.GetParameters())}{result}";
            default:
                throw new NotSupportedException(member.ToString());
        }
    }

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? string.Empty : $"({string.Join(',', parameters.Select(p => InSignature(p.ParameterType)))})";

    private static string FullName(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    private static string InSignature(Type type)
    {
        if (type.IsByRef)
        {
            return InSignature(type.GetElementType()!) + "@";
        }

        if (type.IsPointer)
        {
            return InSignature(type.GetElementType()!) + "*";
        }

        if (type.IsArray)
        {
            return InSignature(type.GetElementType()!) + "[]";
        }

        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        }

        return type.IsGenericType
            ? $"{Arity().Replace(FullName(type), string.Empty)}{{{string.Join(',', type.GetGenericArguments().Select(InSignature))}}}"
            : FullName(type);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex("`+[0-9]+")]
    private static partial Regex Arity();
}
