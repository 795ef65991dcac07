using System.Buffers;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.TestKit;

/// <summary>Two links and the line between them, in one thread and at one time.</summary>
public sealed class LinkPair : IDisposable
{
    private readonly RandomSource _random;
    private readonly KeyPair _keysA = KeyPair.FromSeed(Enumerable.Repeat((byte)0x11, 32).ToArray());
    private readonly KeyPair _keysB = KeyPair.FromSeed(Enumerable.Repeat((byte)0x12, 32).ToArray());

    /// <summary>A is the initiator; nothing has been carried yet.</summary>
    public LinkPair(LinkOptions? optionsOfA = null, LinkOptions? optionsOfB = null, ulong seed = 1)
    {
        _random = RandomSource.Seeded(seed);
        A = new Link(optionsOfA ?? new LinkOptions(), isInitiator: true, _keysA, _random, Now);
        B = new Link(optionsOfB ?? new LinkOptions(), isInitiator: false, _keysB, _random, Now);
    }

    public Link A { get; }

    public Link B { get; }

    /// <summary>The time on this line; the test moves it.</summary>
    public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The longest piece that the line carries at once.</summary>
    public int MaxPiece { get; set; } = 64 * 1024;

    /// <summary>All bytes that A and B have sent.</summary>
    public List<byte> SentByA { get; } = [];

    /// <inheritdoc cref="SentByA"/>
    public List<byte> SentByB { get; } = [];

    /// <summary>Events of A that the test has not taken.</summary>
    public Queue<LinkEvent> EventsOfA { get; } = new();

    /// <inheritdoc cref="EventsOfA"/>
    public Queue<LinkEvent> EventsOfB { get; } = new();

    public KeyPair KeysA => _keysA;

    public KeyPair KeysB => _keysB;

    /// <summary>A pair that has shaken hands and told so.</summary>
    public static LinkPair Connected(LinkOptions? optionsOfA = null, LinkOptions? optionsOfB = null)
    {
        var pair = new LinkPair(optionsOfA, optionsOfB);
        pair.Pump();
        Assert.IsType<LinkEvent.Connected>(pair.EventsOfA.Dequeue());
        Assert.IsType<LinkEvent.Connected>(pair.EventsOfB.Dequeue());
        return pair;
    }

    /// <summary>Opens the same channel on both sides.</summary>
    public (ulong OfA, ulong OfB) OpenBoth(string protocol = "test", byte[]? id = null, bool isUnique = true)
    {
        var spec = new ChannelSpec(protocol, id) { IsUnique = isUnique };
        Assert.True(A.TryOpen(spec, default, out ulong ofA));
        Pump();
        Assert.IsType<LinkEvent.ChannelRequested>(EventsOfB.Dequeue());
        Assert.True(B.TryOpen(spec, default, out ulong ofB));
        Pump();
        Assert.Equal(ofA, Assert.IsType<LinkEvent.ChannelOpened>(EventsOfA.Dequeue()).ChannelId);
        Assert.Equal(ofB, Assert.IsType<LinkEvent.ChannelOpened>(EventsOfB.Dequeue()).ChannelId);
        return (ofA, ofB);
    }

    /// <summary>Carries bytes both ways until nothing moves.</summary>
    public void Pump()
    {
        bool moved = true;
        while (moved)
        {
            moved = Carry(A, B, SentByA) | Carry(B, A, SentByB);
            Drain(A, EventsOfA);
            Drain(B, EventsOfB);
        }
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
        foreach (LinkEvent e in EventsOfA.Concat(EventsOfB))
        {
            (e as LinkEvent.MessagesArrived)?.Messages.Dispose();
        }

        _keysA.Dispose();
        _keysB.Dispose();
    }

    private bool Carry(Link from, Link to, List<byte> log)
    {
        bool moved = false;
        while (from.TryPollTransmit(MaxPiece, Now, out IMemoryOwner<byte>? bytes))
        {
            using (bytes)
            {
                log.AddRange(bytes.Memory.Span);
                to.HandleInput(new ReadOnlySequence<byte>(bytes.Memory), Now);
            }

            moved = true;
        }

        return moved;
    }

    private static void Drain(Link link, Queue<LinkEvent> events)
    {
        while (link.TryPollEvent(out LinkEvent? e))
        {
            events.Enqueue(e);
        }
    }
}
