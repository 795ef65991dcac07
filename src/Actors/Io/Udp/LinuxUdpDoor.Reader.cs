using System.Runtime.InteropServices;

namespace HyperActors.Actors;

internal sealed unsafe partial class LinuxUdpDoor
{
    /// <summary>The buffers that all sockets of a door are read into, one after the other.</summary>
    private sealed class UdpReader : IDisposable
    {
        private const int NameSize = 32;
        private readonly Native.ManyHeader* _headers;
        private readonly Native.Vector* _vectors;
        private readonly byte* _names;
        private readonly byte* _controls;
        private readonly byte[][] _buffers;

        public UdpReader(bool coalesces)
        {
            Coalesces = coalesces;

            // Joined datagrams need room for the largest of all; single ones for what upstream receives.
            Count = coalesces ? 16 : 64;
            int size = coalesces ? 65_536 : 2048;
            _buffers = new byte[Count][];
            _headers = (Native.ManyHeader*)NativeMemory.AllocZeroed((nuint)Count, (nuint)sizeof(Native.ManyHeader));
            _vectors = (Native.Vector*)NativeMemory.AllocZeroed((nuint)Count, (nuint)sizeof(Native.Vector));
            _names = (byte*)NativeMemory.AllocZeroed((nuint)Count, NameSize);
            _controls = (byte*)NativeMemory.AllocZeroed((nuint)Count, Native.ControlSize);
            for (int i = 0; i < Count; i++)
            {
                _buffers[i] = GC.AllocateUninitializedArray<byte>(size, pinned: true);
                _vectors[i].Base = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_buffers[i], 0);
                _vectors[i].Length = (nuint)size;
            }
        }

        public bool Coalesces { get; }

        /// <summary>Messages of one read.</summary>
        public int Count { get; }

        public int Read(int fd)
        {
            for (int i = 0; i < Count; i++)
            {
                ref Native.Header header = ref _headers[i].Header;
                header.Name = _names + (i * NameSize);
                header.NameLength = NameSize;
                header.Vectors = _vectors + i;
                header.VectorCount = 1;
                header.Control = _controls + (i * Native.ControlSize);
                header.ControlLength = Native.ControlSize;
                header.Flags = 0;
            }

            return Native.Receive(fd, _headers, (uint)Count, Native.DontWait, null);
        }

        /// <summary>The message at <paramref name="index"/>: how long, cut into which size, and from whom.</summary>
        public ReadOnlyMemory<byte> Take(int index, out int segmentSize, out Udx.UdxAddress from)
        {
            ref Native.ManyHeader message = ref _headers[index];
            int length = (int)message.Length;
            from = Native.ReadAddress(message.Header.Name);
            segmentSize = length;
            byte* control = message.Header.Control;
            bool isCut = message.Header.ControlLength >= 20 &&
                *(int*)(control + 8) == Native.LevelUdp && *(int*)(control + 12) == Native.Coalesce;
            if (isCut)
            {
                segmentSize = *(int*)(control + 16);
            }

            return _buffers[index].AsMemory(0, length);
        }

        public void Dispose()
        {
            NativeMemory.Free(_headers);
            NativeMemory.Free(_vectors);
            NativeMemory.Free(_names);
            NativeMemory.Free(_controls);
        }
    }
}
