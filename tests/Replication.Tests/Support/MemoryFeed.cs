using System.Text;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Replication.Tests;

/// <summary>A feed in memory that proves and verifies for real: what a FeedLog is to the replicator.</summary>
internal sealed class MemoryFeed : INodeSource
{
    private readonly Dictionary<ulong, TreeNode> _nodes = [];
    private readonly KeyPair? _keyPair;

    private MemoryFeed(FeedKey key, Manifest? manifest, KeyPair? keyPair)
    {
        Key = key;
        Manifest = manifest;
        _keyPair = keyPair;
    }

    public FeedKey Key { get; }

    public Manifest? Manifest { get; private set; }

    public TreeHead Head { get; private set; } = TreeHead.Empty(0);

    public byte[] Signature { get; private set; } = [];

    public SortedDictionary<ulong, byte[]> Blocks { get; } = [];

    public bool RefusesToStore { get; set; }

    public int Served { get; private set; }

    public int ServedNodes { get; private set; }

    public int Unverifiable { get; private set; }

    public FeedState State => new(Head.Fork, Head.Length, Head.ByteLength, Manifest);

    public static MemoryFeed Writer(byte seed = 1, bool isCompat = false)
    {
        KeyPair keyPair = KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray());
        Manifest manifest = Manifest.ForSigner(keyPair.PublicKey);
        FeedKey key = isCompat ? new FeedKey(keyPair.PublicKey.AsSpan()) : manifest.ToKey();
        return new MemoryFeed(key, manifest, keyPair);
    }

    public static MemoryFeed Reader(FeedKey key) => new(key, null, null);

    /// <summary>The same feed with the same writer, as it is now: what a backup is.</summary>
    public MemoryFeed Copy()
    {
        var copy = new MemoryFeed(Key, Manifest, _keyPair) { Head = Head, Signature = Signature };
        foreach ((ulong index, TreeNode node) in _nodes)
        {
            copy._nodes[index] = node;
        }

        foreach ((ulong index, byte[] block) in Blocks)
        {
            copy.Blocks[index] = block;
        }

        return copy;
    }

    public MemoryFeed Append(params string[] blocks) => Append([.. blocks.Select(Encoding.UTF8.GetBytes)]);

    public MemoryFeed Append(IReadOnlyList<byte[]> blocks)
    {
        var tree = new MerkleTree(Head);
        foreach (byte[] block in blocks)
        {
            Blocks[tree.Length] = block;
            tree.Append(block);
        }

        Store(tree.Added);
        Sign(tree.ToHead());
        return this;
    }

    public MemoryFeed AppendMany(int count, string prefix = "block ") =>
        Append([.. Enumerable.Range((int)Head.Length, count).Select(i => Encoding.UTF8.GetBytes(prefix + i))]);

    public void Truncate(ulong length)
    {
        TreeNode[] roots = [.. FlatTree.FullRoots(length).Select(index => _nodes[index])];
        Cut(length);
        Sign(new TreeHead(Head.Fork + 1, roots));
    }

    public void Clear(ulong index) => Blocks.Remove(index);

    public BlockSet Have()
    {
        var have = new BlockSet();
        foreach (ulong index in Blocks.Keys)
        {
            have.Add(index);
        }

        return have;
    }

    public NodeLookup TryGet(ulong index, out TreeNode node) =>
        _nodes.TryGetValue(index, out node) ? NodeLookup.Found : NodeLookup.Absent;

    public TreeNode?[] Read(IReadOnlyList<ulong> indices) =>
        [.. indices.Select(index => _nodes.TryGetValue(index, out TreeNode node) ? node : (TreeNode?)null)];

    public ServeAnswer Serve(ServeRequest request)
    {
        Served++;
        if (request.Request.Fork != Head.Fork)
        {
            return new ServeAnswer(request.Ticket, ServeResult.OtherFork, null);
        }

        ProofBuild built = ProofBuilder.Build(Head, Signature, Manifest?.Prologue, request.Request, this, out Proof? proof);
        if (built != ProofBuild.Done)
        {
            return new ServeAnswer(
                request.Ticket, built == ProofBuild.Invalid ? ServeResult.Invalid : ServeResult.NotAvailable, null);
        }

        if (proof!.Block is { } block)
        {
            if (!Blocks.TryGetValue(block.Index, out byte[]? value))
            {
                return new ServeAnswer(request.Ticket, ServeResult.NotAvailable, null);
            }

            ServedNodes += block.Nodes.Length;
            proof = proof with { Block = block with { Value = value } };
        }

        return new ServeAnswer(request.Ticket, ServeResult.Proven, proof);
    }

    public ApplyVerdict Apply(ClimbedProof climbed)
    {
        Proof proof = climbed.Proof;
        if (proof.Fork != Head.Fork)
        {
            return ApplyVerdict.Stale;
        }

        if (RefusesToStore)
        {
            return ApplyVerdict.NotStored;
        }

        Manifest manifest = Manifest ?? proof.Manifest ?? Manifest.ForSigner(new PublicKey(Key.AsSpan()));
        if (!manifest.Describes(Key))
        {
            return ApplyVerdict.False;
        }

        ProofError error = ProofVerifier.Verify(climbed, Head, manifest.Prologue, out VerifiedProof? verified);
        if (error != ProofError.None)
        {
            return ApplyVerdict.Malformed;
        }

        if (verified!.Anchor is { } anchor)
        {
            if (!_nodes.TryGetValue(anchor.Index, out TreeNode known))
            {
                Unverifiable++;
                return ApplyVerdict.Unverifiable;
            }

            if (known.Hash != anchor.Hash)
            {
                return ApplyVerdict.False;
            }
        }

        if (verified.Head is { } head)
        {
            if (!FeedSignature.Verify(Key, manifest, head, proof.Upgrade!.Value.Signature.Span))
            {
                return ApplyVerdict.False;
            }

            Head = head;
            Signature = proof.Upgrade.Value.Signature.ToArray();
            Store(verified.UpgradeNodes);
            Manifest ??= manifest;
        }

        Manifest ??= proof.Manifest;
        Store(climbed.Nodes);
        if (proof.Block is { } block)
        {
            Blocks[block.Index] = block.Value.ToArray();
        }

        return ApplyVerdict.Applied;
    }

    public void Reorganize(ReplicatorEvent.Reorganize reorganize)
    {
        Cut(reorganize.Ancestors);
        foreach (TreeNode node in reorganize.Nodes)
        {
            _nodes[node.Index] = node;
        }

        Head = reorganize.Head;
        Signature = reorganize.Signature.ToArray();
        Manifest ??= reorganize.Manifest;
    }

    private void Cut(ulong length)
    {
        foreach (ulong index in Blocks.Keys.Where(index => index >= length).ToArray())
        {
            Blocks.Remove(index);
        }

        foreach (ulong index in _nodes.Keys.Where(index => FlatTree.RightSpan(index) >= 2 * length).ToArray())
        {
            _nodes.Remove(index);
        }
    }

    private void Sign(TreeHead head)
    {
        Head = head;
        Signature = FeedSignature.Sign(Key, Manifest!, head, _keyPair!)!;
    }

    private void Store(ReadOnlySpan<TreeNode> nodes)
    {
        foreach (ref readonly TreeNode node in nodes)
        {
            _nodes[node.Index] = node;
        }
    }
}
