namespace HyperActors.Dht;

/// <summary>The commands of the RPC itself (docs/dht-rpc.md#commands); an application has its own numbers.</summary>
internal static class DhtCommand
{
    public const uint Ping = 0;
    public const uint PingNat = 1;
    public const uint FindNode = 2;
    public const uint DownHint = 3;
    public const uint DelayedPing = 4;
}

/// <summary>Errors that a reply may carry (docs/dht-rpc.md#errors). Those of an application start at 16.</summary>
public static class DhtErrors
{
    public const uint None = 0;
    public const uint UnknownCommand = 1;
    public const uint InvalidToken = 2;
}
