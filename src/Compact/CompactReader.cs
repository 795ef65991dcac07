using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace HyperActors.Compact;

/// <summary>Reads compact encoding (docs/encoding.md) from memory that it does not own.</summary>
/// <remarks>
/// Total: no input makes it throw. A read that does not fit, or breaks a bound, fails the reader; a failed reader
/// answers every later read with zero or nothing. So a decoder is a straight list of fields and one look at
/// <see cref="Succeeded"/>. Non-minimal integers are accepted, bytes that are left over are the caller's to ignore.
/// </remarks>
public ref struct CompactReader
{
    /// <summary>The largest integer of the format: 2^53 - 1, what a JavaScript number holds exactly.</summary>
    public const ulong MaxUInt = (1UL << 53) - 1;

    private readonly ReadOnlySpan<byte> _input;
    private int _position;
    private bool _failed;

    /// <summary>Starts at the first byte of <paramref name="input"/>.</summary>
    public CompactReader(ReadOnlySpan<byte> input)
    {
        _input = input;
        _position = 0;
        _failed = false;
    }

    /// <summary>True until a read did not fit.</summary>
    public readonly bool Succeeded => !_failed;

    /// <summary>How many bytes were read; after a failure, where it happened.</summary>
    public readonly int Consumed => _position;

    /// <summary>The bytes not read yet; nothing after a failure.</summary>
    public readonly ReadOnlySpan<byte> Remaining => _failed ? default : _input[_position..];

    /// <summary>True when nothing more can be read.</summary>
    public readonly bool IsAtEnd => _failed || _position == _input.Length;

    /// <summary>Marks the input as invalid for a reason of the caller's.</summary>
    public void Fail() => _failed = true;

    /// <summary>An unsigned integer of 1, 3, 5 or 9 bytes, 0 to <see cref="MaxUInt"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadUInt()
    {
        if (!_failed && (uint)_position < (uint)_input.Length)
        {
            byte first = _input[_position];
            if (first <= 0xfc)
            {
                _position++;
                return first;
            }
        }

        return ReadLongUInt();
    }

    private ulong ReadLongUInt()
    {
        switch (ReadUInt8())
        {
            case 0xfd:
                return ReadUInt16();
            case 0xfe:
                return ReadUInt32();
            case 0xff:
                ulong value = ReadUInt64();
                if (value <= MaxUInt)
                {
                    return value;
                }

                break;
        }

        _failed = true;
        return 0;
    }

    /// <summary>A zigzag integer: even numbers are non-negative, odd ones negative.</summary>
    public long ReadInt()
    {
        ulong value = ReadUInt();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>One byte.</summary>
    public byte ReadUInt8() => TryTake(1, out ReadOnlySpan<byte> bytes) ? bytes[0] : (byte)0;

    /// <summary>Two bytes, little endian.</summary>
    public ushort ReadUInt16() =>
        TryTake(2, out ReadOnlySpan<byte> bytes) ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    /// <summary>Three bytes, little endian.</summary>
    public uint ReadUInt24() =>
        TryTake(3, out ReadOnlySpan<byte> bytes) ? (uint)(bytes[0] | (bytes[1] << 8) | (bytes[2] << 16)) : 0;

    /// <summary>Four bytes, little endian.</summary>
    public uint ReadUInt32() =>
        TryTake(4, out ReadOnlySpan<byte> bytes) ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    /// <summary>Eight bytes, little endian, over the full range of 64 bits.</summary>
    public ulong ReadUInt64() =>
        TryTake(8, out ReadOnlySpan<byte> bytes) ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    /// <summary>One byte; only <c>01</c> is true.</summary>
    public bool ReadBool() => ReadUInt8() == 1;

    /// <summary>A length and that many bytes, lent from the input.</summary>
    public ReadOnlySpan<byte> ReadBuffer()
    {
        ulong length = ReadUInt();
        if (length > int.MaxValue)
        {
            _failed = true;
            return default;
        }

        return ReadFixed((int)length);
    }

    /// <summary>Exactly <paramref name="length"/> bytes, lent from the input.</summary>
    public ReadOnlySpan<byte> ReadFixed(int length)
    {
        TryTake(length, out ReadOnlySpan<byte> bytes);
        return bytes;
    }

    /// <summary>Text in UTF-8 behind its length in bytes; malformed text fails, as does more than <paramref name="maxBytes"/>.</summary>
    public string ReadString(int maxBytes = 65_536)
    {
        ReadOnlySpan<byte> bytes = ReadBuffer();
        if (bytes.Length > maxBytes || !System.Text.Unicode.Utf8.IsValid(bytes))
        {
            _failed = true;
            return string.Empty;
        }

        return bytes.IsEmpty ? string.Empty : Encoding.UTF8.GetString(bytes);
    }

    /// <summary>A count, held against <paramref name="max"/> before it sizes anything.</summary>
    public int ReadCount(int max)
    {
        ulong count = ReadUInt();
        if (count > (ulong)max)
        {
            _failed = true;
            return 0;
        }

        return (int)count;
    }

    /// <summary>All that is left.</summary>
    public ReadOnlySpan<byte> ReadRest()
    {
        ReadOnlySpan<byte> rest = Remaining;
        _position += rest.Length;
        return rest;
    }

    private bool TryTake(int length, out ReadOnlySpan<byte> bytes)
    {
        if (_failed || (uint)length > (uint)(_input.Length - _position))
        {
            _failed = true;
            bytes = default;
            return false;
        }

        bytes = _input.Slice(_position, length);
        _position += length;
        return true;
    }
}
