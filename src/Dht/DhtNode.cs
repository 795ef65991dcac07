using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A node of the DHT: asks and answers, knows its neighbours, and finds out how it is reached.</summary>
/// <remarks>
/// <para>Its files: requests that it makes (Requests), requests that it answers (Incoming), the table and its upkeep (Upkeep),
/// what the network is like (Network).</para>
/// <para>What the owner asks for happens at the time that the node was last told: <see cref="HandleTimeout"/> tells it.</para>
/// <para>It is silent until <see cref="BootstrapAsync"/>, and deaf while suspended.</para>
/// </remarks>
public sealed partial class DhtNode
{
    /// <summary>How often waiting requests get another chance to leave, and a tenth of how often tokens change.</summary>
    internal static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(750);

    private readonly Queue<DhtEvent> _events = new();
    private TimeSpan _nextDrain;
    private TimeSpan _nextTick;

    /// <summary>A node on two sockets.</summary>
    /// <param name="options">Its bounds and manners.</param>
    /// <param name="doors">Its network.</param>
    /// <param name="random">Its chance.</param>
    /// <param name="serverSocket">The socket that it wants to be reached on.</param>
    /// <param name="serverLocal">Where that is bound.</param>
    /// <param name="clientSocket">The socket that it asks from while it does not know whether it is reachable.</param>
    /// <param name="clientLocal">Where that is bound.</param>
    /// <param name="now">The time.</param>
    public DhtNode(
        DhtOptions options,
        IDhtDoors doors,
        RandomSource random,
        int serverSocket,
        DhtAddress serverLocal,
        int clientSocket,
        DhtAddress clientLocal,
        TimeSpan now)
    {
        (Options, Doors, Random) = (options, doors, random);
        (ServerSocket, ServerLocal, ClientSocket, ClientLocal) = (serverSocket, serverLocal, clientSocket, clientLocal);
        Runner = new FlowRunner();
        Runner.Advance(now);
        Scope = new FlowScope(Runner);
        IsFirewalled = options.IsFirewalled;
        _isAdaptive = options.IsEphemeral is null;
        _window = new CongestionWindow(options.MaxWindow);
        _tid = (ushort)random.NextInt32(1 << 16);
        _tick = RandomOffset(100);
        _refreshTicks = RandomOffset(options.RefreshTicks);
        _stableTicks = options.StableTicks;
        _nextDrain = now + DrainInterval;

        // Nodes that start together need not tick together.
        _lastTick = now;
        _nextTick = now + (options.TickInterval * (0.5 + (random.NextDouble() / 2)));
        Span<byte> id = stackalloc byte[Hash.Size];
        random.Fill(id);
        Routing = new RoutingSnapshot(new Hash(id));
        Buckets = new LocalBuckets(this);
        if (options.OwnAddress is { } own)
        {
            Nat.Add(own);
        }
    }

    public DhtOptions Options { get; private set; }

    public IDhtDoors Doors { get; }

    public RandomSource Random { get; }

    /// <summary>The turn and time of every flow of this node. Its time is the one of the last entry point.</summary>
    public FlowRunner Runner { get; }

    /// <summary>Ends with the node: see <see cref="Destroy"/>.</summary>
    public FlowScope Scope { get; }

    /// <summary>What went through, and what was refused.</summary>
    public DhtCounters Counters { get; } = new();

    public int ServerSocket { get; private set; }

    /// <summary>Where the server socket is bound.</summary>
    public DhtAddress ServerLocal { get; private set; }

    public int ClientSocket { get; private set; }

    /// <summary>Where the client socket is bound.</summary>
    public DhtAddress ClientLocal { get; private set; }

    /// <summary>The socket that requests leave by: the client's behind a firewall, else the server's.</summary>
    public int Socket => IsFirewalled ? ClientSocket : ServerSocket;

    public bool IsSuspended { get; private set; }

    /// <summary>When <see cref="HandleTimeout"/> is next due.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            if (Scope.IsCancelled)
            {
                return null;
            }

            TimeSpan first = IsSuspended ? TimeSpan.MaxValue : _nextTick;
            first = Earlier(first, _waiting.Count > 0 && !IsSuspended ? _nextDrain : null);
            first = Earlier(first, NextRequestDue());
            first = Earlier(first, Runner.Deadline);
            first = Earlier(first, IsSuspended ? null : Buckets.Deadline);
            return first == TimeSpan.MaxValue ? null : first;
        }
    }

    /// <summary>Takes a datagram that came to one of this node's sockets.</summary>
    public void HandleDatagram(ReadOnlySpan<byte> datagram, int socket, DhtAddress from, TimeSpan now)
    {
        Advance(now);
        if (IsSuspended || Scope.IsCancelled)
        {
            return;
        }

        Counters.BytesReceived += datagram.Length;
        if (from.Port == 0 || !RpcCodec.TryDecode(datagram, out RpcMessage message))
        {
            Counters.Malformed++;
            return;
        }

        if (socket == ServerSocket)
        {
            _hostsSeenOnServerSocket?.Add(from.Host);
        }

        bool isExternal = socket != Socket;
        if (message.IsResponse)
        {
            HandleResponse(message, socket, from, isExternal);
        }
        else
        {
            HandleRequest(message, socket, from, isExternal);
        }

        Runner.Run();
    }

    /// <summary>Does what is due.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        Advance(now);
        if (!Scope.IsCancelled)
        {
            HandleRequestTimeouts();
            if (!IsSuspended)
            {
                HandleTick();
                Buckets.HandleTimeout(Runner.Now);
            }
        }

        Runner.Run();
    }

    /// <summary>Hands one event to the owner; false when there is none.</summary>
    public bool TryPollEvent(out DhtEvent? dhtEvent) => _events.TryDequeue(out dhtEvent);

    /// <summary>Closes everything that waits, and is deaf from now on. The sockets are the owner's.</summary>
    public void Destroy()
    {
        Scope.Cancel();
        Runner.Run();
    }

    // Time as upstream counts it: in drains. Those that nobody looked at are made up for.
    private void Advance(TimeSpan now)
    {
        Runner.Advance(now);
        if (Runner.Now < _nextDrain)
        {
            return;
        }

        long drains = ((Runner.Now - _nextDrain).Ticks / DrainInterval.Ticks) + 1;
        _nextDrain += DrainInterval * drains;
        _tokens?.Drain(drains);
        _window.Drain(drains);
        SendWaiting();
    }

    private void Report(DhtEvent dhtEvent)
    {
        if (_events.Count >= Options.MaxEvents)
        {
            _events.Dequeue();
            Counters.EventsDropped++;
        }

        _events.Enqueue(dhtEvent);
    }

    private int RandomOffset(int ticks) => ticks - (int)(Random.NextDouble() * 0.5 * ticks);

    private static TimeSpan Earlier(TimeSpan left, TimeSpan? right) => right < left ? right.Value : left;
}
