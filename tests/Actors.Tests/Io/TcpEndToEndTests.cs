using System.Net;
using System.Net.Sockets;
using HyperActors.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>A node at real sockets on loopback, and those who dial it without knowing how, or with ill intent.</summary>
public sealed class TcpEndToEndTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-tcp-").FullName;
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(60));
    private HyperNode _node = null!;
    private IPEndPoint _address = null!;
    private IAsyncEnumerator<ConnectionEvent> _events = null!;

    public async Task InitializeAsync()
    {
        var options = new NodeOptions { StoragePath = _folder };
        options.Links.HandshakeTimeout = TimeSpan.FromSeconds(1);
        _node = await HyperNode.StartAsync(options, _deadline.Token);
        _address = await _node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0), _deadline.Token);
        _events = _node.WatchConnectionsAsync(_deadline.Token).GetAsyncEnumerator();
        ValueTask<bool> first = _events.MoveNextAsync();
        using TcpClient client = await DialAsync();
        client.Close();
        Assert.True(await first);
    }

    public async Task DisposeAsync()
    {
        await _events.DisposeAsync();
        await _node.DisposeAsync();
        _deadline.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Another_protocol_is_hung_up_on()
    {
        using TcpClient client = await DialAsync();
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), _deadline.Token);

        Assert.Contains("frame larger than allowed", (await NextClosedAsync()).Reason, StringComparison.Ordinal);
        await ExpectHungUpAsync(client);
    }

    [Fact]
    public async Task Somebody_who_only_holds_the_line_is_hung_up_on()
    {
        using TcpClient client = await DialAsync();

        Assert.Contains("in time", (await NextClosedAsync()).Reason, StringComparison.Ordinal);
        await ExpectHungUpAsync(client);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Somebody_who_hangs_up_at_once_is_forgotten(bool isReset)
    {
        using (TcpClient client = await DialAsync())
        {
            client.LingerState = new LingerOption(isReset, 0);
            await client.GetStream().WriteAsync(new byte[] { 1 }, _deadline.Token);
        }

        await NextClosedAsync();
        using TcpClient next = await DialAsync();
        Assert.True(next.Connected);
    }

    [Fact]
    public async Task What_cannot_be_dialled_or_listened_on_is_refused_in_plain_words()
    {
        using var unused = new TcpListener(IPAddress.Loopback, 0);
        unused.Start();
        int port = ((IPEndPoint)unused.LocalEndpoint).Port;

        Exception refused = await Assert.ThrowsAsync<ConnectionFailedException>(
            async () => await _node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, port), _deadline.Token));
        Assert.Contains("another program uses that port", refused.Message, StringComparison.Ordinal);
        unused.Stop();
        refused = await Assert.ThrowsAsync<ConnectionFailedException>(
            async () => await _node.ConnectTcpAsync("127.0.0.1", port, _deadline.Token));
        Assert.Contains("nobody listens there", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_of_another_protocol_is_no_peer()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        ValueTask<PeerInfo> dial =
            _node.ConnectTcpAsync("127.0.0.1", ((IPEndPoint)server.LocalEndpoint).Port, _deadline.Token);
        using TcpClient client = await server.AcceptTcpClientAsync(_deadline.Token);
        await client.GetStream().WriteAsync("SSH-2.0-OpenSSH_9.9\r\n"u8.ToArray(), _deadline.Token);

        await Assert.ThrowsAsync<ConnectionFailedException>(async () => await dial);
    }

    private async Task<TcpClient> DialAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(_address, _deadline.Token);
        return client;
    }

    private async Task<ConnectionEvent.Closed> NextClosedAsync()
    {
        while (await _events.MoveNextAsync())
        {
            if (_events.Current is ConnectionEvent.Closed closed)
            {
                return closed;
            }
        }

        throw new InvalidOperationException("the node ended");
    }

    private async Task ExpectHungUpAsync(TcpClient client)
    {
        try
        {
            byte[] buffer = new byte[4096];
            while (await client.GetStream().ReadAsync(buffer, _deadline.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Hung up on, while bytes of ours were still unread.
        }
    }
}
