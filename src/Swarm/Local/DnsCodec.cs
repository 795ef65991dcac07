using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace HyperActors.Swarm;

/// <summary>The packets of multicast DNS, as far as local discovery needs them (docs/local-discovery.md#packets).</summary>
/// <remarks><code>
/// | id: u16 | flags: u16 | questions, answers, authorities, additionals: u16 each, big endian |
/// question: name | type: u16 | class: u16, highest bit: unicast welcome
/// record:   name | type: u16 | class: u16, highest bit: unique | time to live: u32, seconds | length: u16 | data
/// name:     labels of a length byte and 1 to 63 bytes | 0, or 0xc000 + an earlier offset
/// </code></remarks>
public static class DnsCodec
{
    /// <summary>Records of a packet that are looked at; what comes behind them is not. A packet of 1400 bytes holds fewer.</summary>
    public const int MaxRecords = 256;

    private const int HeaderSize = 12;
    private const int MaxNameLength = 255;
    private const int MaxLabelLength = 63;
    private const int MaxPointerTarget = 0x3fff;
    private const ushort ClassInternet = 1;
    private const ushort TopBit = 0x8000;
    private const ushort FlagResponse = 0x8000;
    private const ushort FlagAuthoritative = 0x0400;
    private const ushort FlagTruncated = 0x0200;
    private const ushort MaskOpcodeAndError = 0x780f;

    /// <summary>Reads a packet; records of other types and classes are passed over.</summary>
    /// <returns>False for what is no packet of DNS. Never throws, and reads no byte more than a few times.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> packet, out DnsMessage message)
    {
        message = new DnsMessage();
        if (packet.Length < HeaderSize)
        {
            return false;
        }

        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if ((flags & MaskOpcodeAndError) != 0)
        {
            return false;
        }

        int offset = HeaderSize;
        int left = MaxRecords;
        var questions = new List<DnsQuestion>();
        for (int i = Count(packet, 4); i > 0 && left > 0; i--, left--)
        {
            if (!TryReadQuestion(packet, ref offset, questions))
            {
                return false;
            }
        }

        List<DnsRecord>[] sections = [[], [], []];
        for (int section = 0; section < sections.Length; section++)
        {
            for (int i = Count(packet, 6 + (2 * section)); i > 0 && left > 0; i--, left--)
            {
                if (!TryReadRecord(packet, ref offset, sections[section]))
                {
                    return false;
                }
            }
        }

        message = new DnsMessage
        {
            IsResponse = (flags & FlagResponse) != 0,
            IsTruncated = (flags & FlagTruncated) != 0,
            Questions = questions,
            Answers = sections[0],
            Authorities = sections[1],
            Additionals = sections[2],
        };
        return true;
    }

    /// <summary>Writes a packet.</summary>
    /// <exception cref="ArgumentException">A name or a text of ours is longer than the format allows.</exception>
    public static byte[] Encode(DnsMessage message)
    {
        var writer = new Writer();
        int flags = (message.IsResponse ? FlagResponse | FlagAuthoritative : 0) | (message.IsTruncated ? FlagTruncated : 0);
        writer.WriteUInt16(0);
        writer.WriteUInt16((ushort)flags);
        writer.WriteUInt16((ushort)message.Questions.Count);
        writer.WriteUInt16((ushort)message.Answers.Count);
        writer.WriteUInt16((ushort)message.Authorities.Count);
        writer.WriteUInt16((ushort)message.Additionals.Count);
        foreach (DnsQuestion question in message.Questions)
        {
            writer.WriteName(question.Name);
            writer.WriteUInt16((ushort)question.Type);
            writer.WriteUInt16((ushort)(ClassInternet | (question.WantsUnicast ? TopBit : 0)));
        }

        foreach (DnsRecord record in message.Answers.Concat(message.Authorities).Concat(message.Additionals))
        {
            writer.WriteRecord(record);
        }

        return writer.ToArray();
    }

    /// <summary>A record's data without any compression: what two who want the same name compare.</summary>
    public static byte[] EncodeData(DnsRecord record)
    {
        var writer = new Writer { Compresses = false };
        writer.WriteData(record);
        return writer.ToArray();
    }

    private static int Count(ReadOnlySpan<byte> packet, int offset) => BinaryPrimitives.ReadUInt16BigEndian(packet[offset..]);

    private static bool TryReadQuestion(ReadOnlySpan<byte> packet, ref int offset, List<DnsQuestion> questions)
    {
        if (!TryReadName(packet, ref offset, out string name) || packet.Length - offset < 4)
        {
            return false;
        }

        var type = (DnsType)Count(packet, offset);
        int @class = Count(packet, offset + 2);
        offset += 4;
        if ((@class & ~TopBit) is ClassInternet or (int)DnsType.Any)
        {
            questions.Add(new DnsQuestion(name, type, (@class & TopBit) != 0));
        }

        return true;
    }

    private static bool TryReadRecord(ReadOnlySpan<byte> packet, ref int offset, List<DnsRecord> records)
    {
        if (!TryReadName(packet, ref offset, out string name) || packet.Length - offset < 10)
        {
            return false;
        }

        var type = (DnsType)Count(packet, offset);
        int @class = Count(packet, offset + 2);
        var timeToLive = TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(packet[(offset + 4)..]));
        int length = Count(packet, offset + 8);
        offset += 10;
        if (packet.Length - offset < length)
        {
            return false;
        }

        int data = offset;
        offset += length;
        if ((@class & ~TopBit) != ClassInternet)
        {
            return true;
        }

        DnsRecord? record = ReadData(packet[..offset], data, type, name, timeToLive, (@class & TopBit) != 0, out bool isBroken);
        records.AddRange(record is null ? [] : [record]);
        return !isBroken;
    }

    private static DnsRecord? ReadData(
        ReadOnlySpan<byte> packet, int offset, DnsType type, string name, TimeSpan timeToLive, bool isUnique, out bool isBroken)
    {
        int length = packet.Length - offset;
        isBroken = true;
        switch (type)
        {
            case DnsType.A when length == 4:
            case DnsType.Aaaa when length == 16:
                isBroken = false;
                return new DnsRecord.Host(new IPAddress(packet[offset..])) { Name = name, TimeToLive = timeToLive, IsUnique = isUnique };
            case DnsType.Ptr when TryReadName(packet, ref offset, out string target):
                isBroken = false;
                return new DnsRecord.Ptr(target) { Name = name, TimeToLive = timeToLive, IsUnique = isUnique };
            case DnsType.Srv when length > 6:
                (ushort priority, ushort weight, ushort port) =
                    ((ushort)Count(packet, offset), (ushort)Count(packet, offset + 2), (ushort)Count(packet, offset + 4));
                offset += 6;
                isBroken = !TryReadName(packet, ref offset, out string host);
                return isBroken
                    ? null
                    : new DnsRecord.Srv(priority, weight, port, host) { Name = name, TimeToLive = timeToLive, IsUnique = isUnique };
            case DnsType.Txt:
                isBroken = !TryReadStrings(packet, offset, out List<string> strings);
                return isBroken ? null : new DnsRecord.Txt(strings) { Name = name, TimeToLive = timeToLive, IsUnique = isUnique };
            default:
                isBroken = type is DnsType.A or DnsType.Aaaa or DnsType.Ptr or DnsType.Srv;
                return null;
        }
    }

    private static bool TryReadStrings(ReadOnlySpan<byte> packet, int offset, out List<string> strings)
    {
        strings = [];
        while (offset < packet.Length)
        {
            int length = packet[offset++];
            if (packet.Length - offset < length)
            {
                return false;
            }

            strings.Add(Encoding.Latin1.GetString(packet.Slice(offset, length)));
            offset += length;
        }

        return true;
    }

    // A pointer goes to before the part that it ends: each step is nearer to the front, and the walk ends.
    private static bool TryReadName(ReadOnlySpan<byte> packet, ref int offset, out string name)
    {
        name = string.Empty;
        var text = new StringBuilder();
        int at = offset;
        int partStart = offset;
        int size = 0;
        bool hasJumped = false;
        while (at < packet.Length)
        {
            int length = packet[at];
            if (length == 0)
            {
                offset = hasJumped ? offset : at + 1;
                name = text.ToString();
                return true;
            }

            if (length >= 0xc0)
            {
                if (at + 1 >= packet.Length)
                {
                    return false;
                }

                int target = ((length & 0x3f) << 8) | packet[at + 1];
                if (target >= partStart || target < HeaderSize)
                {
                    return false;
                }

                offset = hasJumped ? offset : at + 2;
                hasJumped = true;
                at = partStart = target;
                continue;
            }

            size += length + 1;
            if (length > MaxLabelLength || packet.Length - at - 1 < length || size >= MaxNameLength)
            {
                return false;
            }

            text.Append(text.Length == 0 ? string.Empty : ".");
            AppendLabel(text, packet.Slice(at + 1, length));
            at += length + 1;
        }

        return false;
    }

    private static void AppendLabel(StringBuilder text, ReadOnlySpan<byte> label)
    {
        foreach (byte b in label)
        {
            _ = b is > (byte)' ' and < 127 and not ((byte)'.' or (byte)'\\')
                ? text.Append((char)(b is >= (byte)'A' and <= (byte)'Z' ? b | 0x20 : b))
                : text.Append('\\').Append((char)('0' + (b / 100))).Append((char)('0' + (b / 10 % 10))).Append((char)('0' + (b % 10)));
        }
    }

    private sealed class Writer
    {
        private readonly List<byte> _bytes = [];
        private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);

        public bool Compresses { get; init; } = true;

        public byte[] ToArray() => [.. _bytes];

        public void WriteUInt16(ushort value) => _bytes.AddRange([(byte)(value >> 8), (byte)value]);

        public void WriteRecord(DnsRecord record)
        {
            WriteName(record.Name);
            WriteUInt16((ushort)record.Type);
            WriteUInt16((ushort)(ClassInternet | (record.IsUnique ? TopBit : 0)));
            uint seconds = (uint)Math.Clamp(record.TimeToLive.TotalSeconds, 0, uint.MaxValue);
            WriteUInt16((ushort)(seconds >> 16));
            WriteUInt16((ushort)seconds);
            int lengthAt = _bytes.Count;
            WriteUInt16(0);
            WriteData(record);
            int length = _bytes.Count - lengthAt - 2;
            (_bytes[lengthAt], _bytes[lengthAt + 1]) = ((byte)(length >> 8), (byte)length);
        }

        public void WriteData(DnsRecord record)
        {
            switch (record)
            {
                case DnsRecord.Ptr ptr:
                    WriteName(ptr.Target);
                    break;
                case DnsRecord.Srv srv:
                    WriteUInt16(srv.Priority);
                    WriteUInt16(srv.Weight);
                    WriteUInt16(srv.Port);
                    WriteName(srv.Target);
                    break;
                case DnsRecord.Txt txt:
                    foreach (string text in txt.Strings)
                    {
                        byte[] bytes = Encoding.Latin1.GetBytes(text);
                        _bytes.Add(checked((byte)bytes.Length));
                        _bytes.AddRange(bytes);
                    }

                    // A text without strings is one empty string (RFC 6763, section 6.1).
                    _bytes.AddRange(txt.Strings.Count == 0 ? [(byte)0] : []);
                    break;
                case DnsRecord.Host host:
                    _bytes.AddRange(host.Address.GetAddressBytes());
                    break;
            }
        }

        public void WriteName(string name)
        {
            string rest = name;
            while (rest.Length > 0)
            {
                if (Compresses && _names.TryGetValue(rest, out int earlier))
                {
                    WriteUInt16((ushort)(0xc000 | earlier));
                    return;
                }

                if (_bytes.Count <= MaxPointerTarget)
                {
                    _names.TryAdd(rest, _bytes.Count);
                }

                int dot = rest.IndexOf('.', StringComparison.Ordinal);
                byte[] label = BytesOf(dot < 0 ? rest : rest[..dot]);
                if (label.Length is 0 or > MaxLabelLength)
                {
                    throw new ArgumentException($"'{name}' has a label that no name can have", nameof(name));
                }

                _bytes.Add((byte)label.Length);
                _bytes.AddRange(label);
                rest = dot < 0 ? string.Empty : rest[(dot + 1)..];
            }

            _bytes.Add(0);
        }

        // What was read with a backslash and digits is written as the byte that it was.
        private static byte[] BytesOf(string label)
        {
            var bytes = new List<byte>(label.Length);
            for (int i = 0; i < label.Length; i++)
            {
                bool isEscaped = label[i] == '\\' && i + 3 < label.Length;
                bytes.Add(isEscaped
                    ? (byte)(((label[i + 1] - '0') * 100) + ((label[i + 2] - '0') * 10) + (label[i + 3] - '0'))
                    : (byte)label[i]);
                i += isEscaped ? 3 : 0;
            }

            return [.. bytes];
        }
    }
}
