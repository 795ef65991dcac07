using System.Runtime.InteropServices;
using System.Text;

namespace HyperActors.Cli;

/// <summary>The reader of the standard output has gone: there is nobody left to write for, and nothing to complain about.</summary>
internal sealed class OutputClosedException : Exception;

/// <summary>The standard output or the error output, unbuffered.</summary>
/// <remarks>
/// The console's own stream hides that its reader has gone, so that a live feed would be read for nobody; a
/// <see cref="FileStream"/> keeps an offset of its own, so that the next program would overwrite what stands in the file.
/// </remarks>
internal sealed partial class StandardOutput(int descriptor) : Stream
{
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int TryAgainOnMac = 35;
    private const int BrokenPipe = 32;
    private const short PollOut = 4;
    private const nuint GetWindowSize = 0x5413;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static Stream Open() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardOutput(OutputDescriptor);

    /// <summary>The error output, a line at a time.</summary>
    /// <remarks>
    /// Not the console's own writer, which first switches the keys of a terminal over: a word in the midst of what is printed.
    /// Where nobody takes what is written here, there is nobody to tell either.
    /// </remarks>
    public static TextWriter OpenError() => OperatingSystem.IsWindows()
        ? Console.Error
        : TextWriter.Synchronized(new StreamWriter(new StandardOutput(ErrorDescriptor), new UTF8Encoding(false)) { AutoFlush = true });

    /// <summary>Columns and lines of the terminal that the output is; what is usual where it does not say.</summary>
    /// <remarks>Asked of the system, for the same reason.</remarks>
    public static unsafe (int Width, int Height) WindowSize()
    {
        var size = default(TerminalSize);
        if (OperatingSystem.IsLinux())
        {
            _ = Control(OutputDescriptor, GetWindowSize, &size);
        }
        else if (!Console.IsOutputRedirected)
        {
            size = new TerminalSize { Lines = (ushort)Console.WindowHeight, Columns = (ushort)Console.WindowWidth };
        }

        return size is { Lines: > 0, Columns: > 0 } ? (size.Columns, size.Lines) : (80, 24);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            fixed (byte* bytes = buffer)
            {
                nint written = WriteTo(descriptor, bytes, buffer.Length);
                if (written >= 0)
                {
                    buffer = buffer[(int)written..];
                    continue;
                }
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case TryAgain or TryAgainOnMac:
                    // Whoever started this process made the output non-blocking: wait until it takes more.
                    var wait = new PollDescriptor { Descriptor = descriptor, Events = PollOut };
                    _ = Poll(&wait, 1, -1);
                    break;
                case var _ when descriptor == ErrorDescriptor:
                    return;
                case BrokenPipe:
                    throw new OutputClosedException();
                case int error:
                    throw new IOException($"the standard output takes no more: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint WriteTo(int descriptor, byte* bytes, nint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static unsafe partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int Control(int descriptor, nuint request, TerminalSize* size);

    private struct TerminalSize
    {
        public ushort Lines;
        public ushort Columns;
        public ushort PixelWidth;
        public ushort PixelHeight;
    }

    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short ReturnedEvents;
    }
}
