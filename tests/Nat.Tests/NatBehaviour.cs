namespace HyperActors.Nat.Tests;

/// <summary>What a network translator does with UDP (RFC 4787 in older words).</summary>
public enum NatBehaviour
{
    /// <summary>One port for every destination, and everybody may send to it.</summary>
    FullCone,

    /// <summary>One port for every destination; hosts that were sent to may answer.</summary>
    AddressRestricted,

    /// <summary>One port for every destination; host and port that were sent to may answer.</summary>
    PortRestricted,

    /// <summary>A port of its own, drawn at random, for every destination, which alone may answer.</summary>
    Symmetric,
}
