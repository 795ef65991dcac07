using System.Buffers;
using System.Collections.Immutable;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>The fields that the messages of HyperDHT share.</summary>
internal static class CompactExtensions
{
    /// <summary>The bytes of a structure, in an array of their own.</summary>
    public static byte[] ToBytes<T>(this T value)
        where T : IEncodable
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CompactWriter(buffer);
        value.Encode(ref writer);
        return buffer.WrittenSpan.ToArray();
    }

    public static void WriteAddresses(this ref CompactWriter writer, ImmutableArray<DhtAddress> addresses)
    {
        writer.WriteUInt((ulong)addresses.Length);
        foreach (DhtAddress address in addresses)
        {
            address.Encode(ref writer);
        }
    }

    /// <summary>Addresses behind their count, which the bytes that are there bound.</summary>
    public static ImmutableArray<DhtAddress> ReadAddresses(this ref CompactReader reader)
    {
        int count = reader.ReadCount(reader.Remaining.Length / DhtAddress.Size);
        if (count == 0)
        {
            return [];
        }

        ImmutableArray<DhtAddress>.Builder addresses = ImmutableArray.CreateBuilder<DhtAddress>(count);
        while (addresses.Count < count && DhtAddress.TryDecode(ref reader, out DhtAddress address))
        {
            addresses.Add(address);
        }

        return addresses.DrainToImmutable();
    }

    public static DhtAddress? ReadAddress(this ref CompactReader reader) =>
        DhtAddress.TryDecode(ref reader, out DhtAddress address) ? address : null;

    public static Hash ReadHash(this ref CompactReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadFixed(Hash.Size);
        return reader.Succeeded ? new Hash(bytes) : default;
    }

    public static PublicKey ReadPublicKey(this ref CompactReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadFixed(PublicKey.Size);
        return reader.Succeeded ? new PublicKey(bytes) : default;
    }

    public static Signature ReadSignature(this ref CompactReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadFixed(Ed25519.SignatureSize);
        return reader.Succeeded ? new Signature(bytes) : default;
    }

    /// <summary>An integer that has 32 bits; more of them fail.</summary>
    public static uint ReadUInt32Value(this ref CompactReader reader)
    {
        ulong value = reader.ReadUInt();
        if (value > uint.MaxValue)
        {
            reader.Fail();
            return 0;
        }

        return (uint)value;
    }

    public static RelayMode ReadRelayMode(this ref CompactReader reader)
    {
        ulong mode = reader.ReadUInt();
        return mode <= (ulong)RelayMode.Reply ? (RelayMode)mode : RelayMode.Unknown;
    }
}
