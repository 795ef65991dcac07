using System.Buffers;
using System.Buffers.Binary;
using HyperActors.Compact;

namespace HyperActors.Storage;

/// <summary>The log that is written before anything else: two slots for the header, then entries.</summary>
/// <remarks>
/// <code>
/// frame  | crc32 over the rest: uint32 LE | length &lt;&lt; 2 | partial &lt;&lt; 1 | header bit: uint32 LE | payload: length bytes |
/// file   | slot 0 at 0 | slot 1 at 4096 | entries from 8192 |
/// </code>
/// The sum of the two slots' header bits names the slot that counts and the bit that valid entries carry, so that a new
/// header makes all older entries void by being written. See docs/storage.md#oplog.
/// </remarks>
internal sealed class Oplog
{
    public const int FrameSize = 8;
    public const int SlotSize = 4096;
    public const int EntriesStart = 2 * SlotSize;

    private int _bit0 = 1;
    private int _bit1;

    /// <summary>Where the next entry goes.</summary>
    public long End { get; private set; } = EntriesStart;

    /// <summary>Bytes of entries since the last header.</summary>
    public long EntryBytes => End - EntriesStart;

    private int CurrentBit => (_bit0 + _bit1) & 1;

    /// <summary>What a whole file says.</summary>
    /// <param name="file">All of its bytes.</param>
    /// <param name="header">The header that counts; null for a feed that was never made.</param>
    /// <param name="entries">The entries behind it.</param>
    /// <returns>False when the file is none of ours, or broken beyond repair.</returns>
    public bool TryOpen(ReadOnlySpan<byte> file, out OplogHeader? header, out List<OplogEntry> entries)
    {
        entries = [];
        header = null;
        bool hasFirst = TryReadHeader(file, out OplogHeader? first, out int bit0);
        bool hasSecond = TryReadHeader(file.Length < SlotSize ? [] : file[SlotSize..], out OplogHeader? second, out int bit1);
        if (!hasFirst && !hasSecond)
        {
            return file.Length < EntriesStart;
        }

        _bit0 = hasFirst ? bit0 : (bit1 + 1) & 1;
        _bit1 = hasSecond ? bit1 : bit0;
        header = CurrentBit == 0 ? first : second;
        ReadEntries(file.Length < EntriesStart ? [] : file[EntriesStart..], entries);
        return true;
    }

    private void ReadEntries(ReadOnlySpan<byte> file, List<OplogEntry> entries)
    {
        long end = EntriesStart;
        int whole = 0;
        while (TryReadFrame(file, out ReadOnlySpan<byte> payload, out int bit, out bool isPartial)
            && bit == CurrentBit && OplogEntry.TryDecode(payload, out OplogEntry? entry))
        {
            entries.Add(entry!);
            int size = FrameSize + payload.Length;
            file = file[size..];
            end += size;

            // What is partial counts only once the last of its batch is there.
            if (!isPartial)
            {
                whole = entries.Count;
                End = end;
            }
        }

        entries.RemoveRange(whole, entries.Count - whole);
    }

    /// <summary>Whether a file without a valid header is what a crash leaves that interrupts the making of a feed.</summary>
    public static bool IsTornCreation(ReadOnlySpan<byte> file)
    {
        if (file.Length <= FrameSize)
        {
            return true;
        }

        // The first header: bit 0, not partial, no longer than its slot, of version 1.
        uint word = BinaryPrimitives.ReadUInt32LittleEndian(file[4..]);
        return (word & 3) == 0 && word >> 2 <= SlotSize - FrameSize && file[FrameSize] == 1;
    }

    /// <summary>A header's frame and the place of the slot that it goes to; null when it does not fit.</summary>
    public (int Slot, byte[] Frame)? EncodeHeader(OplogHeader header)
    {
        var output = new ArrayBufferWriter<byte>(512);
        output.Advance(FrameSize);
        var writer = new CompactWriter(output);
        header.Encode(ref writer);
        if (output.WrittenCount > SlotSize)
        {
            return null;
        }

        int slot = _bit0 == _bit1 ? 1 : 0;
        byte[] frame = output.WrittenSpan.ToArray();
        SealFrame(frame, ((slot == 0 ? _bit0 : _bit1) + 1) & 1, isPartial: false);
        return (slot, frame);
    }

    /// <summary>The header is written: entries start over.</summary>
    public void HeaderWritten(int slot)
    {
        ref int bit = ref slot == 0 ? ref _bit0 : ref _bit1;
        bit = (bit + 1) & 1;
        End = EntriesStart;
    }

    /// <summary>Entries as frames, one behind the other; all count, or none.</summary>
    public void EncodeEntries(IReadOnlyList<OplogEntry> entries, OplogBuffer output)
    {
        for (int i = 0; i < entries.Count; i++)
        {
            int start = output.WrittenCount;
            output.Advance(FrameSize);
            entries[i].Encode(output);
            SealFrame(output.WrittenSpan[start..], CurrentBit, isPartial: i < entries.Count - 1);
        }
    }

    /// <summary>Entries of so many bytes are written.</summary>
    public void EntriesWritten(int bytes) => End += bytes;

    private static bool TryReadHeader(ReadOnlySpan<byte> file, out OplogHeader? header, out int bit)
    {
        header = null;
        if (!TryReadFrame(file, out ReadOnlySpan<byte> payload, out bit, out _))
        {
            return false;
        }

        var reader = new CompactReader(payload);
        return OplogHeader.TryDecode(ref reader, out header);
    }

    private static bool TryReadFrame(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> payload, out int bit, out bool isPartial)
    {
        payload = default;
        bit = 0;
        isPartial = false;
        if (input.Length < FrameSize)
        {
            return false;
        }

        uint word = BinaryPrimitives.ReadUInt32LittleEndian(input[4..]);
        int length = (int)(word >> 2);
        bit = (int)(word & 1);
        isPartial = (word & 2) != 0;
        if (length > input.Length - FrameSize
            || Crc32.Compute(input[4..(FrameSize + length)]) != BinaryPrimitives.ReadUInt32LittleEndian(input))
        {
            return false;
        }

        payload = input.Slice(FrameSize, length);
        return true;
    }

    private static void SealFrame(Span<byte> frame, int bit, bool isPartial)
    {
        uint word = ((uint)(frame.Length - FrameSize) << 2) | (isPartial ? 2u : 0) | (uint)bit;
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], word);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Crc32.Compute(frame[4..]));
    }
}
