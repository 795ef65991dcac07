using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>What a node does for others: keeps their records, and passes handshakes on to servers (docs/hyperdht.md#commands).</summary>
/// <remarks>Whatever is invalid gets no answer. A node that is not persistent keeps nothing, but passes on.</remarks>
public sealed partial class HyperCommands
{
    /// <summary>Addresses that are kept of a peer.</summary>
    public const int MaxRelayAddresses = 3;

    /// <summary>Peers in one answer to a lookup.</summary>
    public const int MaxLookupPeers = 20;

    private readonly DhtNode _node;
    private readonly RecordOptions _options;
    private readonly List<byte[]> _found = [];
    private Dictionary<string, IHyperPlugin>? _plugins;
    private HyperRecords? _records;
    private DateTimeOffset _wallClockAtZero;

    /// <summary>The duties of a node.</summary>
    /// <param name="node">The node; its requests are heard from now on.</param>
    /// <param name="options">What is kept.</param>
    /// <param name="wallClock">What the time is for people at the node's present moment.</param>
    public HyperCommands(DhtNode node, RecordOptions options, DateTimeOffset wallClock)
    {
        (_node, _options) = (node, options);
        SetWallClock(wallClock);
        node.OnRequest = Handle;
    }

    /// <summary>Looks at handshakes and hole punching first: true for what is meant for a server of this node.</summary>
    public Func<IncomingRequest, bool>? Server { get; set; }

    public HyperCounters Counters { get; } = new();

    /// <summary>What is kept; null as long as nothing ever was.</summary>
    public HyperRecords? Records => _records;

    private TimeSpan Now => _node.Runner.Now;

    private DateTimeOffset WallClock => _wallClockAtZero + Now;

    /// <summary>Tells what the time is for people. Calls for attention from the future are not believed.</summary>
    public void SetWallClock(DateTimeOffset wallClock) => _wallClockAtZero = wallClock - Now;

    /// <summary>Lets a protocol answer requests in its name.</summary>
    public void Register(IHyperPlugin plugin) => (_plugins ??= new(StringComparer.Ordinal))[plugin.Name] = plugin;

    /// <summary>Where a server that announced itself here is reached; null when none did.</summary>
    public DhtAddress? FindForward(Hash target) => _records?.FindForward(target, Now)?.Relay;

    /// <summary>Forgets what is too old. Done in passing too, whenever something is asked for.</summary>
    public void Prune() => _records?.Prune(Now);

    /// <summary>Takes this node's own announcement back from itself.</summary>
    internal void Unannounce(in Hash target, in PublicKey key) => _records?.Unannounce(target, key, Now);

    private bool Handle(IncomingRequest request)
    {
        switch ((HyperCommand)request.Command)
        {
            case HyperCommand.PeerHandshake:
                RelayHandshake(request);
                return true;
            case HyperCommand.PeerHolepunch:
                RelayHolepunch(request);
                return true;
        }

        if (_node.IsEphemeral || request.Command > (uint)HyperCommand.Plugin)
        {
            return false;
        }

        bool isValid = (HyperCommand)request.Command switch
        {
            HyperCommand.FindPeer => TryFindPeer(request),
            HyperCommand.Lookup => TryLookup(request),
            HyperCommand.Announce => TryAnnounce(request),
            HyperCommand.Unannounce => TryUnannounce(request),
            HyperCommand.MutablePut => TryPutMutable(request),
            HyperCommand.MutableGet => TryGetMutable(request),
            HyperCommand.ImmutablePut => TryPutImmutable(request),
            HyperCommand.ImmutableGet => TryGetImmutable(request),
            _ => TryPlugin(request),
        };
        Counters.Answered += isValid ? 1 : 0;
        Counters.Invalid += isValid ? 0 : 1;
        return true;
    }

    private bool TryFindPeer(IncomingRequest request)
    {
        if (request.Target is not { } target)
        {
            return false;
        }

        request.Reply(ValueOf(_records?.FindForward(target, Now)?.Record));
        return true;
    }

    private bool TryLookup(IncomingRequest request)
    {
        if (request.Target is not { } target)
        {
            return false;
        }

        _found.Clear();
        _records?.TakePeers(target, MaxLookupPeers, _found, Now);
        if (_found.Count < MaxLookupPeers && _records?.FindForward(target, Now) is { } server)
        {
            _found.Add(server.Record);
        }

        if (_found.Count == 0)
        {
            request.Reply();
            return true;
        }

        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CompactWriter(buffer);
        writer.WriteUInt((ulong)_found.Count);
        foreach (byte[] record in _found)
        {
            writer.WriteFixed(record);
        }

        writer.WriteUInt(_records!.BumpOf(target, Now));
        request.Reply(buffer.WrittenMemory);
        return true;
    }

    private bool TryAnnounce(IncomingRequest request)
    {
        if (request.Target is not { } target || request.Token is not { } token || request.Value is not { } value)
        {
            return false;
        }

        var reader = new CompactReader(value.Span);
        if (!AnnounceRequest.TryDecode(ref reader, out AnnounceRequest announce))
        {
            return false;
        }

        if (announce.Peer is not { } peer)
        {
            if (announce.Refresh is not { } shown || _records?.TryRefresh(shown, request.From, Now) != true)
            {
                return false;
            }
        }
        else if (RecordSignatures.VerifyAnnounce(announce, target, _node.TableId, token))
        {
            Store(target, announce, peer, request.From);
        }
        else
        {
            return false;
        }

        Counters.Stored++;
        request.Reply(token: false, closerNodes: false);
        return true;
    }

    private void Store(in Hash target, AnnounceRequest announce, Peer peer, DhtAddress from)
    {
        _records ??= NewRecords();
        bool isSelf = Blake2b.Hash256(peer.PublicKey.AsSpan()) == target;
        byte[] record = (peer.RelayAddresses.Length > MaxRelayAddresses
            ? peer with { RelayAddresses = peer.RelayAddresses[..MaxRelayAddresses] }
            : peer).ToBytes();
        _records.Announce(target, peer.PublicKey, record, isSelf, from, Now);
        if (!isSelf)
        {
            _records.Bump(target, announce.Bump, WallClock, from, Now);
        }

        if (announce.Refresh is { } promise)
        {
            _records.Promise(promise, target, peer.PublicKey, record, isSelf, from, Now);
        }
    }

    private bool TryUnannounce(IncomingRequest request)
    {
        if (request.Target is not { } target || request.Token is not { } token || request.Value is not { } value)
        {
            return false;
        }

        var reader = new CompactReader(value.Span);
        if (!AnnounceRequest.TryDecode(ref reader, out AnnounceRequest farewell)
            || !RecordSignatures.VerifyUnannounce(farewell, target, _node.TableId, token))
        {
            return false;
        }

        _records?.Unannounce(target, farewell.Peer!.PublicKey, Now);
        request.Reply(token: false, closerNodes: false);
        return true;
    }

    private bool TryPutMutable(IncomingRequest request)
    {
        if (request.Target is not { } target || request.Token is null || request.Value is not { } value)
        {
            return false;
        }

        var reader = new CompactReader(value.Span);
        if (!MutablePutRequest.TryDecode(ref reader, out MutablePutRequest put)
            || !MayKeep(put.Record.Value)
            || Blake2b.Hash256(put.PublicKey.AsSpan()) != target
            || !RecordSignatures.VerifyMutable(put.Record, put.PublicKey))
        {
            return false;
        }

        _records ??= NewRecords();
        HyperError error = _records.Put(target, put.Record, request.From, Now);
        if (error == HyperError.None)
        {
            Counters.Stored++;
            request.Reply();
        }
        else
        {
            request.Error((uint)error);
        }

        return true;
    }

    private bool TryGetMutable(IncomingRequest request)
    {
        if (request.Target is not { } target || request.Value is not { } value)
        {
            return false;
        }

        var reader = new CompactReader(value.Span);
        ulong least = reader.ReadUInt();
        if (!reader.Succeeded)
        {
            return false;
        }

        MutableRecord? record = _records?.FindMutable(target, Now);
        request.Reply(ValueOf(record is null || record.Sequence < least ? null : record.ToBytes()));
        return true;
    }

    private bool TryPutImmutable(IncomingRequest request)
    {
        if (request.Target is not { } target || request.Token is null || request.Value is not { } value
            || !MayKeep(value) || Blake2b.Hash256(value.Span) != target)
        {
            return false;
        }

        _records ??= NewRecords();
        _records.Put(target, value.ToArray(), request.From, Now);
        Counters.Stored++;
        request.Reply();
        return true;
    }

    private bool TryGetImmutable(IncomingRequest request)
    {
        if (request.Target is not { } target)
        {
            return false;
        }

        request.Reply(ValueOf(_records?.FindImmutable(target, Now)));
        return true;
    }

    private bool TryPlugin(IncomingRequest request)
    {
        if (_plugins is null || request.Value is not { } value)
        {
            return false;
        }

        var reader = new CompactReader(value.Span);
        if (!PluginRequest.TryDecode(ref reader, out PluginRequest forPlugin)
            || !_plugins.TryGetValue(forPlugin.Plugin, out IHyperPlugin? plugin)
            || plugin.Version != forPlugin.Version)
        {
            return false;
        }

        plugin.HandleRequest(forPlugin, request);
        return true;
    }

    private bool MayKeep(ReadOnlyMemory<byte> value)
    {
        bool mayKeep = value.Length <= _options.MaxValueBytes;
        Counters.TooLarge += mayKeep ? 0 : 1;
        return mayKeep;
    }

    private HyperRecords NewRecords() => new(_options, _node.Random, Counters);

    // A null array would become an empty value, which is another thing than none.
    private static ReadOnlyMemory<byte>? ValueOf(byte[]? bytes) => bytes is null ? default(ReadOnlyMemory<byte>?) : bytes;
}
