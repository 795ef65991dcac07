using System.Net;

namespace HyperActors.Swarm;

/// <summary>The types of records that local discovery knows; others are passed over.</summary>
public enum DnsType : ushort
{
    A = 1,
    Ptr = 12,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Any = 255,
}

/// <summary>What somebody asks.</summary>
/// <param name="Name">A name, without the dot at its end, in lower case.</param>
/// <param name="Type">The type.</param>
/// <param name="WantsUnicast">True when the answer may go to the asker alone.</param>
public sealed record DnsQuestion(string Name, DnsType Type, bool WantsUnicast = false);

/// <summary>What somebody says of a name.</summary>
public abstract record DnsRecord
{
    private DnsRecord()
    {
    }

    /// <summary>A name, without the dot at its end, in lower case. A byte that is no visible ASCII prints as a backslash and three digits.</summary>
    public required string Name { get; init; }

    /// <summary>How long it may be believed; zero takes it back.</summary>
    public required TimeSpan TimeToLive { get; init; }

    /// <summary>True when it replaces all that was said of that name and type before.</summary>
    public bool IsUnique { get; init; }

    public abstract DnsType Type { get; }

    /// <summary>There is an instance.</summary>
    public sealed record Ptr(string Target) : DnsRecord
    {
        public override DnsType Type => DnsType.Ptr;
    }

    /// <summary>Where an instance listens.</summary>
    public sealed record Srv(ushort Priority, ushort Weight, ushort Port, string Target) : DnsRecord
    {
        public override DnsType Type => DnsType.Srv;
    }

    /// <summary>What else is known of an instance: strings of at most 255 bytes, read as Latin-1.</summary>
    public sealed record Txt(IReadOnlyList<string> Strings) : DnsRecord
    {
        public override DnsType Type => DnsType.Txt;

        public bool Equals(Txt? other) => other is not null && base.Equals(other) && Strings.SequenceEqual(other.Strings, StringComparer.Ordinal);

        public override int GetHashCode() => HashCode.Combine(Name, Strings.Count);
    }

    /// <summary>An address of a host, of either kind.</summary>
    public sealed record Host(IPAddress Address) : DnsRecord
    {
        public override DnsType Type => Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa;
    }
}

/// <summary>A packet of multicast DNS.</summary>
public sealed record DnsMessage
{
    public bool IsResponse { get; init; }

    /// <summary>True when more of what the asker knows follows in another packet.</summary>
    public bool IsTruncated { get; init; }

    public IReadOnlyList<DnsQuestion> Questions { get; init; } = [];

    public IReadOnlyList<DnsRecord> Answers { get; init; } = [];

    /// <summary>What somebody who probes a name is about to say of it.</summary>
    public IReadOnlyList<DnsRecord> Authorities { get; init; } = [];

    public IReadOnlyList<DnsRecord> Additionals { get; init; } = [];
}
