using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

// What this node asks of others.
public sealed partial class HyperDht
{
    // The value of a get that takes whatever number there is.
    private static readonly byte[] AnySequence = [0];

    /// <summary>Finds the nodes that pass handshakes on to a server.</summary>
    /// <param name="target">The hash of its key.</param>
    /// <param name="found">Hears of each node that knows it.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    public Flow<OperationResult> FindPeerAsync(Hash target, Action<ServerFound> found, OperationOptions options, FlowScope scope)
    {
        DhtQuery query = StartQuery(HyperCommand.FindPeer, target, null, options.ToQuery(), scope);
        query.OnReply = reply =>
        {
            var reader = new CompactReader(reply.Value.GetValueOrDefault().Span);
            if (Peer.TryDecode(ref reader, out Peer peer))
            {
                found(new ServerFound(reply.From, reply.To, peer));
            }
        };
        return ResultOf(query);
    }

    /// <summary>Finds who is announced under a topic.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="found">Hears what each node knows; the same peer comes from several.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    public Flow<OperationResult> LookupAsync(Hash topic, Action<TopicFound> found, OperationOptions options, FlowScope scope) =>
        LookupAsync(topic, found, options.ToQuery(), scope);

    /// <summary>Announces a peer at the nodes closest to a topic, and hears on the way who else is there.</summary>
    /// <param name="topic">The topic; with the hash of the peer's own key, the nodes pass handshakes on to whoever announces.</param>
    /// <param name="keyPair">Who is announced; stays the caller's.</param>
    /// <param name="announce">As what.</param>
    /// <param name="found">Hears what each node knows.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    public Flow<OperationResult> AnnounceAsync(
        Hash topic, KeyPair keyPair, AnnounceOptions announce, Action<TopicFound> found, OperationOptions options, FlowScope scope)
    {
        return announce.ShouldClear
            ? LookupAndUnannounceAsync(topic, keyPair, found, options, Commit, scope)
            : LookupAsync(topic, found, options.ToQuery(Commit), scope);

        Flow<DhtReply?> Commit(DhtReply reply, FlowScope querying) => RequestAnnounceAsync(topic, keyPair, announce, reply, querying);
    }

    /// <summary>Finds who is announced under a topic, and takes a peer's announcement back from each node that has it.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="keyPair">Whose announcements; stays the caller's.</param>
    /// <param name="found">Hears what each node knows.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    public Flow<OperationResult> LookupAndUnannounceAsync(
        Hash topic, KeyPair keyPair, Action<TopicFound> found, OperationOptions options, FlowScope scope) =>
        LookupAndUnannounceAsync(topic, keyPair, found, options, null, scope);

    /// <summary>Takes a peer's announcement back from each node that has it.</summary>
    public Flow<OperationResult> UnannounceAsync(Hash topic, KeyPair keyPair, OperationOptions options, FlowScope scope) =>
        LookupAndUnannounceAsync(topic, keyPair, static _ => { }, options, null, scope);

    /// <summary>Announces a peer at one node, with the token of its reply.</summary>
    /// <returns>The answer; null when there is none, or nothing to ask with.</returns>
    public async Flow<DhtReply?> RequestAnnounceAsync(
        Hash target, KeyPair keyPair, AnnounceOptions announce, DhtReply reply, FlowScope scope)
    {
        if (reply.Token is not { } token || reply.Id is not { } id)
        {
            return null;
        }

        var peer = new Peer(keyPair.PublicKey, announce.RelayAddresses);
        var request = new AnnounceRequest
        {
            Peer = peer,
            Signature = RecordSignatures.SignAnnounce(keyPair, target, id, token, peer),
            Bump = announce.Bump,
        };
        return await RequestAsync(HyperCommand.Announce, target, token, request.ToBytes(), reply.From, scope);
    }

    /// <summary>Takes a peer's announcement back from one node, with the token of its reply.</summary>
    /// <returns>The answer; null when there is none, or nothing to ask with.</returns>
    public async Flow<DhtReply?> RequestUnannounceAsync(Hash target, KeyPair keyPair, DhtReply reply, FlowScope scope)
    {
        if (reply.Token is not { } token || reply.Id is not { } id)
        {
            return null;
        }

        var peer = new Peer(keyPair.PublicKey, []);
        var request = new AnnounceRequest
        {
            Peer = peer,
            Signature = RecordSignatures.SignUnannounce(keyPair, target, id, token, peer),
        };
        return await RequestAsync(HyperCommand.Unannounce, target, token, request.ToBytes(), reply.From, scope);
    }

    /// <summary>Finds the value with a hash.</summary>
    /// <returns>Null when no node has it.</returns>
    public async Flow<ImmutableFound?> GetImmutableAsync(Hash target, OperationOptions options, FlowScope scope)
    {
        ImmutableFound? found = null;
        DhtQuery query = StartQuery(HyperCommand.ImmutableGet, target, null, options.ToQuery(), scope);
        query.OnReply = reply =>
        {
            if (found is null && reply.Value is { } value && Blake2b.Hash256(value.Span) == target)
            {
                found = new ImmutableFound(reply.From, value);
                query.Stop();
            }
        };
        await query.Completion;
        return found;
    }

    /// <summary>Has the nodes closest to a value's hash keep it.</summary>
    /// <param name="value">Nodes of ours refuse more than a thousand bytes.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    public async Flow<PutResult> PutImmutableAsync(ReadOnlyMemory<byte> value, OperationOptions options, FlowScope scope)
    {
        Hash target = Blake2b.Hash256(value.Span);
        DhtQuery query = StartQuery(HyperCommand.ImmutableGet, target, null, options.ToQuery(Commit), scope);
        query.OnReply = static _ => { };
        return new PutResult(target, await ResultOf(query));

        async Flow<DhtReply?> Commit(DhtReply reply, FlowScope querying) =>
            reply.Token is { } token
                ? await RequestAsync(HyperCommand.ImmutablePut, target, token, value, reply.From, querying)
                : null;
    }

    /// <summary>Finds a value that a key has signed.</summary>
    /// <param name="key">The key.</param>
    /// <param name="get">Which value, and how to look for it.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    /// <returns>Null when no node has one.</returns>
    public async Flow<MutableFound?> GetMutableAsync(PublicKey key, MutableGetOptions get, OperationOptions options, FlowScope scope)
    {
        Hash target = Blake2b.Hash256(key.AsSpan());
        MutableFound? found = null;
        byte[] value = new SequenceValue(get.MinSequence).ToBytes();
        DhtQuery query = StartQuery(HyperCommand.MutableGet, target, value, options.ToQuery(get.ShouldRepublish ? Commit : null), scope);
        query.OnReply = reply =>
        {
            if (ReadMutable(reply, key) is not { } record
                || record.Sequence < get.MinSequence || record.Sequence <= found?.Record.Sequence)
            {
                return;
            }

            found = new MutableFound(reply.From, record);
            if (get.TakesFirst)
            {
                query.Stop();
            }
        };
        await query.Completion;
        return found;

        async Flow<DhtReply?> Commit(DhtReply reply, FlowScope querying) =>
            found is { Record: { } record } && reply.Token is { } token
                ? await RequestAsync(
                    HyperCommand.MutablePut, target, token, new MutablePutRequest(key, record).ToBytes(), reply.From, querying)
                : null;
    }

    /// <summary>Has the nodes closest to a key keep a value that it signs.</summary>
    /// <param name="keyPair">Signs; stays the caller's.</param>
    /// <param name="sequence">Above that of the value before; nodes that have a newer one refuse.</param>
    /// <param name="value">Nodes of ours refuse more than a thousand bytes.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it gives up.</param>
    public async Flow<PutResult> PutMutableAsync(
        KeyPair keyPair, ulong sequence, ReadOnlyMemory<byte> value, OperationOptions options, FlowScope scope)
    {
        PublicKey key = keyPair.PublicKey;
        Hash target = Blake2b.Hash256(key.AsSpan());
        byte[] put = new MutablePutRequest(key, RecordSignatures.SignMutable(keyPair, sequence, value)).ToBytes();
        ulong? newest = null;
        DhtQuery query = StartQuery(HyperCommand.MutableGet, target, AnySequence, options.ToQuery(Commit), scope);
        query.OnReply = reply =>
        {
            if (ReadMutable(reply, key) is { } record && !(record.Sequence <= newest))
            {
                newest = record.Sequence;
            }
        };
        return new PutResult(target, await ResultOf(query), newest);

        async Flow<DhtReply?> Commit(DhtReply reply, FlowScope querying) =>
            reply.Token is { } token ? await RequestAsync(HyperCommand.MutablePut, target, token, put, reply.From, querying) : null;
    }

    /// <summary>Asks one node for something that only some protocol knows.</summary>
    public Flow<DhtReply?> RequestPluginAsync(DhtAddress to, PluginRequest request, Hash? target, Hash? token, FlowScope scope) =>
        Node.RequestAsync(
            new DhtRequest { To = to, Command = (uint)HyperCommand.Plugin, Target = target, Token = token, Value = request.ToBytes() }, scope);

    /// <summary>Asks the nodes closest to a target for something that only some protocol knows.</summary>
    public DhtQuery QueryPlugin(Hash target, PluginRequest request, OperationOptions options, FlowScope scope) =>
        StartQuery(HyperCommand.Plugin, target, request.ToBytes(), options.ToQuery(), scope);

    private static MutableRecord? ReadMutable(DhtReply reply, in PublicKey key)
    {
        var reader = new CompactReader(reply.Value.GetValueOrDefault().Span);
        return MutableRecord.TryDecode(ref reader, out MutableRecord record) && RecordSignatures.VerifyMutable(record, key)
            ? record
            : null;
    }

    private static async Flow<OperationResult> ResultOf(DhtQuery query) => new(await query.Completion);

    private Flow<OperationResult> LookupAsync(Hash topic, Action<TopicFound> found, QueryOptions options, FlowScope scope)
    {
        DhtQuery query = StartQuery(HyperCommand.Lookup, topic, null, options, scope);
        query.OnReply = reply => ReadLookup(reply, found);
        return ResultOf(query);
    }

    // Nodes are told of the farewell as they are met; whatever is committed in the end comes after it.
    private async Flow<OperationResult> LookupAndUnannounceAsync(
        Hash topic,
        KeyPair keyPair,
        Action<TopicFound> found,
        OperationOptions options,
        Func<DhtReply, FlowScope, Flow<DhtReply?>>? commit,
        FlowScope scope)
    {
        var farewells = new List<Flow>();
        Commands.Unannounce(topic, keyPair.PublicKey);
        DhtQuery query = StartQuery(HyperCommand.Lookup, topic, null, options.ToQuery(Commit), scope);
        query.OnReply = reply =>
        {
            if (ReadLookup(reply, found) is { } lookup && MayHold(lookup, keyPair.PublicKey))
            {
                farewells.Add(RequestUnannounceAsync(topic, keyPair, reply, scope));
            }
        };
        OperationResult result = await ResultOf(query);
        await Flow.WhenAll(farewells);
        return result;

        async Flow<DhtReply?> Commit(DhtReply reply, FlowScope querying)
        {
            await Flow.WhenAll(farewells);
            return commit is null ? null : await commit(reply, querying);
        }
    }

    // A node tells of twenty at most: one that tells of so many may have ours besides.
    private static bool MayHold(LookupReply lookup, PublicKey key) =>
        lookup.Peers.Length >= HyperCommands.MaxLookupPeers || lookup.Peers.Any(peer => peer.PublicKey == key);

    private static LookupReply? ReadLookup(DhtReply reply, Action<TopicFound> found)
    {
        var reader = new CompactReader(reply.Value.GetValueOrDefault().Span);
        if (reply.Value is null || !LookupReply.TryDecode(ref reader, out LookupReply lookup))
        {
            return null;
        }

        found(new TopicFound(reply.From, reply.To, lookup.Peers, lookup.Bump));
        return lookup;
    }

    private DhtQuery StartQuery(HyperCommand command, Hash target, ReadOnlyMemory<byte>? value, QueryOptions options, FlowScope scope) =>
        Node.Query((uint)command, target, value, options, scope);

    private Flow<DhtReply?> RequestAsync(
        HyperCommand command, Hash target, Hash token, ReadOnlyMemory<byte> value, DhtAddress to, FlowScope scope) =>
        Node.RequestAsync(new DhtRequest { To = to, Command = (uint)command, Target = target, Token = token, Value = value }, scope);

    private readonly record struct SequenceValue(ulong Sequence) : IEncodable
    {
        public void Encode(ref CompactWriter writer) => writer.WriteUInt(Sequence);
    }
}
