using HyperActors.Crypto;

namespace HyperActors.Wire.Tests;

/// <summary>Chance that was decided beforehand: the draws of a transcript, in order.</summary>
internal sealed class FixedRandom(params byte[][] draws) : RandomSource
{
    private readonly Queue<byte[]> _draws = new(draws);

    public override void Fill(Span<byte> output) => _draws.Dequeue().CopyTo(output);
}
