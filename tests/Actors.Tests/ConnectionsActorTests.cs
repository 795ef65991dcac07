using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>Who is let in, who is turned away, and who hears of it.</summary>
public sealed class ConnectionsActorTests : ActorTest
{
    private readonly FakeNetwork _network = new();
    private readonly TestProbe _feeds;
    private readonly TestProbe _user;
    private readonly IActorRef _connections;

    public ConnectionsActorTests()
    {
        _feeds = CreateProbe("feeds");
        _user = CreateProbe("user");
        RandomSource random = RandomSource.Seeded(1);
        var options = new ConnectionOptions { MaxConnections = 10, MaxHalfOpenPerAddress = 3 };
        _connections = Start(ConnectionsActor.PropsFor(
            _feeds.Ref, _network, KeyPair.Generate(random), random, new LinkOptions(), options, NullLogger.Instance));
    }

    [Theory]
    [InlineData("198.51.100.7", 3)]
    [InlineData("2001:db8::7", 3)]
    [InlineData("::ffff:198.51.100.7", 3)]
    [InlineData("172.32.0.1", 3)]
    [InlineData("127.0.0.1", 10)]
    [InlineData("10.1.2.3", 10)]
    [InlineData("172.16.9.9", 10)]
    [InlineData("192.168.1.1", 10)]
    [InlineData("169.254.1.1", 10)]
    [InlineData("::1", 10)]
    [InlineData("fe80::1", 10)]
    [InlineData("fd00::1", 10)]
    [InlineData("::ffff:192.168.1.1", 10)]
    public void Half_open_connections_are_counted_by_public_address_and_all_together(string address, int allowed)
    {
        FakeTransport[] transports = [.. Enumerable.Range(0, 12).Select(i => Accept(address, 1000 + i))];

        Assert.Equal(12 - allowed, transports.Count(t => t.IsDisposed));

        // One who leaves makes room for the next.
        transports[0].Break("gone");
        Run.RunUntilIdle();
        Assert.False(Accept(address, 2000).IsDisposed);
        Assert.True(Accept(address, 2001).IsDisposed);
    }

    [Fact]
    public void A_dial_beyond_the_bound_is_refused_with_the_reason()
    {
        for (int i = 0; i < 10; i++)
        {
            Accept($"198.51.100.{i}", 1);
        }

        _user.Send(_connections, new ConnectionsActor.Dial("host", 1));
        Run.RunUntilIdle();
        var transport = new FakeTransport();
        Tell(_connections, new INetwork.Connected(_network.LastRequest, transport));

        Exception refused = _user.ExpectMsg<Status.Failure>().Cause;
        Assert.Contains("as many connections", Assert.IsType<ConnectionFailedException>(refused).Message, StringComparison.Ordinal);
        Assert.True(transport.IsDisposed);
    }

    [Fact]
    public void A_dial_whose_handshake_fails_is_refused_with_the_reason()
    {
        _user.Send(_connections, new ConnectionsActor.Dial("host", 1));
        Run.RunUntilIdle();
        var transport = new FakeTransport();
        Tell(_connections, new INetwork.Connected(_network.LastRequest, transport));

        transport.Break("the line is dead");

        Assert.Contains("the line is dead", _user.ExpectMsg<Status.Failure>().Cause.Message, StringComparison.Ordinal);
        _feeds.ExpectNoMsg();
    }

    [Fact]
    public void What_the_network_answers_to_a_former_life_is_let_go()
    {
        _user.Send(_connections, new ConnectionsActor.Dial("host", 1));
        _user.Send(_connections, new ConnectionsActor.Listen(new IPEndPoint(IPAddress.Loopback, 0)));
        Run.RunUntilIdle();
        Tell(_connections, new ConnectionActor.Opened(null!));
        _user.ExpectMsg<Status.Failure>();
        _user.ExpectMsg<Status.Failure>();
        var transport = new FakeTransport();
        var listener = new Listener();

        Tell(_connections, new INetwork.Connected(_network.LastRequest - 1, transport));
        Tell(_connections, new INetwork.Listening(_network.LastRequest, new IPEndPoint(IPAddress.Loopback, 7), listener));

        Assert.True(transport.IsDisposed);
        Assert.True(listener.IsDisposed);
    }

    [Fact]
    public void A_node_that_ends_takes_no_more_connections()
    {
        FakeTransport open = Accept("198.51.100.1", 1);
        _user.Send(_connections, ConnectionsActor.EndAll.Instance);
        Run.RunUntilIdle();

        Assert.True(Accept("198.51.100.2", 1).IsDisposed);
        _user.ExpectNoMsg(TimeSpan.FromMilliseconds(1));
        open.Break("gone");
        _user.ExpectMsg<ConnectionsActor.AllEnded>();
    }

    private FakeTransport Accept(string address, int port)
    {
        var transport = new FakeTransport(new IPEndPoint(IPAddress.Parse(address), port));
        Tell(_connections, new INetwork.Accepted(transport));
        return transport;
    }

    private sealed class FakeNetwork : INetwork
    {
        public long LastRequest { get; private set; }

        public void Listen(long requestId, IPEndPoint address, IActorRef owner) => LastRequest = requestId;

        public void Connect(long requestId, string host, int port, TimeSpan deadline, IActorRef owner) => LastRequest = requestId;
    }

    private sealed class Listener : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
