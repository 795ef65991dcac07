using HyperActors.Dht;
using HyperActors.TestKit;

namespace HyperActors.Actors.Tests;

public sealed class DatagramInboxTests : ActorTest
{
    private static readonly DhtAddress From = new(0xcb007101, 4000);

    [Fact]
    public void All_that_comes_before_the_next_look_is_one_message()
    {
        (DatagramInbox inbox, TestProbe owner) = Open(10);
        inbox.Add(1, From, [1]);
        inbox.Add(2, From with { Port = 4001 }, [2, 2]);
        Run.RunUntilIdle();
        Assert.Single(owner.TakeAll());

        using DatagramBatch batch = inbox.Take()!;
        Assert.Equal(2, batch.Count);
        Assert.Equal([1], batch.Get(0, out int socket, out DhtAddress from).ToArray());
        Assert.Equal((1, From), (socket, from));
        Assert.Equal([2, 2], batch.Get(1, out socket, out from).ToArray());
        Assert.Equal((2, (ushort)4001), (socket, from.Port));
        Assert.Null(inbox.Take());
    }

    [Fact]
    public void After_a_look_the_next_datagram_tells_again()
    {
        (DatagramInbox inbox, TestProbe owner) = Open(10);
        inbox.Add(1, From, [1]);
        inbox.Take()!.Dispose();
        inbox.Add(1, From, [2]);
        Run.RunUntilIdle();
        Assert.Equal(2, owner.TakeAll().Count);
    }

    [Fact]
    public void What_comes_while_it_is_full_is_dropped_and_counted()
    {
        (DatagramInbox inbox, _) = Open(3);
        for (byte i = 0; i < 5; i++)
        {
            inbox.Add(1, From, [i]);
        }

        Assert.Equal(2, inbox.Dropped);
        using DatagramBatch batch = inbox.Take()!;
        Assert.Equal(3, batch.Count);
        inbox.Add(1, From, [9]);
        Assert.Equal(2, inbox.Dropped);
        inbox.Take()!.Dispose();
    }

    [Fact]
    public void Datagrams_of_any_number_and_size_come_out_as_they_went_in()
    {
        Check.That<byte[][]>(datagrams =>
        {
            var inbox = new DatagramInbox(1000);
            foreach (byte[] datagram in datagrams)
            {
                inbox.Add(datagram.Length, From, datagram);
            }

            using DatagramBatch? batch = inbox.Take();
            return (batch?.Count ?? 0) == datagrams.Length
                && datagrams.Select((d, i) => batch!.Get(i, out int socket, out _).SequenceEqual(d) && socket == d.Length).All(same => same);
        });
    }

    private (DatagramInbox Inbox, TestProbe Owner) Open(int max)
    {
        TestProbe owner = CreateProbe();
        var inbox = new DatagramInbox(max);
        inbox.Open(owner.Ref);
        return (inbox, owner);
    }
}
