using System.Buffers.Binary;
using HyperActors.Crypto;

namespace HyperActors.Dht;

// What the network is like: how others see this node, whether they reach it, whether they answer.
public sealed partial class DhtNode
{
    private const int ProbeNodes = 5;
    private const int MinPongs = 3;

    private readonly bool _isAdaptive;
    private readonly NetworkHealth _health = new();
    private HashSet<uint>? _hostsSeenOnServerSocket;
    private int _stableTicks;
    private uint? _lastCheckedHost;
    private bool _isCheckingNetwork;
    private (bool IsOnline, bool IsDegraded) _reportedHealth = (true, false);
    private IReadOnlyList<DhtBootstrap>? _bootstrap;

    /// <summary>True until the node knows that others reach it, and says its id to them.</summary>
    public bool IsEphemeral { get; private set; } = true;

    /// <summary>True until others were seen to reach the server socket.</summary>
    public bool IsFirewalled { get; private set; }

    /// <summary>True after the first lookup.</summary>
    public bool IsBootstrapped { get; private set; }

    /// <summary>False when nobody answers any more.</summary>
    public bool IsOnline => _health.IsOnline;

    /// <summary>True when fewer than half of the requests are answered.</summary>
    public bool IsDegraded => _health.IsDegraded;

    /// <summary>What others call us.</summary>
    public NatSampler Nat { get; private set; } = new();

    /// <summary>Where anybody reaches this node; null behind a firewall, and while nobody knows.</summary>
    public DhtAddress? PublicAddress =>
        !IsFirewalled && Nat.Host is { } host && Nat.Port != 0 && Nat.Port == ServerLocal.Port ? new DhtAddress(host, Nat.Port) : null;

    /// <summary>The nodes to start from. The owner sets it anew when it has resolved names again.</summary>
    public IReadOnlyList<DhtBootstrap> Bootstrap
    {
        get => _bootstrap ?? Options.Bootstrap;
        set => _bootstrap = value;
    }

    /// <summary>Finds the node's place: looks itself up, and tests whether it is reachable where that is called for.</summary>
    public async Flow BootstrapAsync()
    {
        bool isForced = Options.IsEphemeral == false;
        bool wantsQuickTest = IsFirewalled && Options.QuickFirewall && !isForced;
        bool isReachedOnce = false;
        for (int round = 0; round < 2; round++)
        {
            DhtQuery query = BackgroundQuery(Routing.TableId);
            query.OnReply = reply =>
            {
                YieldToOthers(query);
                if (wantsQuickTest)
                {
                    wantsQuickTest = false;
                    _ = QuickTestAsync(reply.From);
                }
            };
            await query.Completion.Ended();
            if (Scope.IsCancelled || (!isReachedOnce && !isForced) || !await UpdateNetworkStateAsync(onlyFirewall: !isForced))
            {
                break;
            }
        }

        if (!IsBootstrapped && !Scope.IsCancelled)
        {
            IsBootstrapped = true;
            Report(new DhtEvent.Ready());
        }

        async Flow QuickTestAsync(DhtAddress first)
        {
            isReachedOnce = await PingNatAsync(first) is not null;
            if (isReachedOnce && IsBootstrapped)
            {
                await UpdateNetworkStateAsync(onlyFirewall: true);
            }
        }
    }

    /// <summary>Deaf and silent from now on: requests under way end without an answer. The owner closes the sockets.</summary>
    public void Suspend()
    {
        if (IsSuspended)
        {
            return;
        }

        IsSuspended = true;
        _waiting.Clear();
        foreach (PendingRequest pending in _inflight.Values.OrderBy(p => p.Due).ThenBy(p => p.Tid).ToArray())
        {
            Forget(pending);
            Complete(pending, null);
        }

        _window.Clear();
        Runner.Run();
    }

    /// <summary>Hears and speaks again, on these sockets. What was known is asked anew.</summary>
    public void Resume(int serverSocket, DhtAddress serverLocal, int clientSocket, DhtAddress clientLocal, TimeSpan now)
    {
        if (!IsSuspended)
        {
            return;
        }

        Advance(now);
        int formerServer = ServerSocket;
        (ServerSocket, ServerLocal, ClientSocket, ClientLocal) = (serverSocket, serverLocal, clientSocket, clientLocal);
        IsSuspended = false;
        _lastTick = Runner.Now;
        _nextTick = Runner.Now + Options.TickInterval;
        WakeUp();
        foreach (PendingRequest pending in _inflight.Values.OrderBy(p => p.Due).ThenBy(p => p.Tid))
        {
            pending.Socket = pending.Socket == formerServer ? ServerSocket : ClientSocket;
            pending.Attempts = 0;
            Send(pending);
        }

        Refresh();
        Runner.Run();
    }

    /// <summary>The network may be another (an interface came or went): the node asks around.</summary>
    public void HandleNetworkChange(TimeSpan now)
    {
        Advance(now);
        if (!IsSuspended && IsBootstrapped)
        {
            WakeUp();
            Report(new DhtEvent.NetworkUpdate(IsOnline, IsDegraded));
        }

        Runner.Run();
    }

    /// <summary>The addresses to start from. Suggested ones are asked first; those that are silent give way to what their names
    /// stand for.</summary>
    internal async Flow<List<DhtAddress>> FindBootstrapAsync(FlowScope scope)
    {
        var found = new List<DhtAddress>();
        Flow<DhtAddress?>[] asked = [.. Bootstrap.Select(ChooseAsync)];
        foreach (Flow<DhtAddress?> choice in asked)
        {
            if (await choice is { } address)
            {
                found.Add(address);
            }
        }

        return found;

        async Flow<DhtAddress?> ChooseAsync(DhtBootstrap node) =>
            node.Suggested is { } suggested && (node.Resolved is null || await PingAsync(suggested, scope) is not null)
                ? suggested
                : node.Resolved;
    }

    /// <summary>Becomes reachable, and persistent, if others reach the server socket under the address that all of them see.</summary>
    internal async Flow<bool> UpdateNetworkStateAsync(bool onlyFirewall)
    {
        if (!IsEphemeral || _isCheckingNetwork || (onlyFirewall && !IsFirewalled))
        {
            return false;
        }

        _isCheckingNetwork = true;
        try
        {
            return await TestNetworkStateAsync(onlyFirewall);
        }
        finally
        {
            _isCheckingNetwork = false;
        }
    }

    private async Flow<bool> TestNetworkStateAsync(bool onlyFirewall)
    {
        uint? host = Nat.Host;
        ushort port = Nat.Port;
        if (!onlyFirewall)
        {
            _stableTicks = 3 * Options.StableTicks;
            _lastCheckedHost = host;
        }

        if (host is null || port == 0)
        {
            return false;
        }

        NatSampler sampler = IsFirewalled ? new NatSampler() : Nat;
        if (IsFirewalled && await IsUnreachableAsync(sampler))
        {
            return false;
        }

        IsFirewalled = false;
        if (!IsEphemeral || host != Nat.Host || port != Nat.Port || sampler.Host != host || sampler.Port == 0)
        {
            return false;
        }

        if (!ReferenceEquals(sampler, Nat))
        {
            _namelessSamplers.Clear();
            Nat = sampler;
            ReportNat(host, port);
        }

        Hash id = new DhtAddress(sampler.Host.Value, sampler.Port).ToNodeId();
        IsEphemeral = onlyFirewall;
        if (Routing.TableId != id)
        {
            MoveTable(id);
            if (IsBootstrapped)
            {
                Refresh();
            }
        }

        if (!IsEphemeral)
        {
            Report(new DhtEvent.Persistent());
        }

        return true;
    }

    // Asks some nodes to answer to the server socket, which has sent them nothing.
    private async Flow<bool> IsUnreachableAsync(NatSampler sampler)
    {
        List<DhtAddress> nodes = [.. _latest.Where(c => Routing.Find(c.Id) is not null).Take(ProbeNodes).Select(c => c.Address)];
        if (nodes.Count < ProbeNodes)
        {
            nodes.AddRange((await FindBootstrapAsync(Scope)).Except(nodes).ToArray());
        }

        if (nodes.Count == 0)
        {
            return true;
        }

        HashSet<uint> hosts = _hostsSeenOnServerSocket = [];
        int pongs = 0;
        foreach (Flow<DhtReply?> answer in nodes.Select(PingNatAsync).ToArray())
        {
            if (await answer is { } pong && hosts.Contains(pong.From.Host))
            {
                pongs++;
                sampler.Add(pong.To);
            }
        }

        _hostsSeenOnServerSocket = null;
        return pongs < (nodes.Count >= ProbeNodes ? MinPongs : 1)
            || sampler.Host is null
            || sampler.Host != Nat.Host
            || sampler.Port == 0
            || sampler.Port != ServerLocal.Port;
    }

    private Flow<DhtReply?> PingNatAsync(DhtAddress to)
    {
        var value = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(value, ServerLocal.Port);
        return RequestAsync(new DhtRequest { To = to, IsInternal = true, Command = DhtCommand.PingNat, Value = value }, Scope);
    }

    private void AddNatSample(DhtAddress seenAs)
    {
        uint? host = Nat.Host;
        ushort port = Nat.Port;
        Nat.Add(seenAs);
        ReportNat(host, port);
    }

    private void ReportNat(uint? formerHost, ushort formerPort)
    {
        if (Nat.Host != formerHost || Nat.Port != formerPort)
        {
            Report(new DhtEvent.NatUpdate(Nat.Host, Nat.Port));
        }
    }

    private void UpdateHealth()
    {
        if (_health.Update(Counters.Responses, Counters.Timeouts))
        {
            ReportHealth();
        }
    }

    private void ResetHealth()
    {
        _health.Reset();
        ReportHealth();
    }

    private void ReportHealth()
    {
        if (_reportedHealth != (IsOnline, IsDegraded))
        {
            _reportedHealth = (IsOnline, IsDegraded);
            Report(new DhtEvent.NetworkUpdate(IsOnline, IsDegraded));
        }
    }
}
