using HyperActors.Merkle;

namespace HyperActors.Storage;

// Where a byte is: down the tree from the roots, by the sizes of its nodes.
public sealed partial class FeedLog
{
    /// <summary>
    /// Finds the block that holds a byte of the committed version. Answered by <see cref="FeedLogEvent.Sought"/>, or refused:
    /// out of bounds behind the last byte, missing where the tree has not come from a peer yet.
    /// </summary>
    public void Seek(long id, ulong byteOffset)
    {
        Register(id);
        RunSeek(id, byteOffset);
    }

    private void RunSeek(long id, ulong byteOffset)
    {
        if (IsFailed)
        {
            return;
        }

        ulong offset = byteOffset;
        foreach (TreeNode root in Head.Roots)
        {
            if (offset >= root.Size)
            {
                offset -= root.Size;
                continue;
            }

            ulong index = root.Index;
            while (FlatTree.Depth(index) > 0)
            {
                ulong left = FlatTree.LeftChild(index);
                switch (_tree.TryGet(left, out TreeNode node))
                {
                    case NodeLookup.Pending:
                        WaitForPages(() => RunSeek(id, byteOffset));
                        return;
                    case NodeLookup.Absent:
                        Refuse(id, Refusal.BlockMissing);
                        return;
                }

                bool isLeft = offset < node.Size;
                offset -= isLeft ? 0 : node.Size;
                index = isLeft ? left : FlatTree.RightChild(index);
            }

            Answer(id, new FeedLogEvent.Sought(id, index / 2, offset));
            return;
        }

        Refuse(id, Refusal.OutOfBounds);
    }
}
