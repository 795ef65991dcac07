using System.Buffers;

namespace HyperActors.Wire;

/// <summary>Pooled memory that several holders share; the last one to let go returns it.</summary>
internal sealed class PooledBlock
{
    private byte[] _array;
    private int _holders = 1;

    private PooledBlock(byte[] array) => _array = array;

    /// <summary>All of the memory; it may be more than was asked for.</summary>
    public byte[] Array => _array;

    public int Capacity => _array.Length;

    public static PooledBlock Rent(int minimumSize) => new(ArrayPool<byte>.Shared.Rent(minimumSize));

    public PooledBlock Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    public void Release()
    {
        int left = Interlocked.Decrement(ref _holders);
        Invariant.Hold(left >= 0);
        if (left == 0)
        {
            byte[] array = _array;
            _array = [];
            ArrayPool<byte>.Shared.Return(array);
        }
    }
}
