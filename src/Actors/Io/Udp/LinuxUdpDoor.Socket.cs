using System.Buffers;
using System.Runtime.InteropServices;
using HyperActors.Udx;

namespace HyperActors.Actors;

internal sealed unsafe partial class LinuxUdpDoor
{
    private sealed class LinuxUdpSocket(
        LinuxUdpDoor door, int id, int fd, bool isIPv6, UdxAddress address, IUdpReceiver receiver)
        : UdpSocket(door, id, address, receiver)
    {
        private const int NameSize = 28;

        // Held while a call uses the descriptor, so that closing can't hand its number to another socket meanwhile.
        private readonly Lock _gate = new();
        private readonly Queue<(byte[] Bytes, UdxTransmit Transmit, byte TimeToLive)> _unsent = new();
        private long _unsentBytes;
        private bool _isClosed;

        public void Read(UdpReader reader, int maxReads)
        {
            for (int turn = 0; turn < maxReads; turn++)
            {
                int count = _isClosed ? 0 : reader.Read(fd);
                for (int i = 0; i < count; i++)
                {
                    ReadOnlyMemory<byte> bytes = reader.Take(i, out int segmentSize, out UdxAddress from);
                    Receiver.HandleDatagrams(this, bytes, segmentSize, from);
                }

                if (count > 0)
                {
                    Receiver.HandleBatchEnd(this);
                }

                if (count < reader.Count)
                {
                    break;
                }
            }
        }

        public void Send(byte[] buffer, ReadOnlySpan<UdpSendBatch.Entry> entries)
        {
            lock (_gate)
            {
                int sent = _isClosed || _unsent.Count > 0 ? 0 : SendNow(buffer, entries);
                if (sent < entries.Length && !_isClosed)
                {
                    Keep(buffer, entries[sent..]);
                }
            }
        }

        public void SendQueued()
        {
            lock (_gate)
            {
                Span<UdpSendBatch.Entry> one = stackalloc UdpSendBatch.Entry[1];
                while (!_isClosed && _unsent.TryPeek(out var next))
                {
                    one[0] = new UdpSendBatch.Entry(0, next.Transmit, next.TimeToLive);
                    if (SendNow(next.Bytes, one) == 0)
                    {
                        return;
                    }

                    _unsent.Dequeue();
                    _unsentBytes -= next.Transmit.Length;
                    ArrayPool<byte>.Shared.Return(next.Bytes);
                }

                if (!_isClosed)
                {
                    door.Watch(fd, Native.EpollModify, Native.EpollIn, Id);
                }
            }
        }

        public void CloseHandle()
        {
            lock (_gate)
            {
                if (!_isClosed)
                {
                    _isClosed = true;
                    Native.Close(fd);
                    _unsent.Clear();
                }
            }
        }

        /// <summary>Gives the kernel what it takes at once.</summary>
        /// <returns>How many entries are done with: sent, or refused for good.</returns>
        private int SendNow(byte[] buffer, ReadOnlySpan<UdpSendBatch.Entry> entries)
        {
            int done = 0;
            while (done < entries.Length)
            {
                UdxTransmit transmit = entries[done].Transmit;
                bool isSimple = door._segments && !transmit.MayFragment;
                int count = isSimple ? CountSimple(entries[done..]) : 1;
                SendResult result = isSimple
                    ? SendMany(buffer, entries.Slice(done, count), out count)
                    : SendApart(buffer, entries[done]);
                if (result == SendResult.Full)
                {
                    return done;
                }

                // The device can't cut after all: the same once more, apart.
                done += result == SendResult.CannotCut ? 0 : count;
            }

            return done;
        }

        private static int CountSimple(ReadOnlySpan<UdpSendBatch.Entry> entries)
        {
            int count = 0;
            while (count < entries.Length && !entries[count].Transmit.MayFragment)
            {
                count++;
            }

            return count;
        }

        private SendResult SendMany(byte[] buffer, ReadOnlySpan<UdpSendBatch.Entry> entries, out int done)
        {
            Native.ManyHeader* headers = stackalloc Native.ManyHeader[entries.Length];
            Native.Vector* vectors = stackalloc Native.Vector[entries.Length];
            byte* names = stackalloc byte[entries.Length * NameSize];
            byte* controls = stackalloc byte[entries.Length * 2 * Native.ControlSize];
            fixed (byte* bytes = buffer)
            {
                for (int i = 0; i < entries.Length; i++)
                {
                    byte* control = controls + (i * 2 * Native.ControlSize);
                    UdxTransmit transmit = entries[i].Transmit;
                    int segment = transmit.SegmentSize < transmit.Length ? transmit.SegmentSize : 0;
                    headers[i].Header = Describe(
                        bytes + entries[i].Offset, transmit.Length, entries[i], segment, vectors + i, names + (i * NameSize), control);
                }

                return Call(headers, entries.Length, out done);
            }
        }

        /// <summary>Sends the datagrams of one entry one by one: the kernel can't cut, or one must be allowed to be fragmented.</summary>
        private SendResult SendApart(byte[] buffer, in UdpSendBatch.Entry entry)
        {
            UdxTransmit transmit = entry.Transmit;
            Native.ManyHeader* headers = stackalloc Native.ManyHeader[UdxTransmit.MaxSegments];
            Native.Vector* vectors = stackalloc Native.Vector[UdxTransmit.MaxSegments];
            byte* name = stackalloc byte[NameSize];
            byte* control = stackalloc byte[2 * Native.ControlSize];
            int count = 0;
            fixed (byte* bytes = buffer)
            {
                for (int offset = 0; offset < transmit.Length; offset += transmit.SegmentSize)
                {
                    int length = Math.Min(transmit.SegmentSize, transmit.Length - offset);
                    headers[count].Header = Describe(
                        bytes + entry.Offset + offset, length, entry, 0, vectors + count, name, control);
                    count++;
                }

                if (!transmit.MayFragment)
                {
                    return SendAll(headers, count);
                }

                SetFragmentation(Native.DiscoverNever);
                SendResult result = SendAll(headers, count);
                SetFragmentation(Native.DiscoverProbe);
                return result;
            }
        }

        private SendResult SendAll(Native.ManyHeader* headers, int count)
        {
            for (int done = 0; done < count;)
            {
                SendResult result = Call(headers + done, count - done, out int sent);
                if (result != SendResult.Done)
                {
                    // What has left already would leave twice: rather let the rest be lost.
                    return done == 0 ? result : SendResult.Done;
                }

                done += sent;
            }

            return SendResult.Done;
        }

        private void SetFragmentation(int mode)
        {
            Native.TrySetOption(fd, Native.LevelIP, Native.MtuDiscover, mode);
            if (isIPv6)
            {
                Native.TrySetOption(fd, Native.LevelIPv6, Native.MtuDiscoverIPv6, mode);
            }
        }

        private Native.Header Describe(
            byte* bytes, int length, in UdpSendBatch.Entry entry, int segment, Native.Vector* vector, byte* name, byte* control)
        {
            vector->Base = bytes;
            vector->Length = (nuint)length;
            int controlLength = 0;
            if (segment > 0)
            {
                controlLength += WriteControl(control, 18, Native.LevelUdp, Native.Segment, (ushort)segment);
            }

            if (entry.TimeToLive > 0)
            {
                bool isIPv4 = entry.Transmit.Remote.IsIPv4;
                controlLength += WriteControl(
                    control + controlLength,
                    20,
                    isIPv4 ? Native.LevelIP : Native.LevelIPv6,
                    isIPv4 ? Native.TimeToLive : Native.HopLimitIPv6,
                    entry.TimeToLive);
            }

            return new Native.Header
            {
                Name = name,
                NameLength = (uint)Native.WriteAddress(entry.Transmit.Remote, isIPv6, name),
                Vectors = vector,
                VectorCount = 1,
                Control = controlLength > 0 ? control : null,
                ControlLength = (nuint)controlLength,
            };
        }

        private static int WriteControl(byte* control, long length, int level, int type, int value)
        {
            *(long*)control = length;
            *(int*)(control + 8) = level;
            *(int*)(control + 12) = type;
            *(long*)(control + 16) = value;
            return Native.ControlSize;
        }

        private SendResult Call(Native.ManyHeader* headers, int count, out int done)
        {
            done = 1;
            int sent;
            int error;
            do
            {
                sent = Native.Send(fd, headers, (uint)count, Native.DontWait | Native.NoSignal);
                error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (error == Native.Interrupted);

            if (sent > 0)
            {
                done = sent;
                return SendResult.Done;
            }

            bool wasCut = headers->Header.Control is not null && *(int*)(headers->Header.Control + 8) == Native.LevelUdp;
            if (wasCut && error is Native.InvalidArgument or Native.IoError)
            {
                door._segments = false;
                return SendResult.CannotCut;
            }

            // Anything else concerns this one datagram (too large, no route): it is lost, as datagrams may be.
            return error is Native.TryAgain or Native.NoBuffers ? SendResult.Full : SendResult.Done;
        }

        private void Keep(byte[] buffer, ReadOnlySpan<UdpSendBatch.Entry> entries)
        {
            foreach (UdpSendBatch.Entry entry in entries)
            {
                int length = entry.Transmit.Length;
                if (_unsentBytes + length > door.Options.MaxUnsentBytes)
                {
                    door.CountDropped((length + entry.Transmit.SegmentSize - 1) / entry.Transmit.SegmentSize);
                    continue;
                }

                byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
                buffer.AsSpan(entry.Offset, length).CopyTo(bytes);
                _unsent.Enqueue((bytes, entry.Transmit, entry.TimeToLive));
                _unsentBytes += length;
            }

            door.Watch(fd, Native.EpollModify, Native.EpollIn | Native.EpollOut, Id);
        }

        private enum SendResult
        {
            Done,
            Full,
            CannotCut,
        }
    }

    /// <summary>Tries out what the kernel says it can: a sandbox may know the names and not the calls.</summary>
    private static class UdpProbe
    {
        public static bool Segments()
        {
            int fd = Native.Socket(Native.AddressIPv4, Native.Datagram, 0);
            if (fd < 0)
            {
                return false;
            }

            try
            {
                byte* name = stackalloc byte[NameSize];
                int length = Native.WriteAddress(UdxAddress.FromIPv4(0x7f00_0001, 0), asIPv6: false, name);
                if (Native.Bind(fd, name, length) != 0 || Native.GetName(fd, name, &length) != 0)
                {
                    return false;
                }

                return SendTwo(fd, name, length) && ReceiveOne(fd) == 1 && ReceiveOne(fd) == 1;
            }
            finally
            {
                Native.Close(fd);
            }
        }

        public static bool Coalesces()
        {
            int fd = Native.Socket(Native.AddressIPv4, Native.Datagram, 0);
            bool coalesces = fd >= 0 && Native.TrySetOption(fd, Native.LevelUdp, Native.Coalesce, 1);
            if (fd >= 0)
            {
                Native.Close(fd);
            }

            return coalesces;
        }

        private const int NameSize = 28;

        // Two bytes, cut into one and one, sent to ourselves.
        private static bool SendTwo(int fd, byte* name, int length)
        {
            byte* bytes = stackalloc byte[2];
            byte* control = stackalloc byte[Native.ControlSize];
            *(long*)control = 18;
            *(int*)(control + 8) = Native.LevelUdp;
            *(int*)(control + 12) = Native.Segment;
            *(long*)(control + 16) = 1;
            var vector = new Native.Vector { Base = bytes, Length = 2 };
            var message = new Native.ManyHeader
            {
                Header = new Native.Header
                {
                    Name = name,
                    NameLength = (uint)length,
                    Vectors = &vector,
                    VectorCount = 1,
                    Control = control,
                    ControlLength = Native.ControlSize,
                },
            };
            return Native.Send(fd, &message, 1, Native.DontWait | Native.NoSignal) == 1;
        }

        private static int ReceiveOne(int fd)
        {
            byte* bytes = stackalloc byte[16];
            return (int)Native.Read(fd, bytes, 16);
        }
    }
}
