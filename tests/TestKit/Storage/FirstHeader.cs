using System.Buffers;
using System.Buffers.Binary;
using HyperActors.Compact;
using HyperActors.Storage;

namespace HyperActors.TestKit;

/// <summary>The oplog as the first releases of hypercore 10 wrote it.</summary>
public static class FirstHeader
{
    /// <summary>Puts a header of version 0 in place of the one of version 1 that counts; entries become void.</summary>
    /// <param name="oplog">The file of a compat feed.</param>
    public static byte[] Rewrite(ReadOnlySpan<byte> oplog)
    {
        if (!new Oplog().TryOpen(oplog, out OplogHeader? header, out _) || header is null)
        {
            throw new InvalidOperationException("no header");
        }

        var output = new ArrayBufferWriter<byte>(512);
        output.Advance(8);
        var writer = new CompactWriter(output);
        writer.WriteUInt(0);
        writer.WriteString("blake2b");
        writer.WriteString("raw");
        writer.WriteString("ed25519");
        writer.WriteUInt((ulong)header.UserData.Count);
        foreach ((string key, byte[] value) in header.UserData)
        {
            writer.WriteString(key);
            writer.WriteBuffer(value);
        }

        writer.WriteUInt(header.Fork);
        writer.WriteUInt(header.Length);
        writer.WriteBuffer(header.RootHash);
        writer.WriteBuffer(header.Signature);
        writer.WriteBuffer(header.PublicKey);
        writer.WriteBuffer(header.SecretKey);
        writer.WriteUInt(0);

        var file = new byte[8192];
        output.WrittenSpan.CopyTo(file);
        Span<byte> frame = file.AsSpan(0, output.WrittenCount);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], (uint)(frame.Length - 8) << 2);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Crc32.Compute(frame[4..]));
        return file;
    }
}
