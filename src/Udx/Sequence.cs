namespace HyperActors.Udx;

/// <summary>Arithmetic of sequence numbers, which wrap at 2^32.</summary>
internal static class Sequence
{
    /// <summary>How far <paramref name="a"/> lies after <paramref name="b"/>; negative when before.</summary>
    public static int Difference(uint a, uint b) => unchecked((int)(a - b));
}
