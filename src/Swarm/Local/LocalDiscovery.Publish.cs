using System.Globalization;
using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <content>What this node says of itself.</content>
/// <remarks>
/// <code>
/// silent --(first topic)--> probing, three times --> announced --(last topic, goodbye)--> silent
/// probing, announced --(another key has the name)--> probing another name --(too often)--> resting --> probing
/// </code>
/// </remarks>
public sealed partial class LocalDiscovery
{
    private readonly Dictionary<DiscoveryKey, ServedTopic> _served = [];
    private readonly Dictionary<string, ServedTopic> _servedBySubtype = new(StringComparer.Ordinal);
    private readonly Dictionary<(DnsType Type, string Name), TimeSpan> _saidAt = [];
    private readonly List<PendingAnswer> _pending = [];
    private readonly Publication _publication = new();
    private string _label;
    private int _attempt;
    private int _probesLeft;
    private PublicationState _state;
    private double _tokens;
    private TimeSpan _tokensAt;

    private enum PublicationState
    {
        Silent,
        Probing,
        Announced,
        Resting,
    }

    private string Instance => LocalNames.InstanceOf(_label);

    private string HostName => LocalNames.HostOf(_label);

    private void SetServed(DiscoveryKey key, bool isServer, TimeSpan now)
    {
        if (isServer == _served.ContainsKey(key) || (isServer && _served.Count >= _options.MaxTopics))
        {
            return;
        }

        if (isServer)
        {
            var topic = new ServedTopic(LocalNames.SubtypeOf(key));
            _served.Add(key, topic);
            _servedBySubtype.Add(topic.Subtype, topic);
            if (_state == PublicationState.Silent)
            {
                Probe(now);
            }
            else if (_state == PublicationState.Announced)
            {
                BeginToAnnounce(topic, now);
            }

            return;
        }

        _served.Remove(key, out ServedTopic? gone);
        _servedBySubtype.Remove(gone!.Subtype);
        _saidAt.Remove((DnsType.Ptr, gone.Subtype));
        _alarms.Set(gone, null);
        if (_state == PublicationState.Announced)
        {
            SayGoodbye(gone);
        }

        if (_served.Count == 0)
        {
            _state = PublicationState.Silent;
            _alarms.Set(_publication, null);
            _pending.ForEach(pending => _alarms.Set(pending, null));
            _pending.Clear();
            _saidAt.Clear();
        }
    }

    private void SayGoodbye(ServedTopic topic)
    {
        DnsRecord[] core = _served.Count > 0 ? [] : [PointerOf(LocalNames.Service), ServerRecord(), TextRecord(), HostRecord()];
        DnsRecord[] all = [PointerOf(topic.Subtype), .. core];
        Emit(new DnsMessage { IsResponse = true, Answers = [.. all.Select(record => record with { TimeToLive = TimeSpan.Zero })] }, null);
    }

    private void Probe(TimeSpan now)
    {
        _state = PublicationState.Probing;
        _probesLeft = _options.Probes;
        _alarms.Set(_publication, now + (_options.ProbeInterval * _random.NextDouble()));
    }

    private void HandlePublicationDue(TimeSpan now)
    {
        if (_state == PublicationState.Resting)
        {
            _attempt = 0;
            _label = LocalNames.LabelOf(_self, 0);
            Probe(now);
        }
        else if (_probesLeft > 0)
        {
            _probesLeft--;
            _alarms.Set(_publication, now + _options.ProbeInterval);
            Emit(
                new DnsMessage
                {
                    Questions = [new(Instance, DnsType.Any, WantsUnicast: true), new(HostName, DnsType.Any, WantsUnicast: true)],
                    Authorities = [ServerRecord(), TextRecord(), HostRecord()],
                },
                null);
        }
        else
        {
            _state = PublicationState.Announced;
            foreach (ServedTopic topic in _served.Values)
            {
                BeginToAnnounce(topic, now);
            }
        }
    }

    private void BeginToAnnounce(ServedTopic topic, TimeSpan now)
    {
        topic.AnnouncementsLeft = _options.Announcements;
        _alarms.Set(topic, now);
    }

    // Topics that are due together go together.
    private void Announce(TimeSpan now)
    {
        ServedTopic[] due = [.. _served.Values.Where(t => t.AnnouncementsLeft > 0 && (t.DueAt is null || t.DueAt <= now))];
        foreach (ServedTopic[] batch in due.Chunk(_options.MaxTopicsPerPacket))
        {
            DnsRecord[] answers =
            [
                .. batch.Select(t => PointerOf(t.Subtype)), PointerOf(LocalNames.Service), ServicePointer(),
                ServerRecord(), TextRecord(), HostRecord(),
            ];
            foreach (DnsRecord record in answers)
            {
                _saidAt[(record.Type, record.Name)] = now;
            }

            Emit(new DnsMessage { IsResponse = true, Answers = answers }, null);
        }

        foreach (ServedTopic topic in due)
        {
            topic.AnnouncementsLeft--;
            _alarms.Set(topic, topic.AnnouncementsLeft > 0 ? now + _options.RepeatInterval : null);
        }
    }

    // A name is ours when the key is: who has the same key says the same, whatever the interface.
    private void LookForConflict(IEnumerable<DnsRecord> records, bool isProbe, TimeSpan now)
    {
        if (_state is not (PublicationState.Probing or PublicationState.Announced) || (isProbe && _state == PublicationState.Announced))
        {
            return;
        }

        DnsRecord.Txt? theirs = records.OfType<DnsRecord.Txt>().FirstOrDefault(
            txt => string.Equals(txt.Name, Instance, StringComparison.Ordinal) && txt.TimeToLive > TimeSpan.Zero && !IsOurs(txt));
        if (theirs is null)
        {
            return;
        }

        Statistics.Conflicts++;
        if (isProbe)
        {
            // Both ask at once: the one whose data comes later in the alphabet has it, the other looks again in a while.
            if (DnsCodec.EncodeData(theirs).AsSpan().SequenceCompareTo(DnsCodec.EncodeData(TextRecord())) > 0)
            {
                _probesLeft = _options.Probes;
                _alarms.Set(_publication, now + _options.RepeatInterval);
            }

            return;
        }

        _attempt++;
        if (_attempt > _options.MaxConflicts)
        {
            _state = PublicationState.Resting;
            _alarms.Set(_publication, now + _options.ConflictRest);
            return;
        }

        _label = LocalNames.LabelOf(_self, _attempt);
        Probe(now);
    }

    private bool IsOurs(DnsRecord.Txt txt) => TryReadKey(txt, out PublicKey key) && key == _self;

    private void HandleQuery(DnsMessage query, IPEndPoint source, TimeSpan now)
    {
        if (_state != PublicationState.Announced)
        {
            return;
        }

        // What the asker knows already it need not be told, also when it says so in a second packet.
        foreach (PendingAnswer pending in _pending.Where(p => p.Source.Equals(source)))
        {
            pending.Records.RemoveAll(key => IsKnown(key, query.Answers));
        }

        foreach (DnsQuestion question in query.Questions)
        {
            List<(DnsType Type, string Name)> records = [.. RecordsFor(question).Where(key => !IsKnown(key, query.Answers))];
            if (records.Count > 0)
            {
                Schedule(records, question.WantsUnicast, query.IsTruncated, source, now);
            }
        }
    }

    private void Schedule(
        List<(DnsType Type, string Name)> records, bool isUnicast, bool isTruncated, IPEndPoint source, TimeSpan now)
    {
        PendingAnswer? pending = _pending.Find(p => p.IsUnicast == isUnicast && p.Source.Equals(source));
        if (pending is null)
        {
            if (_pending.Count >= _options.MaxPendingAnswers)
            {
                Statistics.AnswersDropped++;
                return;
            }

            pending = new PendingAnswer(source, isUnicast);
            _pending.Add(pending);
            bool isShared = records.Exists(key => key.Type == DnsType.Ptr);
            TimeSpan delay = isShared || isTruncated ? Between(_options.MinAnswerDelay, _options.MaxAnswerDelay) : TimeSpan.Zero;
            _alarms.Set(pending, now + delay + (isTruncated ? _options.TruncationDelay : TimeSpan.Zero));
        }

        pending.Records.AddRange(records.Except(pending.Records));
    }

    private void Send(PendingAnswer pending, TimeSpan now)
    {
        _pending.Remove(pending);
        List<DnsRecord> answers =
        [
            .. pending.Records
                .Where(key => pending.IsUnicast || !_saidAt.TryGetValue(key, out TimeSpan said) || now - said >= _options.RepeatInterval)
                .Select(RecordOf).OfType<DnsRecord>(),
        ];
        if (answers.Count == 0)
        {
            return;
        }

        if (!TakeToken(now))
        {
            Statistics.AnswersDropped++;
            return;
        }

        DnsRecord[] details = answers.Exists(r => r is DnsRecord.Ptr { Target: var target } && target == Instance)
            ? [ServerRecord(), TextRecord(), HostRecord()]
            : [];
        DnsRecord[] additionals = [.. details.Where(d => !answers.Exists(a => a.Type == d.Type && a.Name == d.Name))];
        if (!pending.IsUnicast)
        {
            foreach (DnsRecord record in answers.Concat(additionals))
            {
                _saidAt[(record.Type, record.Name)] = now;
            }
        }

        Emit(
            new DnsMessage { IsResponse = true, Answers = answers, Additionals = additionals },
            pending.IsUnicast ? pending.Source : null);
    }

    private bool TakeToken(TimeSpan now)
    {
        double earned = Math.Max(0, (now - _tokensAt).TotalSeconds) * _options.MaxAnswersPerSecond;
        _tokens = Math.Min(_options.MaxAnswersPerSecond, _tokens + earned);
        _tokensAt = now;
        if (_tokens < 1)
        {
            return false;
        }

        _tokens--;
        return true;
    }

    private IEnumerable<(DnsType Type, string Name)> RecordsFor(DnsQuestion question)
    {
        bool wantsPointer = question.Type is DnsType.Ptr or DnsType.Any;
        bool isPointer = question.Name is LocalNames.Service or LocalNames.Services || _servedBySubtype.ContainsKey(question.Name);
        if (wantsPointer && isPointer)
        {
            yield return (DnsType.Ptr, question.Name);
        }

        bool isInstance = question.Name == Instance;
        if (isInstance && question.Type is DnsType.Srv or DnsType.Any)
        {
            yield return (DnsType.Srv, question.Name);
        }

        if (isInstance && question.Type is DnsType.Txt or DnsType.Any)
        {
            yield return (DnsType.Txt, question.Name);
        }

        if (question.Name == HostName && question.Type is DnsType.A or DnsType.Any)
        {
            yield return (DnsType.A, question.Name);
        }
    }

    private bool IsKnown((DnsType Type, string Name) key, IReadOnlyList<DnsRecord> known)
    {
        DnsRecord? ours = RecordOf(key);
        return ours is not null && known.Any(
            r => r.Type == ours.Type && r.Name == ours.Name && r.TimeToLive >= ours.TimeToLive / 2
                && DnsCodec.EncodeData(r).AsSpan().SequenceEqual(DnsCodec.EncodeData(ours)));
    }

    // Null for what was ours when it was asked for, and is not any more.
    private DnsRecord? RecordOf((DnsType Type, string Name) key) => key switch
    {
        (DnsType.Ptr, LocalNames.Services) => ServicePointer(),
        (DnsType.Ptr, LocalNames.Service) => PointerOf(LocalNames.Service),
        (DnsType.Ptr, _) when _servedBySubtype.ContainsKey(key.Name) => PointerOf(key.Name),
        (DnsType.Srv, _) when key.Name == Instance => ServerRecord(),
        (DnsType.Txt, _) when key.Name == Instance => TextRecord(),
        (DnsType.A, _) when key.Name == HostName => HostRecord(),
        _ => null,
    };

    private DnsRecord.Ptr PointerOf(string name) => new(Instance) { Name = name, TimeToLive = _options.PointerTimeToLive };

    private DnsRecord.Ptr ServicePointer() =>
        new(LocalNames.Service) { Name = LocalNames.Services, TimeToLive = _options.PointerTimeToLive };

    private DnsRecord.Srv ServerRecord() =>
        new(0, 0, _port, HostName) { Name = Instance, TimeToLive = _options.HostTimeToLive, IsUnique = true };

    private DnsRecord.Txt TextRecord() => new(
        ["txtvers=1", string.Create(CultureInfo.InvariantCulture, $"v={HandshakeVersion}"), "pk=" + _self.ToHex()])
    {
        Name = Instance,
        TimeToLive = _options.PointerTimeToLive,
        IsUnique = true,
    };

    private DnsRecord.Host HostRecord() =>
        new(_link.Address) { Name = HostName, TimeToLive = _options.HostTimeToLive, IsUnique = true };

    private sealed class Publication : Alarmed;

    private sealed class ServedTopic(string subtype) : Alarmed
    {
        public string Subtype => subtype;

        public int AnnouncementsLeft { get; set; }
    }

    private sealed class PendingAnswer(IPEndPoint source, bool isUnicast) : Alarmed
    {
        public IPEndPoint Source => source;

        public bool IsUnicast => isUnicast;

        public List<(DnsType Type, string Name)> Records { get; } = [];
    }
}
