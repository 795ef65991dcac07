using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Kernel;

/// <summary>Where a system lives. Those that exist here are local: without a host and a port.</summary>
public sealed record Address
{
    public Address(string protocol, string system, string? host = null, int? port = null)
    {
        Protocol = protocol;
        System = system;
        Host = host;
        Port = port;
    }

    public string Protocol { get; }

    public string System { get; }

    public string? Host { get; }

    public int? Port { get; }

    public override string ToString() =>
        Host is null ? $"{Protocol}://{System}" : FormattableString.Invariant($"{Protocol}://{System}@{Host}:{Port}");
}

/// <summary>The names from the root of a system down to an actor.</summary>
/// <remarks>Two paths are equal when their names are; a reference also tells incarnations of one name apart.</remarks>
public sealed class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>
{
    /// <summary>The uid of a path that names no incarnation.</summary>
    internal const long UndefinedUid = 0;

    private const string ExtraNameCharacters = "-_.*$+:@&=,!~';()";

    private string? _text;

    internal ActorPath(Address address, ActorPath? parent, string name, long uid)
    {
        Address = address;
        ParentOrNull = parent;
        Name = name;
        Uid = uid;
    }

    public Address Address { get; }

    public string Name { get; }

    /// <summary>Tells this actor from earlier ones of the same name.</summary>
    public long Uid { get; }

    /// <summary>The path above; the root is its own parent.</summary>
    public ActorPath Parent => ParentOrNull ?? this;

    public ActorPath Root => ParentOrNull is null ? this : ParentOrNull.Root;

    /// <summary>How many names there are below the root.</summary>
    public int Depth => ParentOrNull is null ? 0 : ParentOrNull.Depth + 1;

    /// <summary>The names from below the root to here.</summary>
    public IReadOnlyList<string> Elements
    {
        get
        {
            int depth = 0;
            for (ActorPath? p = this; p!.ParentOrNull is not null; p = p.ParentOrNull)
            {
                depth++;
            }

            string[] names = new string[depth];
            for (ActorPath p = this; p.ParentOrNull is not null; p = p.ParentOrNull)
            {
                names[--depth] = p.Name;
            }

            return names;
        }
    }

    internal ActorPath? ParentOrNull { get; }

    public static ActorPath operator /(ActorPath path, string name) => new(path.Address, path, name, UndefinedUid);

    public static bool operator ==(ActorPath? left, ActorPath? right) => left?.Equals(right) ?? right is null;

    public static bool operator !=(ActorPath? left, ActorPath? right) => !(left == right);

    /// <summary>True for a name that an actor may be given: ASCII letters, digits and a few marks, not led by '$'.</summary>
    public static bool IsValidPathElement(string s)
    {
        if (string.IsNullOrEmpty(s) || s[0] == '$')
        {
            return false;
        }

        foreach (char c in s)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !ExtraNameCharacters.Contains(c, StringComparison.Ordinal) && c != '%')
            {
                return false;
            }
        }

        return true;
    }

    public ActorPath Child(string childName) => this / childName;

    /// <summary>Reads <c>akka://system/user/name</c>.</summary>
    public static bool TryParse(string path, [NotNullWhen(true)] out ActorPath? actorPath)
    {
        actorPath = null;
        int scheme = path.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0)
        {
            return false;
        }

        string[] names = path[(scheme + 3)..].Split('/');
        if (names[0].Length == 0)
        {
            return false;
        }

        actorPath = RootOf(new Address(path[..scheme], names[0]));
        foreach (string name in names.AsSpan(1))
        {
            if (name.Length > 0)
            {
                actorPath /= name;
            }
        }

        return true;
    }

    public static ActorPath Parse(string path) =>
        TryParse(path, out ActorPath? actorPath) ? actorPath : throw new FormatException($"Not an actor path: {path}");

    public string ToStringWithoutAddress() => ParentOrNull is null ? "/" : "/" + string.Join('/', Elements);

    public string ToStringWithAddress() => ToString();

    public string ToStringWithUid() => Uid == UndefinedUid ? ToString() : $"{ToString()}#{Uid}";

    public override string ToString() => _text ??= Address + ToStringWithoutAddress();

    public bool Equals(ActorPath? other)
    {
        ActorPath? a = this;
        ActorPath? b = other;
        while (a is not null && b is not null)
        {
            if (ReferenceEquals(a, b))
            {
                return true;
            }

            if (a.Name != b.Name)
            {
                return false;
            }

            if (a.ParentOrNull is null && b.ParentOrNull is null)
            {
                return a.Address == b.Address;
            }

            (a, b) = (a.ParentOrNull, b.ParentOrNull);
        }

        return false;
    }

    public override bool Equals(object? obj) => Equals(obj as ActorPath);

    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    public int CompareTo(ActorPath? other) => string.CompareOrdinal(ToString(), other?.ToString());

    internal static ActorPath RootOf(Address address) => new(address, null, "/", UndefinedUid);
}
