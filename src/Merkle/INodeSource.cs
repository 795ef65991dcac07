namespace HyperActors.Merkle;

/// <summary>What a source says about a node.</summary>
public enum NodeLookup
{
    /// <summary>Here it is.</summary>
    Found,

    /// <summary>It is not stored.</summary>
    Absent,

    /// <summary>It has to be fetched first: ask again.</summary>
    Pending,
}

/// <summary>Where stored tree nodes come from.</summary>
public interface INodeSource
{
    /// <summary>Looks up a node; what is <see cref="NodeLookup.Pending"/> the source remembers to fetch.</summary>
    NodeLookup TryGet(ulong index, out TreeNode node);
}

/// <summary>Nodes in memory.</summary>
public sealed class NodeDictionary : INodeSource
{
    private readonly Dictionary<ulong, TreeNode> _nodes = [];

    public void Add(in TreeNode node) => _nodes[node.Index] = node;

    public void AddRange(ReadOnlySpan<TreeNode> nodes)
    {
        foreach (ref readonly TreeNode node in nodes)
        {
            Add(node);
        }
    }

    public NodeLookup TryGet(ulong index, out TreeNode node) =>
        _nodes.TryGetValue(index, out node) ? NodeLookup.Found : NodeLookup.Absent;
}
