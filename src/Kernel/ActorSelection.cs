namespace HyperActors.Kernel;

/// <summary>Actors by their place in the tree, whoever lives there when the message arrives. Names may hold * and ?.</summary>
public sealed class ActorSelection : ICanTell
{
    private readonly string[] _elements;

    public ActorSelection(IActorRef anchor, IEnumerable<string> elements)
    {
        Anchor = anchor;
        _elements = [.. elements.Where(e => e.Length > 0)];
    }

    public ActorSelection(IActorRef anchor, string path)
        : this(anchor, path.Split('/'))
    {
    }

    public IActorRef Anchor { get; }

    public string PathString => "/" + string.Join('/', _elements);

    public void Tell(object message, IActorRef? sender = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        sender ??= ActorCell.Running;
        bool found = false;
        foreach (ActorCell cell in Find())
        {
            found = true;
            cell.Tell(message, sender);
        }

        // A pattern may well match nobody; a plain path that does is a letter nobody got.
        if (!found && Anchor is InternalRef { Home: { } home } && !Array.Exists(_elements, IsPattern))
        {
            home.DeadLetters.Tell(message, sender);
        }
    }

    /// <summary>The one actor that lives there now; <see cref="ActorNotFoundException"/> when nobody does.</summary>
    public Task<IActorRef> ResolveOne(TimeSpan timeout) => ResolveOne(timeout, CancellationToken.None);

    public async Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct)
    {
        ActorIdentity identity;
        try
        {
            identity = await this.Ask<ActorIdentity>(new Identify(null), timeout, ct);
        }
        catch (AskTimeoutException e)
        {
            throw new ActorNotFoundException($"Nobody answers at {PathString}", e);
        }

        return identity.Subject ?? throw new ActorNotFoundException($"Nobody lives at {PathString}");
    }

    public override string ToString() => $"ActorSelection[Anchor({Anchor.Path}), Path({PathString})]";

    internal static ActorSelection From(ActorCell anchor, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path[0] == '/')
        {
            return new ActorSelection(anchor.System.RootGuardian, path);
        }

        if (!path.Contains("://", StringComparison.Ordinal))
        {
            return new ActorSelection(anchor, path);
        }

        // Another system's actors are nobody here.
        return ActorPath.TryParse(path, out ActorPath? parsed) && parsed.Address == anchor.System.Address
            ? new ActorSelection(anchor.System.RootGuardian, parsed.Elements)
            : new ActorSelection(anchor.System.DeadLetters, path);
    }

    private static bool IsPattern(string element) => element.AsSpan().ContainsAny('*', '?');

    private IEnumerable<ActorCell> Find()
    {
        IEnumerable<ActorCell> found = Anchor is ActorCell cell ? [cell] : [];
        foreach (string element in _elements)
        {
            found = element switch
            {
                "." => found,
                ".." => found.Select(c => c.ParentRef).OfType<ActorCell>().Distinct(),
                _ when IsPattern(element) => found.SelectMany(c => c.SnapshotOfChildren())
                    .Where(c => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(element, c.Name, false)),
                _ => found.Select(c => c.FindChild(element)).OfType<ActorCell>(),
            };
        }

        return found;
    }
}
