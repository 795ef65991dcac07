using System.Buffers;

namespace HyperActors.Wire;

/// <summary>Bytes with one owner, cut from a block that others may share.</summary>
internal sealed class OwnedBytes(PooledBlock block, int start, int length) : IMemoryOwner<byte>
{
    private PooledBlock? _block = block;

    public Memory<byte> Memory =>
        (_block ?? throw new ObjectDisposedException(nameof(OwnedBytes))).Array.AsMemory(start, length);

    public void Dispose() => Interlocked.Exchange(ref _block, null)?.Release();
}
