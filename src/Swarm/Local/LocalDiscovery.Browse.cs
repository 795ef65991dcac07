using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <content>What this node hears of others.</content>
public sealed partial class LocalDiscovery
{
    /// <summary>The version of the handshake that peers are told; who says another is not told of.</summary>
    private const int HandshakeVersion = 1;

    private const int MaxUnresolvedPerPacket = 8;
    private const int MaxResolveTries = 3;

    /// <summary>A pointer is asked for again when so much of its life is over.</summary>
    private const double RefreshAt = 0.8;

    private readonly Dictionary<DiscoveryKey, BrowsedTopic> _browsed = [];
    private readonly Dictionary<string, BrowsedTopic> _browsedBySubtype = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);

    private void SetBrowsed(DiscoveryKey key, bool isClient, TimeSpan now)
    {
        if (isClient == _browsed.ContainsKey(key) || (isClient && _browsed.Count >= _options.MaxTopics))
        {
            return;
        }

        if (isClient)
        {
            var topic = new BrowsedTopic(key, LocalNames.SubtypeOf(key)) { Interval = _options.MinQueryInterval };
            _browsed.Add(key, topic);
            _browsedBySubtype.Add(topic.Subtype, topic);
            _alarms.Set(topic, now + Between(_options.MinAnswerDelay, _options.MaxAnswerDelay));
            return;
        }

        _browsed.Remove(key, out BrowsedTopic? gone);
        _browsedBySubtype.Remove(gone!.Subtype);
        _alarms.Set(gone, null);
        foreach (Peer peer in _peers.Values.ToArray())
        {
            if (peer.Claims.TryGetValue(key, out Claim? claim))
            {
                Remove(claim, tells: false);
            }
        }
    }

    // Who is due soon asks in the same packet.
    private void Ask(BrowsedTopic first, TimeSpan now)
    {
        var topics = new List<BrowsedTopic> { first };
        topics.AddRange(_browsed.Values
            .Where(t => t != first && t.DueAt <= now + _options.MaxAnswerDelay)
            .Take(_options.MaxTopicsPerPacket - 1));
        List<DnsQuestion> questions = [.. topics.Select(t => new DnsQuestion(t.Subtype, DnsType.Ptr, WantsUnicast: !t.HasAsked))];
        foreach (Peer peer in _peers.Values.Where(p => p.ResolveTries > 0 && !IsResolved(p, now)).Take(MaxUnresolvedPerPacket))
        {
            questions.Add(new DnsQuestion(peer.Name, DnsType.Any));
            questions.AddRange(peer.Target.Length > 0 ? [new DnsQuestion(peer.Target, DnsType.A)] : []);
        }

        List<DnsRecord> known =
        [
            .. _peers.Values.SelectMany(p => p.Claims.Values)
                .Where(c => topics.Contains(c.Topic) && c.ExpiresAt - now > c.Life / 2)
                .Select(c => new DnsRecord.Ptr(c.Peer.Name) { Name = c.Topic.Subtype, TimeToLive = c.ExpiresAt - now }),
        ];
        Emit(Fit(questions, known), null);
        foreach (BrowsedTopic topic in topics)
        {
            topic.HasAsked = true;
            _alarms.Set(topic, now + topic.Interval);
            topic.Interval = topic.Interval * 2 < _options.MaxQueryInterval ? topic.Interval * 2 : _options.MaxQueryInterval;
        }
    }

    // Known answers that find no room cost an answer that was not needed, and nothing else.
    private DnsMessage Fit(List<DnsQuestion> questions, List<DnsRecord> known)
    {
        var message = new DnsMessage { Questions = questions, Answers = known };
        while (message.Answers.Count > 0 && DnsCodec.Encode(message).Length > _options.MaxPacketSize)
        {
            message = message with { Answers = [.. message.Answers.Take(message.Answers.Count / 2)] };
        }

        return message;
    }

    private void Learn(DnsMessage message, TimeSpan now)
    {
        if (_browsed.Count == 0)
        {
            return;
        }

        DnsRecord[] records = [.. message.Answers, .. message.Additionals];
        var touched = new HashSet<Peer>();
        foreach (DnsRecord.Ptr ptr in records.OfType<DnsRecord.Ptr>())
        {
            if (_browsedBySubtype.TryGetValue(ptr.Name, out BrowsedTopic? topic) && LocalNames.IsInstance(ptr.Target))
            {
                Learn(topic, ptr, touched, now);
            }
        }

        foreach (DnsRecord record in records)
        {
            if (_peers.TryGetValue(record.Name, out Peer? peer) && Learn(peer, record, now))
            {
                touched.Add(peer);
            }
        }

        LearnHosts(records.OfType<DnsRecord.Host>(), touched, now);
        foreach (Peer peer in touched)
        {
            Tell(peer, now);
        }
    }

    private void Learn(BrowsedTopic topic, DnsRecord.Ptr ptr, HashSet<Peer> touched, TimeSpan now)
    {
        Peer? peer = _peers.GetValueOrDefault(ptr.Target);
        Claim? claim = peer?.Claims.GetValueOrDefault(topic.Key);
        if (ptr.TimeToLive == TimeSpan.Zero)
        {
            if (claim is not null)
            {
                Remove(claim, tells: true);
            }

            return;
        }

        if (peer is null)
        {
            if (_peers.Count >= _options.MaxPeers)
            {
                Statistics.PeersNotTaken++;
                return;
            }

            peer = new Peer(ptr.Target);
            _peers.Add(ptr.Target, peer);
        }

        if (claim is null)
        {
            if (peer.Claims.Count >= _options.MaxTopicsPerPeer)
            {
                Statistics.PeersNotTaken++;
                return;
            }

            claim = new Claim(peer, topic);
            peer.Claims.Add(topic.Key, claim);
        }

        claim.Life = ptr.TimeToLive < _options.MaxTimeToLive ? ptr.TimeToLive : _options.MaxTimeToLive;
        claim.ExpiresAt = now + claim.Life;
        claim.HasAsked = false;
        SetAlarm(claim);
        touched.Add(peer);
    }

    private bool Learn(Peer peer, DnsRecord record, TimeSpan now)
    {
        switch (record)
        {
            case DnsRecord.Srv srv:
                peer.Port = srv.Port;
                peer.Target = srv.Target;
                peer.ServerExpiresAt = Expiry(srv, now);
                return true;
            case DnsRecord.Txt txt when TryReadKey(txt, out PublicKey key) && LocalNames.IsLabelOf(peer.Name, key):
                peer.Key = key;
                peer.TextExpiresAt = Expiry(txt, now);
                return true;
            default:
                return false;
        }
    }

    private void LearnHosts(IEnumerable<DnsRecord.Host> hosts, HashSet<Peer> touched, TimeSpan now)
    {
        foreach (IGrouping<string, DnsRecord.Host> host in hosts.GroupBy(h => h.Name, StringComparer.Ordinal))
        {
            // An address beyond this link is somebody else's: a peer must not make us call there.
            DnsRecord.Host[] near = [.. host.Where(h => _link.IsOnLink(h.Address)).Take(_options.MaxAddresses)];
            foreach (Peer peer in near.Length == 0 ? [] : _peers.Values.Where(p => p.Target == host.Key))
            {
                peer.Addresses = [.. near.Where(h => h.TimeToLive > TimeSpan.Zero).Select(h => h.Address)];
                peer.HostExpiresAt = Expiry(near[0], now);
                touched.Add(peer);
            }
        }
    }

    private TimeSpan Expiry(DnsRecord record, TimeSpan now) =>
        now + (record.TimeToLive < _options.MaxTimeToLive ? record.TimeToLive : _options.MaxTimeToLive);

    private static bool IsResolved(Peer peer, TimeSpan now) =>
        peer is { Key: not null, Port: > 0, Addresses.Count: > 0 }
        && peer.ServerExpiresAt > now && peer.TextExpiresAt > now && peer.HostExpiresAt > now;

    private void Tell(Peer peer, TimeSpan now)
    {
        if (!IsResolved(peer, now))
        {
            AskForDetails(peer, now);
            return;
        }

        if (peer.Key == _self)
        {
            return;
        }

        peer.ResolveTries = 0;
        IPEndPoint[] addresses = [.. peer.Addresses.Select(a => new IPEndPoint(a, peer.Port))];
        foreach (Claim claim in peer.Claims.Values)
        {
            bool isNews = claim.Told is null || claim.ToldKey != peer.Key || !claim.Told.SequenceEqual(addresses);
            if (isNews || claim.TellAgainAt <= now)
            {
                claim.Told = addresses;
                claim.ToldKey = peer.Key!.Value;
                claim.TellAgainAt = now + _options.TellAgainInterval;
                SetAlarm(claim);
                Statistics.PeersSeen += isNews ? 1 : 0;
                _events.Enqueue(new LocalDiscoveryEvent.PeerSeen(claim.Topic.Key, claim.ToldKey, addresses));
            }
        }
    }

    // Who answers a browser adds the details by itself; whoever does not is asked a few times.
    private void AskForDetails(Peer peer, TimeSpan now)
    {
        if (peer.ResolveTries >= MaxResolveTries || peer.Claims.Values.FirstOrDefault()?.Topic is not { } topic)
        {
            return;
        }

        peer.ResolveTries++;
        TimeSpan soon = now + (peer.ResolveTries == 1 ? Between(_options.MinAnswerDelay, _options.MaxAnswerDelay) : _options.RepeatInterval);
        if (topic.DueAt is null || topic.DueAt > soon)
        {
            _alarms.Set(topic, soon);
        }
    }

    private void SetAlarm(Claim claim)
    {
        TimeSpan next = claim.HasAsked ? claim.ExpiresAt : claim.ExpiresAt - (claim.Life * (1 - RefreshAt));
        _alarms.Set(claim, claim.Told is not null && claim.TellAgainAt < next ? claim.TellAgainAt : next);
    }

    private void HandleClaimDue(Claim claim, TimeSpan now)
    {
        if (now >= claim.ExpiresAt)
        {
            Remove(claim, tells: true);
            return;
        }

        bool isOld = claim.ExpiresAt - now <= claim.Life * (1 - RefreshAt);
        if (isOld && !claim.HasAsked)
        {
            claim.HasAsked = true;
            claim.Topic.Interval = _options.MinQueryInterval;
            _alarms.Set(claim.Topic, now + Between(_options.MinAnswerDelay, _options.MaxAnswerDelay));
        }

        if (claim.TellAgainAt <= now && claim.Told is not null)
        {
            claim.TellAgainAt = now + _options.TellAgainInterval;

            // Where it was is as good as where it is: the details live shorter, and are not asked for without need.
            _events.Enqueue(new LocalDiscoveryEvent.PeerSeen(claim.Topic.Key, claim.ToldKey, claim.Told));
        }

        SetAlarm(claim);
    }

    private void Remove(Claim claim, bool tells)
    {
        _alarms.Set(claim, null);
        claim.Peer.Claims.Remove(claim.Topic.Key);
        if (claim.Peer.Claims.Count == 0)
        {
            _peers.Remove(claim.Peer.Name);
        }

        if (tells && claim.Told is not null)
        {
            _events.Enqueue(new LocalDiscoveryEvent.PeerGone(claim.Topic.Key, claim.ToldKey));
        }
    }

    private static bool TryReadKey(DnsRecord.Txt txt, out PublicKey key)
    {
        key = default;
        bool isKnown = true;
        foreach (string text in txt.Strings)
        {
            // The first of a name counts (RFC 6763, section 6.4); names are not case-sensitive.
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? text : text[..equals];
            string value = equals < 0 ? string.Empty : text[(equals + 1)..];
            if (name.Equals("pk", StringComparison.OrdinalIgnoreCase) && key.IsZero && !PublicKey.TryParse(value, out key))
            {
                return false;
            }

            isKnown &= !name.Equals("v", StringComparison.OrdinalIgnoreCase) || value is "1";
        }

        return isKnown && !key.IsZero;
    }

    private sealed class BrowsedTopic(DiscoveryKey key, string subtype) : Alarmed
    {
        public DiscoveryKey Key => key;

        public string Subtype => subtype;

        public bool HasAsked { get; set; }

        public TimeSpan Interval { get; set; }
    }

    private sealed class Peer(string name)
    {
        public string Name => name;

        public Dictionary<DiscoveryKey, Claim> Claims { get; } = [];

        public PublicKey? Key { get; set; }

        public ushort Port { get; set; }

        public string Target { get; set; } = string.Empty;

        public IReadOnlyList<IPAddress> Addresses { get; set; } = [];

        public TimeSpan ServerExpiresAt { get; set; }

        public TimeSpan TextExpiresAt { get; set; }

        public TimeSpan HostExpiresAt { get; set; }

        public int ResolveTries { get; set; }
    }

    /// <summary>A peer's word that it is in a topic.</summary>
    private sealed class Claim(Peer peer, BrowsedTopic topic) : Alarmed
    {
        public Peer Peer => peer;

        public BrowsedTopic Topic => topic;

        public TimeSpan Life { get; set; }

        public TimeSpan ExpiresAt { get; set; }

        public bool HasAsked { get; set; }

        public IReadOnlyList<IPEndPoint>? Told { get; set; }

        public PublicKey ToldKey { get; set; }

        public TimeSpan TellAgainAt { get; set; }
    }
}
