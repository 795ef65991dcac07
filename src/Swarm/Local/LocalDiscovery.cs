using System.Diagnostics.CodeAnalysis;
using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>Peers of a topic on one link, without any server: DNS-SD over multicast DNS (docs/local-discovery.md).</summary>
/// <remarks>
/// A machine for each interface: it tells others that interface's address and no other. The owner sends what
/// <see cref="TryPollTransmit"/> gives, hands in every packet that comes, and wakes the machine at <see cref="Deadline"/>.
/// </remarks>
public sealed partial class LocalDiscovery
{
    /// <summary>The port of multicast DNS.</summary>
    public const int Port = 5353;

    /// <summary>The time to live that every packet is sent with: one that comes with less has crossed a router.</summary>
    public const byte HopLimit = 255;

    private readonly LocalDiscoveryOptions _options;
    private readonly PublicKey _self;
    private readonly ushort _port;
    private readonly LocalInterface _link;
    private readonly RandomSource _random;
    private readonly AlarmSet _alarms = new();
    private readonly Queue<LocalPacket> _packets = new();
    private readonly Queue<LocalDiscoveryEvent> _events = new();
    private bool _isStopped;

    /// <summary>A node that is silent until it is given a topic.</summary>
    /// <param name="options">The limits and times.</param>
    /// <param name="self">The node's key.</param>
    /// <param name="port">The UDP port at which peers shake hands with it.</param>
    /// <param name="link">The interface.</param>
    /// <param name="random">The door to chance.</param>
    public LocalDiscovery(LocalDiscoveryOptions options, PublicKey self, ushort port, LocalInterface link, RandomSource random)
    {
        _options = options;
        _self = self;
        _port = port;
        _link = link;
        _random = random;
        _label = LocalNames.LabelOf(self, 0);
        _tokens = options.MaxAnswersPerSecond;
    }

    /// <summary>The multicast group.</summary>
    public static IPEndPoint Group { get; } = new(new IPAddress([224, 0, 0, 251]), Port);

    /// <summary>When <see cref="HandleTimeout"/> is next due, or null while nothing is timed.</summary>
    public TimeSpan? Deadline => _alarms.Deadline;

    public LocalDiscoveryStatistics Statistics { get; } = new();

    /// <summary>Announces a topic, or looks for it, or both, or neither any more.</summary>
    public void SetTopic(DiscoveryKey topic, bool isServer, bool isClient, TimeSpan now)
    {
        if (_isStopped)
        {
            return;
        }

        SetServed(topic, isServer, now);
        SetBrowsed(topic, isClient, now);
    }

    /// <summary>Says goodbye: nothing is sent or heard any more.</summary>
    public void Stop(TimeSpan now)
    {
        foreach (DiscoveryKey topic in _served.Keys.ToArray())
        {
            SetServed(topic, isServer: false, now);
        }

        foreach (DiscoveryKey topic in _browsed.Keys.ToArray())
        {
            SetBrowsed(topic, isClient: false, now);
        }

        _isStopped = true;
    }

    /// <summary>Takes a packet. Total: no bytes make it throw.</summary>
    /// <param name="packet">The bytes.</param>
    /// <param name="source">Who sent it.</param>
    /// <param name="timeToLive">The hop limit that it came with, where the socket tells.</param>
    /// <param name="now">The time.</param>
    public void HandlePacket(ReadOnlySpan<byte> packet, IPEndPoint source, byte? timeToLive, TimeSpan now)
    {
        Statistics.PacketsIn++;
        if (_isStopped || (_served.Count == 0 && _browsed.Count == 0))
        {
            return;
        }

        if (source.Port != Port || timeToLive is not (null or HopLimit) || !_link.IsOnLink(source.Address))
        {
            Statistics.NotOnLink++;
            return;
        }

        if (!DnsCodec.TryDecode(packet, out DnsMessage message))
        {
            Statistics.Malformed++;
            return;
        }

        if (message.IsResponse)
        {
            LookForConflict(message.Answers.Concat(message.Additionals), isProbe: false, now);
            Learn(message, now);
        }
        else
        {
            LookForConflict(message.Authorities, isProbe: true, now);
            HandleQuery(message, source, now);
        }
    }

    /// <summary>It is this late.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        while (_alarms.TakeDue(now, out _) is { } due)
        {
            switch (due)
            {
                case Publication:
                    HandlePublicationDue(now);
                    break;
                case ServedTopic:
                    Announce(now);
                    break;
                case PendingAnswer pending:
                    Send(pending, now);
                    break;
                case BrowsedTopic topic:
                    Ask(topic, now);
                    break;
                case Claim claim:
                    HandleClaimDue(claim, now);
                    break;
            }
        }
    }

    /// <summary>Takes the next packet that wants to leave.</summary>
    public bool TryPollTransmit(out LocalPacket packet) => _packets.TryDequeue(out packet);

    /// <summary>Takes the next thing that happened.</summary>
    public bool TryPollEvent([NotNullWhen(true)] out LocalDiscoveryEvent? discoveryEvent) => _events.TryDequeue(out discoveryEvent);

    private TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * _random.NextDouble());

    // What does not fit into one packet goes into two.
    private void Emit(DnsMessage message, IPEndPoint? to)
    {
        byte[] bytes = DnsCodec.Encode(message);
        if (bytes.Length > _options.MaxPacketSize && message.IsResponse && message.Answers.Count > 1)
        {
            int half = message.Answers.Count / 2;
            Emit(message with { Answers = [.. message.Answers.Take(half)] }, to);
            Emit(message with { Answers = [.. message.Answers.Skip(half)], Additionals = [] }, to);
            return;
        }

        Statistics.PacketsOut++;
        _packets.Enqueue(new LocalPacket(bytes, to));
    }
}

/// <summary>What local discovery has done on one link since it began (docs/local-discovery.md#statistics).</summary>
public sealed class LocalDiscoveryStatistics
{
    public long PacketsIn { get; internal set; }

    public long PacketsOut { get; internal set; }

    public long NotOnLink { get; internal set; }

    public long Malformed { get; internal set; }

    public long AnswersDropped { get; internal set; }

    public long Conflicts { get; internal set; }

    public long PeersSeen { get; internal set; }

    public long PeersNotTaken { get; internal set; }
}
