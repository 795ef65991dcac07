using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>A <see cref="PeerHost"/> on sockets of the loopback interface: one thread that waits for datagrams, for time, and for whoever asks it to do something.</summary>
internal sealed class PeerOnSockets : IPeerNetwork, IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private readonly Dictionary<int, Socket> _sockets = [];
    private readonly ConcurrentQueue<Action> _jobs = new();
    private readonly Socket _bell;
    private readonly Thread _thread;
    private readonly byte[] _buffer = new byte[65_536];
    private int _nextSocket;
    private volatile bool _isClosed;

    public PeerOnSockets(DhtAddress bootstrap, bool isFirewalled = true, RelayOptions? relay = null)
    {
        _bell = Open();
        var options = new DhtOptions
        {
            Bootstrap = [new DhtBootstrap(bootstrap, null)],
            IsFirewalled = isFirewalled,
            IsEphemeral = true,
            QuickFirewall = false,
        };
        Peer = new PeerHost(this, RandomSource.System, options, Now, relay: relay);
        _thread = new Thread(Loop) { IsBackground = true, Name = "peer-on-sockets" };
        _thread.Start();
    }

    public PeerHost Peer { get; }

    public PublicKey PublicKey => Peer.Keys.PublicKey;

    public IReadOnlyList<uint> LocalHosts { get; } = [0x7f00_0001];

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Starts a node and waits until it knows its network.</summary>
    public static async Task<PeerOnSockets> StartAsync(DhtAddress bootstrap, bool isFirewalled = true, RelayOptions? relay = null)
    {
        var peer = new PeerOnSockets(bootstrap, isFirewalled, relay);
        await peer.RunAsync(async host =>
        {
            await host.Node.BootstrapAsync();
            return true;
        });
        return peer;
    }

    /// <summary>Does something on the node's thread.</summary>
    public Task<T> DoAsync<T>(Func<PeerHost, T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => Peer.Do(Now, () =>
        {
            try
            {
                done.TrySetResult(action(Peer));
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }

            return true;
        }));
        return done.Task.WaitAsync(_patience);
    }

    /// <summary>Runs a flow on the node's thread, to its end.</summary>
    public Task<T> RunAsync<T>(Func<PeerHost, Flow<T>> flow)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => Peer.Do(Now, () =>
        {
            _ = EndAsync(flow(Peer));
            return true;
        }));
        return done.Task.WaitAsync(_patience);

        async Flow EndAsync(Flow<T> started)
        {
            try
            {
                done.TrySetResult(await started);
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        }
    }

    /// <summary>Listens under the node's key, and waits until others can know of it.</summary>
    public Task<Listener> ListenAsync(ListenOptions? options = null) => RunAsync<Listener>(async host =>
    {
        Listener listener = host.Connector.Listen(host.Keys, options ?? new ListenOptions());
        await listener.Listening;
        return listener;
    });

    public Task<PeerConnection> ConnectAsync(PublicKey peer, ConnectOptions? options = null) => RunAsync(host => host.ConnectAsync(peer, options));

    /// <summary>Waits until something holds on the node's thread.</summary>
    public async Task UntilAsync(Func<PeerHost, bool> holds, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await DoAsync(holds))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < _patience, $"{what} has not happened within {_patience}");
#pragma warning disable RS0030 // A real peer on the other side: there is no virtual time to advance.
            await Task.Delay(10);
#pragma warning restore RS0030
        }
    }

    public (int Socket, DhtAddress Local) Bind(ushort port)
    {
        Socket socket = Open();
        int number = _nextSocket++;
        _sockets.Add(number, socket);
        Assert.True(DhtAddress.TryFrom((IPEndPoint)socket.LocalEndPoint!, out DhtAddress local));
        return (number, local);
    }

    public void Close(int socket)
    {
        // Streams may still run on it: it stays until the end of the test.
    }

    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive)
    {
        try
        {
            _sockets[socket].SendTo(datagram, SocketFlags.None, to.ToIPEndPoint());
        }
        catch (SocketException)
        {
            // A datagram may be lost.
        }
    }

    public void Dispose()
    {
        _isClosed = true;
        Post(() => { });
        _thread.Join(_patience);
        foreach (Socket socket in _sockets.Values)
        {
            socket.Dispose();
        }

        _bell.Dispose();
    }

    private static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20, Blocking = false };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private void Post(Action job)
    {
        _jobs.Enqueue(job);
        using Socket ringer = Open();
        ringer.SendTo([1], _bell.LocalEndPoint!);
    }

    private void Loop()
    {
        while (!_isClosed)
        {
            while (_jobs.TryDequeue(out Action? job))
            {
                job();
            }

            Wait();
            Receive(_bell, -1);
            foreach ((int number, Socket socket) in _sockets.ToArray())
            {
                Receive(socket, number);
            }

            if (Peer.Deadline <= Now)
            {
                Peer.HandleTimeout(Now);
            }
        }
    }

    private void Wait()
    {
        TimeSpan wait = Peer.Deadline is { } deadline ? deadline - Now : TimeSpan.FromSeconds(1);
        if (wait > TimeSpan.Zero)
        {
            List<Socket> ready = [_bell, .. _sockets.Values];
            Socket.Select(ready, null, null, (int)Math.Clamp(wait.TotalMicroseconds, 1, 1_000_000));
        }
    }

    private void Receive(Socket socket, int number)
    {
        for (int i = 0; i < 256 && socket.Available > 0; i++)
        {
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            int length;
            try
            {
                length = socket.ReceiveFrom(_buffer, ref from);
            }
            catch (SocketException)
            {
                return;
            }

            if (number >= 0 && DhtAddress.TryFrom((IPEndPoint)from, out DhtAddress sender))
            {
                Peer.HandleDatagram(_buffer[..length], number, sender, Now);
            }
        }
    }
}
