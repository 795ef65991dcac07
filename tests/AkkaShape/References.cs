namespace Akka.Actor;

public interface ICanTell
{
    void Tell(object message, IActorRef sender);
}

public interface IActorRef : ICanTell, IEquatable<IActorRef>, IComparable<IActorRef>, IComparable
{
    ActorPath Path { get; }
}

public sealed class Nobody : IActorRef
{
    private Nobody()
    {
    }

    public ActorPath Path => Shape.Of<ActorPath>();

    public void Tell(object message, IActorRef sender) => Shape.Nothing();

    public bool Equals(IActorRef other) => Shape.Of<bool>();

    public int CompareTo(IActorRef other) => Shape.Of<int>();

    public int CompareTo(object obj) => Shape.Of<int>();
}

public static class ActorRefs
{
    public static readonly Nobody Nobody;
    public static readonly IActorRef NoSender;
}

public static class ActorRefImplicitSenderExtensions
{
    public static void Tell(this IActorRef receiver, object message) => Shape.Nothing();

    public static void Forward(this IActorRef receiver, object message) => Shape.Nothing();
}

public static class ActorRefExtensions
{
    public static bool IsNobody(this IActorRef actorRef) => Shape.Of<bool>();
}

public sealed class Address : IEquatable<Address>
{
    public Address(string protocol, string system, string host = null, int? port = null) => Shape.Nothing();

    public string Host => Shape.Of<string>();

    public int? Port => Shape.Of<int?>();

    public string System => Shape.Of<string>();

    public string Protocol => Shape.Of<string>();

    public bool Equals(Address other) => Shape.Of<bool>();
}

public abstract class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>
{
    private protected ActorPath()
    {
    }

    public string Name => Shape.Of<string>();

    public Address Address => Shape.Of<Address>();

    public long Uid => Shape.Of<long>();

    public ActorPath Parent => Shape.Of<ActorPath>();

    public ActorPath Root => Shape.Of<ActorPath>();

    public int Depth => Shape.Of<int>();

    public IReadOnlyList<string> Elements => Shape.Of<IReadOnlyList<string>>();

    public ActorPath Child(string childName) => Shape.Of<ActorPath>();

    public static ActorPath operator /(ActorPath path, string name) => Shape.Of<ActorPath>();

    public static bool operator ==(ActorPath left, ActorPath right) => Shape.Of<bool>();

    public static bool operator !=(ActorPath left, ActorPath right) => Shape.Of<bool>();

    public static bool IsValidPathElement(string s) => Shape.Of<bool>();

    public static ActorPath Parse(string path) => Shape.Of<ActorPath>();

    public static bool TryParse(string path, out ActorPath actorPath) => throw new NotSupportedException();

    public string ToStringWithoutAddress() => Shape.Of<string>();

    public string ToStringWithAddress() => Shape.Of<string>();

    public string ToStringWithUid() => Shape.Of<string>();

    public bool Equals(ActorPath other) => Shape.Of<bool>();

    public override bool Equals(object obj) => Shape.Of<bool>();

    public override int GetHashCode() => Shape.Of<int>();

    public int CompareTo(ActorPath other) => Shape.Of<int>();
}

public class ActorSelection : ICanTell
{
    public ActorSelection(IActorRef anchor, string path) => Shape.Nothing();

    public ActorSelection(IActorRef anchor, IEnumerable<string> elements) => Shape.Nothing();

    public IActorRef Anchor => Shape.Of<IActorRef>();

    public string PathString => Shape.Of<string>();

    public void Tell(object message, IActorRef sender = null) => Shape.Nothing();

    public Task<IActorRef> ResolveOne(TimeSpan timeout) => Shape.Of<Task<IActorRef>>();

    public Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct) => Shape.Of<Task<IActorRef>>();
}

public readonly struct Envelope
{
    public Envelope(object message, IActorRef sender) => throw new NotSupportedException();

    public IActorRef Sender => Shape.Of<IActorRef>();

    public object Message => Shape.Of<object>();
}
