namespace HyperActors.Interop.Tests;

/// <summary>A test that needs a JavaScript peer: skipped, with the reason, where none can run.</summary>
public sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute() => Skip = NodePeer.SkipReason;
}

/// <summary>A test over data that needs a JavaScript peer: skipped, with the reason, where none can run.</summary>
public sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip = NodePeer.SkipReason;
}
