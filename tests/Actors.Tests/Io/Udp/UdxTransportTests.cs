using HyperActors.Simulation;
using HyperActors.TestKit;
using HyperActors.Udx;

namespace HyperActors.Actors.Tests;

/// <summary>A UDX stream as an actor sees it.</summary>
public sealed class UdxTransportTests : UdxWorld
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly TestProbe _one;
    private readonly TestProbe _two;

    public UdxTransportTests()
    {
        _one = CreateProbe("one");
        _two = CreateProbe("two");
    }

    [Fact]
    public void Bytes_arrive_in_order_over_a_bad_line_and_both_ends_are_told()
    {
        Datagrams.Options = new DatagramOptions { Loss = 0.1, Reordering = 0.1, Duplication = 0.1 };
        (UdxTransport one, UdxTransport two) = Pair();
        byte[] bytes = Pattern(300_000);
        one.Write(Owned(bytes));
        one.Shutdown();
        two.Shutdown();

        List<object> heard = Read(_two, two, TimeSpan.FromSeconds(30));
        Assert.Equal(bytes, BytesOf(heard));
        Assert.Single(heard.OfType<ITransport.RemoteEnded>());
        Assert.Empty(heard.OfType<ITransport.Broken>());
        List<object> sent = Read(_one, one, Moment);
        Assert.Equal(bytes.Length, sent.OfType<ITransport.Written>().Sum(w => w.Count));
        Assert.Single(sent.OfType<ITransport.RemoteEnded>());
        Assert.True(Datagrams.Lost > 0);
    }

    [Fact]
    public void A_peer_that_is_not_read_has_to_wait()
    {
        var options = new UdxOptions { ReceiveWindow = 64 * 1024 };
        (UdxTransport one, UdxTransport two) = Pair(options);
        one.Write(Owned(Pattern(1 << 20)));

        List<object> heard = Read(_two, two, TimeSpan.FromSeconds(10), returnsCredit: false);
        int first = BytesOf(heard).Length;
        Assert.InRange(first, 32 * 1024, 128 * 1024);

        two.ReturnCredit(first);
        heard.AddRange(Read(_two, two, TimeSpan.FromSeconds(60)));
        Assert.Equal(Pattern(1 << 20), BytesOf(heard));
    }

    [Fact]
    public void What_comes_before_the_start_waits_for_it_in_few_buffers()
    {
        UdxHub here = StartHub(1);
        UdxHub there = StartHub(2);
        UdpSocket ours = Bind(here, 1);
        UdpSocket theirs = Bind(there, 2);
        UdxTransport server = UdxTransport.Open(there, 2, (connection, socket, from) =>
        {
            connection.Connect(socket, 1, from);
            return true;
        })!;
        Task spoke = server.WaitForPeerAsync();
        Run.Advance(Moment);
        Assert.False(spoke.IsCompleted);
        Assert.Null(server.RemoteAddress);

        UdxTransport client = Open(here, ours, 1, 2, theirs, _one);
        byte[] bytes = Pattern(2000);
        foreach (byte b in bytes)
        {
            client.Write(Owned([b]));
        }

        client.Shutdown();
        Run.Advance(TimeSpan.FromSeconds(10));
        Assert.True(spoke.IsCompleted);
        Assert.Equal(ours.LocalAddress.ToIPEndPoint(), server.RemoteAddress);

        server.Start(_two.Ref);
        Run.RunUntilIdle();
        IReadOnlyList<object> heard = _two.TakeAll();
        Assert.Equal(bytes, BytesOf(heard));
        Assert.InRange(heard.Count, 2, 4);
        Assert.IsType<ITransport.RemoteEnded>(heard[^1]);
    }

    [Fact]
    public void One_that_was_let_go_after_its_end_still_delivers_what_was_written()
    {
        Datagrams.Options = new DatagramOptions { Loss = 0.2 };
        (UdxTransport one, UdxTransport two) = Pair();
        byte[] bytes = Pattern(100_000);
        one.Write(Owned(bytes));
        one.Shutdown();
        one.Dispose();

        List<object> heard = Read(_two, two, TimeSpan.FromSeconds(14));
        Assert.Equal(bytes, BytesOf(heard));
        Assert.DoesNotContain(_one.TakeAll(), m => m is ITransport.RemoteEnded or ITransport.Broken);
        Assert.Equal(0, Hub(1).Count);
    }

    [Fact]
    public void One_that_was_let_go_before_its_end_is_aborted()
    {
        (UdxTransport one, UdxTransport two) = Pair();
        one.Write(Owned([1, 2, 3]));
        Run.Advance(Moment);
        one.Dispose();

        List<object> heard = Read(_two, two, Moment);
        Assert.Equal("the peer aborted the stream", Assert.Single(heard.OfType<ITransport.Broken>()).Reason);
        Assert.Equal((0, 0), (Hub(1).Count, Hub(2).Count));
    }

    [Fact]
    public void A_peer_that_never_reads_does_not_hold_a_stream_that_was_let_go()
    {
        var options = new UdxOptions { ReceiveWindow = 64 * 1024 };
        (UdxTransport one, _) = Pair(options);
        one.Write(Owned(Pattern(1 << 20)));
        Run.Advance(TimeSpan.FromSeconds(2));
        one.Shutdown();
        one.Dispose();
        Assert.Equal(1, Hub(1).Count);

        Run.Advance(options.CloseTimeout);
        Assert.Equal(0, Hub(1).Count);
    }

    [Fact]
    public void A_peer_that_falls_silent_breaks_the_stream()
    {
        (UdxTransport one, UdxTransport two) = Pair();
        one.Write(Owned([1]));
        Run.Advance(Moment);
        Network.Part(Address(1), Address(2), breaksStreams: false);
        one.Write(Owned([2]));

        List<object> told = Read(_one, one, TimeSpan.FromSeconds(20));
        Assert.Equal("the peer does not answer any more", Assert.Single(told.OfType<ITransport.Broken>()).Reason);
        Assert.Equal([1], BytesOf(Read(_two, two, Moment)));
    }

    [Fact]
    public void Messages_pass_beside_the_stream_and_are_dropped_when_nobody_takes_them()
    {
        (UdxTransport one, UdxTransport two) = Pair();
        Assert.True(one.SendMessage([4, 5, 6]));
        ITransport.MessageArrived arrived = Assert.Single(Read(_two, two, Moment).OfType<ITransport.MessageArrived>());
        Assert.Equal([4, 5, 6], arrived.Message.ToArray());

        two.ReturnMessage(3);
        int count = 0;
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(one.SendMessage(new byte[1000]));
            count += Read(_two, two, TimeSpan.FromMilliseconds(100)).OfType<ITransport.MessageArrived>().Count();
        }

        Assert.InRange(count, 200, 260);
    }

    [Fact]
    public void The_sockets_are_closed_when_the_last_stream_that_was_let_go_is_over()
    {
        (UdxTransport one, UdxTransport two) = Pair();
        one.Write(Owned(Pattern(50_000)));
        one.Shutdown();
        one.Dispose();
        Run.Run(() => Hub(1).CloseAsync(TimeSpan.FromSeconds(10)));

        Assert.Equal(50_000, BytesOf(Read(_two, two, Moment)).Length);
        Assert.InRange(Run.Now, TimeSpan.FromMilliseconds(2), TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void The_sockets_are_closed_in_any_case_when_patience_ends()
    {
        (UdxTransport one, _) = Pair();
        Network.Part(Address(1), Address(2), breaksStreams: false);
        one.Write(Owned([1]));
        one.Shutdown();
        one.Dispose();
        Run.Run(() => Hub(1).CloseAsync(TimeSpan.FromSeconds(2)));

        Assert.Equal(TimeSpan.FromSeconds(2), Run.Now);
    }

    private readonly Dictionary<int, UdxHub> _byHost = [];

    private UdxHub Hub(int host) => _byHost[host];

    private (UdxTransport One, UdxTransport Two) Pair(UdxOptions? options = null)
    {
        _byHost[1] = StartHub(1, options);
        _byHost[2] = StartHub(2, options);
        UdpSocket ours = Bind(Hub(1), 1);
        UdpSocket theirs = Bind(Hub(2), 2);
        return (Open(Hub(1), ours, 1, 2, theirs, _one), Open(Hub(2), theirs, 2, 1, ours, _two));
    }
}
