namespace HyperActors.Compact;

/// <summary>A structure that writes itself in compact encoding.</summary>
/// <remarks>
/// Its counterpart is a static <c>TryDecode(ref CompactReader reader, out T value)</c> that ends in
/// <c>return reader.Succeeded;</c>.
/// </remarks>
public interface IEncodable
{
    /// <summary>Writes the fields in order, without padding or tags.</summary>
    void Encode(ref CompactWriter writer);
}
