using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HyperActors.Storage;

/// <summary>Reads what the page cache holds, and never waits for the disk.</summary>
internal static partial class PageCache
{
    /// <summary>Fail with EAGAIN instead of waiting (Linux 4.14).</summary>
    private const int NoWait = 8;

    private static volatile bool _isMissing = !OperatingSystem.IsLinux() || !Environment.Is64BitProcess;

    /// <returns>Bytes read: fewer than wanted, perhaps none, when the disk is needed for the rest.</returns>
    public static unsafe int TryRead(SafeFileHandle handle, Span<byte> buffer, long offset)
    {
        if (_isMissing || buffer.IsEmpty)
        {
            return 0;
        }

        bool isHeld = false;
        try
        {
            handle.DangerousAddRef(ref isHeld);
            fixed (byte* start = buffer)
            {
                var vector = new IoVector { Start = start, Length = (nuint)buffer.Length };
                nint count = PReadV2((int)handle.DangerousGetHandle(), &vector, 1, offset, NoWait);
                return count > 0 ? (int)count : 0;
            }
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            _isMissing = true;
            return 0;
        }
        finally
        {
            if (isHeld)
            {
                handle.DangerousRelease();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "preadv2")]
    private static unsafe partial nint PReadV2(int descriptor, IoVector* vectors, int count, long offset, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct IoVector
    {
        public byte* Start;
        public nuint Length;
    }
}
