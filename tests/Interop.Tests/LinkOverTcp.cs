using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Wire;

namespace HyperActors.Interop.Tests;

/// <summary>Drives a link over a socket in the plainest way: one lock, one reader, writes in order.</summary>
internal sealed class LinkOverTcp : IAsyncDisposable
{
    private readonly Link _link;
    private readonly Socket _socket;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Channel<LinkEvent> _events = Channel.CreateUnbounded<LinkEvent>();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reader;
    private readonly Task _clock;

    private LinkOverTcp(Socket socket, bool isInitiator, KeyPair keys, LinkOptions? options)
    {
        socket.NoDelay = true;
        _socket = socket;
        _link = new Link(options ?? new LinkOptions(), isInitiator, keys, RandomSource.System, Now);
        _reader = ReadAsync();
        _clock = TickAsync();
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    public static async Task<LinkOverTcp> DialAsync(int port, bool isInitiator, KeyPair keys, LinkOptions? options = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new LinkOverTcp(socket, isInitiator, keys, options);
    }

    public static (int Port, Task<LinkOverTcp> Accepted) Listen(bool isInitiator, KeyPair keys, LinkOptions? options = null)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(1);
        return (((IPEndPoint)listener.LocalEndpoint).Port, Accept());

        async Task<LinkOverTcp> Accept()
        {
            using (listener)
            {
                return new LinkOverTcp(await listener.AcceptSocketAsync(), isInitiator, keys, options);
            }
        }
    }

    /// <summary>One turn: a change, then all that follows from it.</summary>
    public async Task DoAsync(Action<Link> change)
    {
        await _turn.WaitAsync(NodePeer.DefaultPatience);
        try
        {
            change(_link);
            while (_link.TryPollEvent(out LinkEvent? e))
            {
                _events.Writer.TryWrite(e);
            }

            while (_link.TryPollTransmit(256 * 1024, Now, out IMemoryOwner<byte>? bytes))
            {
                using (bytes)
                {
                    await _socket.SendAsync(bytes.Memory);
                }
            }

            if (_link.HasSentAll)
            {
                _socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (SocketException)
        {
            // The peer is gone; the reader hears of it too.
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The next event, which must be of this kind.</summary>
    public async Task<T> NextAsync<T>()
        where T : LinkEvent => Assert.IsType<T>(await NextAnyAsync());

    /// <summary>The next event, whatever it is.</summary>
    public async Task<LinkEvent> NextAnyAsync()
    {
        using var deadline = new CancellationTokenSource(NodePeer.DefaultPatience);
        return await _events.Reader.ReadAsync(deadline.Token);
    }

    /// <summary>That many messages of one channel, in however many batches they come.</summary>
    public async Task<List<(uint Type, byte[] Payload)>> MessagesAsync(ulong channelId, int count)
    {
        var messages = new List<(uint, byte[])>();
        while (messages.Count < count)
        {
            var arrived = await NextAsync<LinkEvent.MessagesArrived>();
            using MessageBatch batch = arrived.Messages;
            Assert.Equal(channelId, arrived.ChannelId);
            foreach (Message message in batch)
            {
                messages.Add((message.Type, message.Payload.ToArray()));
            }
        }

        return messages;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await Task.WhenAll(_reader, _clock);
        _link.Dispose();
        _turn.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[256 * 1024];
        try
        {
            int count;
            while ((count = await _socket.ReceiveAsync(buffer.AsMemory(), _stop.Token)) > 0)
            {
                await DoAsync(link => link.HandleInput(new ReadOnlySequence<byte>(buffer, 0, count), Now));
            }

            await DoAsync(link => link.HandleEnd());
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Disposed here or gone there: either way there is nothing more to read.
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await DoAsync(link => link.HandleTimeout(Now));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
