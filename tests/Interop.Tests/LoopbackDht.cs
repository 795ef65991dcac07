using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Interop.Tests;

/// <summary>A node of HyperDHT as a machine on two real sockets of 127.0.0.1: one loop drives it.</summary>
internal sealed class LoopbackDht : IDhtDoors, IAsyncDisposable
{
    private readonly Dictionary<int, Socket> _sockets = [];
    private readonly BlockingCollection<Action> _turns = new(1 << 16);
    private readonly CancellationTokenSource _stopped = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Task _loop;
    private HyperDht _dht = null!;

    private LoopbackDht(DhtAddress? bootstrap, bool isEphemeral)
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop = Task.Factory.StartNew(
            () => Loop(bootstrap, isEphemeral, ready), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Ready = ready.Task;
    }

    public IReadOnlyList<uint> LocalHosts => [0x7f00_0001];

    public DhtAddress Address { get; private set; }

    private Task Ready { get; }

    private TimeSpan Now => _clock.Elapsed;

    /// <summary>A node that entered the network at <paramref name="bootstrap"/>, or begins one.</summary>
    public static async Task<LoopbackDht> StartAsync(DhtAddress? bootstrap = null, bool isEphemeral = false)
    {
        var node = new LoopbackDht(bootstrap, isEphemeral);
        await node.Ready.WaitAsync(NodePeer.DefaultPatience);
        return node;
    }

    /// <summary>Runs something in the machine's turn.</summary>
    public async Task<T> DoAsync<T>(Func<HyperDht, T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _turns.Add(() =>
        {
            _dht.Node.Runner.Advance(Now);
            done.SetResult(action(_dht));
            _dht.Node.Runner.Run();
        });
        return await done.Task.WaitAsync(NodePeer.DefaultPatience);
    }

    /// <summary>Starts a flow in the machine's turn, and waits for its end.</summary>
    public async Task<T> RunAsync<T>(Func<HyperDht, Flow<T>> start)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        await DoAsync(dht => Complete(start(dht), done));
        return await done.Task.WaitAsync(NodePeer.DefaultPatience);

        static async Flow Complete(Flow<T> flow, TaskCompletionSource<T> done) => done.SetResult(await flow);
    }

    public int? OpenSocket() => Open(0);

    public void CloseSocket(int socket)
    {
        if (_sockets.Remove(socket, out Socket? closed))
        {
            closed.Dispose();
        }
    }

    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0)
    {
        if (_sockets.TryGetValue(socket, out Socket? from))
        {
            from.SendTo(datagram, SocketFlags.None, to.ToIPEndPoint());
        }
    }

    public IRawStream? OpenStream() => null;

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _loop.WaitAsync(NodePeer.DefaultPatience);
        _turns.Dispose();
        _stopped.Dispose();
    }

    private void Loop(DhtAddress? bootstrap, bool isEphemeral, TaskCompletionSource ready)
    {
        int server = Open(0);
        int client = Open(0);
        Address = LocalOf(server);
        DhtOptions options = bootstrap is { } first
            ? new DhtOptions { Bootstrap = [new DhtBootstrap(first, null)], IsEphemeral = isEphemeral, IsFirewalled = isEphemeral }
            : DhtOptions.Bootstrapper(Address);
        _dht = new HyperDht(
            options, new RecordOptions(), this, RandomSource.System, server, Address, client, LocalOf(client), DateTimeOffset.UtcNow, Now);
        _ = BootstrapAsync(ready);
        while (!_stopped.IsCancellationRequested)
        {
            TimeSpan wait = (_dht.Deadline ?? TimeSpan.MaxValue) - Now;
            int milliseconds = (int)Math.Clamp(Math.Ceiling(wait.TotalMilliseconds), 0, 1000);
            try
            {
                if (_turns.TryTake(out Action? turn, milliseconds, _stopped.Token))
                {
                    turn();
                }
            }
            catch (OperationCanceledException)
            {
                break;
            }

            _dht.HandleTimeout(Now);
        }

        _dht.Node.Destroy();
        foreach (Socket socket in _sockets.Values)
        {
            socket.Dispose();
        }
    }

    private async Flow BootstrapAsync(TaskCompletionSource ready)
    {
        await _dht.Node.BootstrapAsync();
        ready.SetResult();
    }

    private int Open(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        int number = ((IPEndPoint)socket.LocalEndPoint!).Port;
        _sockets.Add(number, socket);
        _ = ReceiveAsync(socket, number);
        return number;
    }

    private static DhtAddress LocalOf(int socket) => new(0x7f00_0001, (ushort)socket);

    private async Task ReceiveAsync(Socket socket, int number)
    {
        byte[] buffer = new byte[2048];
        var any = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer, any, _stopped.Token);
                byte[] datagram = buffer.AsSpan(0, received.ReceivedBytes).ToArray();
                Assert.True(DhtAddress.TryFrom((IPEndPoint)received.RemoteEndPoint, out DhtAddress from));
                _turns.Add(() => _dht.HandleDatagram(datagram, number, from, Now));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or InvalidOperationException)
        {
            // The node is gone, and its sockets with it.
        }
    }
}
