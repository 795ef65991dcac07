using System.Buffers;
using HyperActors.Crypto;
using HyperActors.Kernel;
using HyperActors.NativeAot.App;
using HyperActors.Storage;
using HyperActors.Wire;

// A feed in memory, read by an actor, its block sent over an encrypted link: machines and kernel, linked without a runtime.
RandomSource random = RandomSource.Seeded(1);
using var keys = KeyPair.Generate(random);
using var log = new FeedLog(new FeedIdentity { KeyPair = keys }, new FeedOptions());
using var device = new MemoryDevice();
log.Open();
Settle();
byte[] block = "without a runtime"u8.ToArray();
log.Append(1, [block]);
Settle();
log.Read(2, 0, 1);
byte[] read = Settle()!;

using ActorSystem system = ActorSystem.Create("aot");
IActorRef reader = system.ActorOf(Props.Create(() => new Reader()), "reader");
byte[] answered = await reader.Ask<byte[]>(read, TimeSpan.FromSeconds(30));

using var one = new Link(new LinkOptions(), isInitiator: true, keys, random, TimeSpan.Zero);
using var other = new Link(new LinkOptions(), isInitiator: false, keys, random, TimeSpan.Zero);
bool connected = false;
for (bool moved = true; moved;)
{
    moved = Carry(one, other) | Carry(other, one);
    while (other.TryPollEvent(out LinkEvent? e))
    {
        connected |= e is LinkEvent.Connected;
    }
}

bool isSame = answered.AsSpan().SequenceEqual(block);
Console.WriteLine(isSame && connected ? "ok" : $"block same: {isSame}, link connected: {connected}");
return isSame && connected ? 0 : 1;

byte[]? Settle()
{
    byte[]? blocks = null;
    bool moved = true;
    while (moved)
    {
        moved = false;
        while (log.TryPollIo(out IoRequest? request))
        {
            device.Execute(request, (_, _) => { }, out IoResult result);
            log.HandleIo(request, result, TimeSpan.Zero);
            moved = true;
        }

        while (log.TryPollEvent(out FeedLogEvent? e))
        {
            if (e is FeedLogEvent.BlocksRead found)
            {
                blocks = found.Blocks[0].ToArray();
                found.Blocks.Dispose();
            }
        }
    }

    return blocks;
}

static bool Carry(Link from, Link to)
{
    bool moved = false;
    while (from.TryPollTransmit(65_536, TimeSpan.Zero, out IMemoryOwner<byte>? bytes))
    {
        using (bytes)
        {
            to.HandleInput(new ReadOnlySequence<byte>(bytes.Memory), TimeSpan.Zero);
        }

        moved = true;
    }

    return moved;
}
