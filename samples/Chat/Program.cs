// A chat in a room: everybody writes a feed of their own and reads those of the others. The room's name is the topic at which they
// meet; a member's key lets the others read what that member writes.
//   dotnet run -- STORAGE ROOM [KEY ...]            meets the others over the network
//   dotnet run -- STORAGE ROOM [KEY ...] --tcp ADDRESS:PORT      ... or takes them on a TCP address
//   dotnet run -- STORAGE ROOM [KEY ...] --dial ADDRESS:PORT     ... or dials one
using System.Net;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;

if (args.Length < 2)
{
    Console.Error.WriteLine("chat STORAGE ROOM [KEY ...] [--tcp ADDRESS:PORT | --dial ADDRESS:PORT]");
    return 2;
}

string? After(string flag) => Array.IndexOf(args, flag) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;
bool usesTcp = After("--tcp") is not null || After("--dial") is not null;
await using HyperNode node = await HyperNode.StartAsync(
    new NodeOptions { StoragePath = args[0], Network = usesTcp ? null : new NetworkOptions() });
await using Feed mine = await node.OpenFeedAsync("chat");
Console.WriteLine($"your key: {mine.Key}");

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

foreach (string key in args.Skip(2).TakeWhile(a => !a.StartsWith('-')))
{
    _ = ListenAsync(FeedKey.Parse(key));
}

if (After("--tcp") is { } address)
{
    Console.WriteLine($"listening: {await node.ListenTcpAsync(IPEndPoint.Parse(address))}");
}
else if (After("--dial") is { } peer)
{
    IPEndPoint there = IPEndPoint.Parse(peer);
    await node.ConnectTcpAsync(there.Address.ToString(), there.Port);
}
else
{
    byte[] topic = new byte[DiscoveryKey.Size];
    Blake2b.Hash(Encoding.UTF8.GetBytes(args[1]), topic);
    await node.Swarm.JoinAsync(new DiscoveryKey(topic), cancellationToken: stop.Token);
}

// Each line is a block, signed by whoever typed it.
while (!stop.IsCancellationRequested && await Console.In.ReadLineAsync(stop.Token) is { } line)
{
    await mine.AppendAsync(Encoding.UTF8.GetBytes(line), CancellationToken.None);
}

return 0;

async Task ListenAsync(FeedKey key)
{
    await using Feed theirs = await node.OpenFeedAsync(key);
    try
    {
        await foreach (Block block in theirs.ReadAsync(live: true, cancellationToken: stop.Token))
        {
            Console.WriteLine($"{key.ToString()[..8]}: {Encoding.UTF8.GetString(block.Bytes.Span)}");
        }
    }
    catch (Exception e) when (e is OperationCanceledException or HyperActorsException)
    {
        // The chat is over.
    }
}
