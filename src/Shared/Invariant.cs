using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace HyperActors;

/// <summary>What must hold whatever a peer, a user or a disk does: a breach is a fault of ours.</summary>
/// <remarks>On in Release too, and never caught: a supervisor stops what broke it.</remarks>
internal static class Invariant
{
    /// <summary>Throws <see cref="UnreachableException"/> unless <paramref name="condition"/> is true.</summary>
    public static void Hold(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string? claim = null)
    {
        if (!condition)
        {
            Throw(claim);
        }
    }

    [DoesNotReturn]
    private static void Throw(string? claim) => throw new UnreachableException($"Invariant broken: {claim}");
}
