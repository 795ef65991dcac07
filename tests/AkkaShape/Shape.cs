using System.Diagnostics.CodeAnalysis;

namespace Akka;

/// <summary>Stands where Akka.NET has code: this assembly is compiled against, never run.</summary>
internal static class Shape
{
    /// <summary>The body of every member.</summary>
    public static T Of<T>() => throw Never();

    [DoesNotReturn]
    public static void Nothing() => throw Never();

    private static NotSupportedException Never() =>
        new("AkkaShape holds Akka.NET's signatures alone. Build with another ActorEngine to run.");
}

public sealed class Done
{
    public static readonly Done Instance;

    private Done()
    {
    }
}
