using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A signed value with its number: what mutable get answers.</summary>
/// <param name="Sequence">A later value has a greater number.</param>
/// <param name="Value">The value.</param>
/// <param name="Signature">Over both (see <see cref="RecordSignatures"/>).</param>
/// <remarks><code>| sequence: uint | value: buffer | signature: 64 |</code></remarks>
public sealed record MutableRecord(ulong Sequence, ReadOnlyMemory<byte> Value, Signature Signature) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out MutableRecord record)
    {
        record = new MutableRecord(reader.ReadUInt(), reader.ReadBuffer().ToArray(), reader.ReadSignature());
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Sequence);
        writer.WriteBuffer(Value.Span);
        Signature signature = Signature;
        writer.WriteFixed(signature.AsSpan());
    }

    public bool Equals(MutableRecord? other) =>
        other is not null && Sequence == other.Sequence && Signature == other.Signature && Value.Span.SequenceEqual(other.Value.Span);

    public override int GetHashCode() => Signature.GetHashCode();
}
