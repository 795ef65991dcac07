using System.Buffers.Binary;
using System.Runtime.InteropServices;
using HyperActors.Udx;

namespace HyperActors.Actors;

internal sealed unsafe partial class LinuxUdpDoor
{
    /// <summary>The calls of Linux, its numbers (the same on x64 and arm64) and its structures for 64 bits.</summary>
    private static partial class Native
    {
        public const int AddressIPv4 = 2;
        public const int AddressIPv6 = 10;
        public const int Datagram = 2 | 0x800 | 0x80000; // SOCK_DGRAM, non-blocking, closed on exec
        public const int DontWait = 0x40;
        public const int NoSignal = 0x4000;

        public const int LevelIP = 0;
        public const int LevelSocket = 1;
        public const int LevelUdp = 17;
        public const int LevelIPv6 = 41;

        public const int SendBuffer = 7;
        public const int ReceiveBuffer = 8;
        public const int SendBufferForce = 32;
        public const int ReceiveBufferForce = 33;
        public const int TimeToLive = 2;
        public const int MtuDiscover = 10;
        public const int Mtu = 14;
        public const int HopsIPv6 = 16;
        public const int MtuDiscoverIPv6 = 23;
        public const int MtuIPv6 = 24;
        public const int OnlyIPv6 = 26;
        public const int HopLimitIPv6 = 52;
        public const int Segment = 103;
        public const int Coalesce = 104;

        public const int DiscoverNever = 0; // fragments where it must
        public const int DiscoverProbe = 3; // never fragments, never believes a path MTU: we find it ourselves

        public const int TryAgain = 11;
        public const int Interrupted = 4;
        public const int NoBuffers = 105;
        public const int InvalidArgument = 22;
        public const int IoError = 5;
        public const int NotImplemented = 38;

        public const int EpollAdd = 1;
        public const int EpollModify = 3;
        public const uint EpollIn = 1;
        public const uint EpollOut = 4;

        /// <summary>Room for one control message that carries an int.</summary>
        public const int ControlSize = 24;

        [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
        public static partial int Socket(int domain, int type, int protocol);

        [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
        public static partial int Close(int fd);

        [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
        public static partial int Bind(int fd, byte* address, int length);

        [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
        public static partial int Connect(int fd, byte* address, int length);

        [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
        public static partial int GetName(int fd, byte* address, int* length);

        [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
        public static partial int SetOption(int fd, int level, int name, int* value, int length);

        [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
        public static partial int GetOption(int fd, int level, int name, int* value, int* length);

        [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
        public static partial int Receive(int fd, ManyHeader* messages, uint count, int flags, void* timeout);

        [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
        public static partial int Send(int fd, ManyHeader* messages, uint count, int flags);

        [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
        public static partial int EpollCreate(int flags);

        [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
        public static partial int EpollControl(int epoll, int operation, int fd, byte* change);

        [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
        public static partial int EpollWait(int epoll, byte* events, int count, int milliseconds);

        [LibraryImport("libc", EntryPoint = "epoll_pwait2", SetLastError = true)]
        public static partial int EpollWaitExactly(int epoll, byte* events, int count, long* timespec, void* signals);

        [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
        public static partial int EventOpen(uint value, int flags);

        [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
        public static partial nint Read(int fd, void* buffer, nuint count);

        [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
        public static partial nint Write(int fd, void* buffer, nuint count);

        public static bool TrySetOption(int fd, int level, int name, int value) =>
            SetOption(fd, level, name, &value, sizeof(int)) == 0;

        /// <summary>Writes <paramref name="address"/> as the kernel reads it.</summary>
        /// <returns>How long it is.</returns>
        public static int WriteAddress(UdxAddress address, bool asIPv6, byte* output)
        {
            var bytes = new Span<byte>(output, asIPv6 ? 28 : 16);
            bytes.Clear();
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], address.Port);
            if (asIPv6)
            {
                *(ushort*)output = AddressIPv6;
                address.WriteIPv6(bytes[8..]);
            }
            else
            {
                *(ushort*)output = AddressIPv4;
                BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], address.ToIPv4());
            }

            return bytes.Length;
        }

        public static UdxAddress ReadAddress(byte* input)
        {
            var bytes = new ReadOnlySpan<byte>(input, 28);
            ushort port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            return *(ushort*)input == AddressIPv6
                ? UdxAddress.FromIPv6(bytes.Slice(8, 16), port)
                : UdxAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port);
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct Vector
        {
            public byte* Base;
            public nuint Length;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct Header
        {
            public byte* Name;
            public uint NameLength;
            public Vector* Vectors;
            public nuint VectorCount;
            public byte* Control;
            public nuint ControlLength;
            public int Flags;
        }

        [StructLayout(LayoutKind.Sequential)]
        public struct ManyHeader
        {
            public Header Header;
            public uint Length;
        }
    }
}
