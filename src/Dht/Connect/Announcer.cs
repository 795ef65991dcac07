using System.Collections.Immutable;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Keeps a listener known at the nodes nearest to its key, which carry handshakes to it.</summary>
/// <remarks>
/// A cycle looks for these nodes, announces the listener at three of them, and takes the announcement back where it was before; between
/// two cycles the nodes are pinged, so that our NAT stays open towards them. What comes through the nodes of the last three cycles is
/// believed to come by our own announcement.
/// </remarks>
public sealed class Announcer
{
    private const int TrustedCycles = 3;

    private readonly Connector _connector;
    private readonly KeyPair _keys;
    private readonly Hash _target;
    private readonly FlowScope _scope;
    private readonly Peer _record;
    private readonly List<Dictionary<DhtAddress, RelayInfo>> _cycles = [];
    private IReadOnlyList<DhtAddress>? _closest;
    private FlowScope _working;
    private FlowSource? _pause;
    private bool _needsCycle;
    private bool _isStopped;
    private bool _isPaused;

    internal Announcer(Connector connector, KeyPair keys, in Hash target, FlowScope scope)
    {
        (_connector, _keys, _target) = (connector, keys, target);
        _scope = new FlowScope(scope);
        _working = new FlowScope(_scope);
        _record = new Peer(keys.PublicKey, []);
    }

    /// <summary>The nodes that carry handshakes to us, and how they see us.</summary>
    public ImmutableArray<RelayInfo> Relays { get; private set; } = [];

    /// <summary>What to tell others: where handshakes to us may be sent. Our own address first when everybody reaches it.</summary>
    public ImmutableArray<DhtAddress> RelayAddresses { get; private set; } = [];

    /// <summary>Cycles that have ended.</summary>
    public int Cycles { get; private set; }

    private FlowRunner Runner => _connector.Runner;

    private ConnectorOptions Options => _connector.Options;

    /// <summary>True for a node that we are announced at, or were two cycles ago.</summary>
    internal bool IsRelay(DhtAddress node) => _cycles.Any(c => c.ContainsKey(node));

    /// <summary>Announces once; goes on by itself.</summary>
    internal async Flow StartAsync()
    {
        try
        {
            await CycleAsync();
        }
        catch (FlowCancelledException) when (!_scope.IsCancelled)
        {
            // Suspended meanwhile.
        }

        RunAsync().Forget(Connector.Rethrow);
    }

    /// <summary>The network has changed: announces anew.</summary>
    internal void Refresh()
    {
        _needsCycle = true;
        _pause?.TryComplete();
    }

    internal void NotifyOnline() => _pause?.TryComplete();

    /// <summary>Stops, and takes announcements back.</summary>
    internal Flow StopAsync()
    {
        _isStopped = true;
        Wake();
        return UnannounceAllAsync();
    }

    internal Flow SuspendAsync()
    {
        _isPaused = true;
        Wake();
        return UnannounceAllAsync();
    }

    internal void Resume()
    {
        _isPaused = false;
        _working = new FlowScope(_scope);
        _needsCycle = true;
        _pause?.TryComplete();
    }

    internal void End() => _scope.Cancel();

    private void Wake()
    {
        _working.Cancel();
        _pause?.TryComplete();
    }

    private async Flow RunAsync()
    {
        while (!_isStopped)
        {
            try
            {
                await WatchAsync();
                if (!_isStopped && !_isPaused)
                {
                    await CycleAsync();
                }

                // Nobody answers: looking for relays would only add to it. The owner tells when that changes.
                while (!_connector.Node.IsOnline && !_needsCycle && !_isStopped && !_isPaused)
                {
                    await PauseAsync(Options.RelayPingInterval);
                }
            }
            catch (FlowCancelledException) when (!_scope.IsCancelled)
            {
                // Suspended or stopped in the middle of something.
            }
        }
    }

    // Pings the relays until it is time for a new cycle, or too few of them are left.
    private async Flow WatchAsync()
    {
        _needsCycle = _isPaused;
        for (int i = 0; i < Options.PingsPerAnnouncement && !_needsCycle && !_isStopped && !_isPaused; i++)
        {
            await PauseAsync(Options.RelayPingInterval);
            Flow<DhtReply?>[] pings = [.. Relays.Select(r => _connector.Node.PingAsync(r.RelayAddress, _working))];
            await Flow.WhenAll(pings);
            int answered = pings.Count(p => p is { IsSuccess: true, Result: not null });
            if (answered < Math.Clamp(pings.Length, 1, Options.Relays))
            {
                return;
            }
        }

        while (_isPaused && !_isStopped)
        {
            await PauseAsync(null);
        }
    }

    // Ends early when something has happened.
    private async Flow PauseAsync(TimeSpan? duration)
    {
        var pause = new FlowScope(_scope);
        _pause = new FlowSource(Runner, pause);
        if (duration is { } length)
        {
            await Flow.WhenAny(_pause.Flow, Runner.Sleep(length, pause));
            if (pause.IsCancelled)
            {
                throw new FlowCancelledException();
            }
        }
        else
        {
            await _pause.Flow;
        }

        _pause = null;
        pause.Cancel();
        if (_scope.IsCancelled)
        {
            throw new FlowCancelledException();
        }
    }

    private async Flow CycleAsync()
    {
        FlowScope scope = _working;
        DhtQuery query = _connector.FindPeer(_target, _closest, scope);
        query.OnReply = static _ => { };
        QueryResult found = await query.Completion;
        var current = new Dictionary<DhtAddress, RelayInfo>();
        _cycles.Add(current);
        if (_cycles.Count > TrustedCycles)
        {
            _cycles.RemoveAt(0);
        }

        Flow[] announced = [.. found.ClosestReplies.Take(Options.Relays).Select(r => (Flow)AnnounceAsync(r, current, scope))];
        await Flow.WhenAll(announced);
        if (scope.IsCancelled)
        {
            return;
        }

        _closest = [.. found.ClosestReplies.Select(r => r.From)];
        Relays = [.. current.Values];
        RelayAddresses = [.. (_connector.OpenAddress is { } own ? new[] { own } : []).Concat(current.Keys).Take(Options.Relays)];
        Cycles++;
        DhtAddress[] former = _cycles.Count < 2 ? [] : [.. _cycles[^2].Keys.Where(n => !current.ContainsKey(n))];
        await Flow.WhenAll(former.Select(n => (Flow)UnannounceAsync(n, scope)));
    }

    private async Flow AnnounceAsync(DhtReply reply, Dictionary<DhtAddress, RelayInfo> current, FlowScope scope)
    {
        if (reply.Token is not { } token || reply.Id is not { } id)
        {
            return;
        }

        DhtReply? answer = await _connector.Node.RequestAsync(
            ToRequest(HyperCommand.Announce, reply.From, token, RecordSignatures.SignAnnounce(_keys, _target, id, token, _record)), scope);
        if (answer is { Error: DhtErrors.None })
        {
            current[reply.From] = new RelayInfo(reply.From, reply.To);
        }
    }

    // Within a deadline: nobody waits long for nodes that may be gone.
    private async Flow UnannounceAllAsync()
    {
        if (_cycles.Count == 0)
        {
            return;
        }

        DhtAddress[] nodes = [.. _cycles[^1].Keys];
        _cycles[^1].Clear();
        Relays = [];
        RelayAddresses = [];
        var scope = new FlowScope(_scope);
        await Flow.WhenAny(
            Flow.WhenAll(nodes.Select(n => (Flow)UnannounceAsync(n, scope))),
            Runner.Sleep(Options.UnannounceTimeout, scope));
        scope.Cancel();
    }

    private async Flow UnannounceAsync(DhtAddress node, FlowScope scope)
    {
        var find = new DhtRequest { To = node, Command = (uint)HyperCommand.FindPeer, Target = _target };
        if (await _connector.Node.RequestAsync(find, scope) is { Token: { } token, Id: { } id, Value: not null })
        {
            Signature signature = RecordSignatures.SignUnannounce(_keys, _target, id, token, _record);
            await _connector.Node.RequestAsync(ToRequest(HyperCommand.Unannounce, node, token, signature), scope);
        }
    }

    private DhtRequest ToRequest(HyperCommand command, DhtAddress to, Hash token, Signature signature) => new()
    {
        To = to,
        Command = (uint)command,
        Target = _target,
        Token = token,
        Value = new AnnounceRequest { Peer = _record, Signature = signature }.ToBytes(),
    };
}
