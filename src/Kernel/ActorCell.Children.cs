namespace HyperActors.Kernel;

/// <content>Children: their names, and who they are.</content>
internal sealed partial class ActorCell
{
    private const string NameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";

    private ChildTable? _children;

    /// <summary>What a parent remembers of this child's failures.</summary>
    internal ChildRestartStats? RestartStats { get; set; }

    public IActorRef ActorOf(Props props, string? name = null) => MakeChild(props, name);

    public IActorRef Child(string name) => (IActorRef?)FindChild(name) ?? ActorRefs.Nobody;

    public IEnumerable<IActorRef> GetChildren() => SnapshotOfChildren();

    public void Stop(IActorRef child)
    {
        if (child is ActorCell cell && ReferenceEquals(cell._parent, this) && ReferenceEquals(Running, this))
        {
            StopChild(cell);
        }
        else if (child is InternalRef target)
        {
            target.SendSystem(new Terminate());
        }
    }

    internal ActorCell? FindChild(string name)
    {
        if (Volatile.Read(ref _children) is not { } table)
        {
            return null;
        }

        lock (table)
        {
            return table.ByName.GetValueOrDefault(name);
        }
    }

    internal ActorCell[] SnapshotOfChildren()
    {
        if (Volatile.Read(ref _children) is not { } table)
        {
            return [];
        }

        lock (table)
        {
            ActorCell[] children = new ActorCell[table.ByName.Count];
            table.ByName.Values.CopyTo(children, 0);
            return children;
        }
    }

    internal ActorCell MakeChild(Props props, string? name)
    {
        ArgumentNullException.ThrowIfNull(props);
        if (name is not null && !ActorPath.IsValidPathElement(name))
        {
            throw new InvalidActorNameException(
                $"Illegal actor name [{name}]: ASCII letters, digits and -_.*$+:@&=,!~'; only, and no $ in front.");
        }

        ChildTable table = Volatile.Read(ref _children) ?? AddTable();
        ActorCell child;
        lock (table)
        {
            if (table.IsClosed)
            {
                throw new InvalidOperationException(
                    $"Cannot create child while terminating or terminated: {Path}");
            }

            name ??= NextName(table.NextNumber++);
            child = new ActorCell(System, props.RouterConfig is null ? props : RouterActor.PropsFor(props), this, name, System.NextUid());
            if (!table.ByName.TryAdd(name, child))
            {
                throw new InvalidActorNameException($"Actor name \"{name}\" is not unique!");
            }
        }

        child.Start();
        return child;
    }

    private ChildTable AddTable()
    {
        var table = new ChildTable();
        return Interlocked.CompareExchange(ref _children, table, null) ?? table;
    }

    private static string NextName(long number)
    {
        Span<char> name = stackalloc char[16];
        int length = 0;
        name[length++] = '$';
        do
        {
            name[length++] = NameAlphabet[(int)(number & 63)];
            number >>= 6;
        }
        while (number > 0);
        return new string(name[..length]);
    }

    private bool HasChild(ActorCell child) => ReferenceEquals(FindChild(child._name), child);

    private bool RemoveChild(ActorCell child)
    {
        if (Volatile.Read(ref _children) is not { } table)
        {
            return false;
        }

        lock (table)
        {
            if (!ReferenceEquals(table.ByName.GetValueOrDefault(child._name), child))
            {
                return false;
            }

            table.ByName.Remove(child._name);
            return true;
        }
    }

    private bool HasChildren
    {
        get
        {
            if (Volatile.Read(ref _children) is not { } table)
            {
                return false;
            }

            lock (table)
            {
                return table.ByName.Count > 0;
            }
        }
    }

    /// <summary>No more children from here on. A leaf shares one closed table with all others.</summary>
    private void CloseToChildren()
    {
        if (Interlocked.CompareExchange(ref _children, ChildTable.Closed, null) is { } table)
        {
            lock (table)
            {
                table.IsClosed = true;
            }
        }
    }

    private void StopChildren()
    {
        foreach (ActorCell child in SnapshotOfChildren())
        {
            Stop(child);
        }
    }

    private void SuspendChildren(ActorCell? except)
    {
        foreach (ActorCell child in SnapshotOfChildren())
        {
            if (!ReferenceEquals(child, except))
            {
                child.SendSystem(new Suspend());
            }
        }
    }

    private sealed class ChildTable
    {
        public static readonly ChildTable Closed = new() { IsClosed = true };

        public readonly Dictionary<string, ActorCell> ByName = new(StringComparer.Ordinal);
        public long NextNumber;
        public bool IsClosed;
    }
}
