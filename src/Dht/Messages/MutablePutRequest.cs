using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>The value of mutable put.</summary>
/// <param name="PublicKey">Whose value it is.</param>
/// <param name="Record">The value.</param>
/// <remarks><code>| public key: 32 | sequence: uint | value: buffer | signature: 64 |</code></remarks>
public sealed record MutablePutRequest(PublicKey PublicKey, MutableRecord Record) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out MutablePutRequest request)
    {
        PublicKey publicKey = reader.ReadPublicKey();
        MutableRecord.TryDecode(ref reader, out MutableRecord record);
        request = new MutablePutRequest(publicKey, record);
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        PublicKey key = PublicKey;
        writer.WriteFixed(key.AsSpan());
        Record.Encode(ref writer);
    }
}
