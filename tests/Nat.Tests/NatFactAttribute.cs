namespace HyperActors.Nat.Tests;

/// <summary>A test that needs network namespaces: skipped, with the reason, where there are none.</summary>
public sealed class NatFactAttribute : FactAttribute
{
    public NatFactAttribute() => Skip = NatLab.SkipReason;
}

/// <summary>A test over data that needs network namespaces: skipped, with the reason, where there are none.</summary>
public sealed class NatTheoryAttribute : TheoryAttribute
{
    public NatTheoryAttribute() => Skip = NatLab.SkipReason;
}
