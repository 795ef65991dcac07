using System.Collections.Immutable;

namespace HyperActors.Dht;

/// <summary>Judges the NAT in front of one socket by how others see it (docs/holepunching.md#analysis).</summary>
/// <remarks>Each node is heard once. Three samples are enough for a judgement, four for a final one.</remarks>
public sealed class NatAnalyzer
{
    /// <summary>Samples below which nothing is said.</summary>
    public const int MinSamples = 3;

    /// <summary>Samples after which no better judgement is waited for.</summary>
    public const int EnoughSamples = 4;

    private readonly List<(DhtAddress Address, int Hits)> _byHost = [];
    private readonly List<(DhtAddress Address, int Hits)> _byAddress = [];
    private readonly HashSet<DhtAddress> _heard = [];
    private readonly bool _isFirewalled;
    private bool _isFrozen;

    /// <param name="isFirewalled">False for a node that is known to be reached by everybody: then there is nothing to judge.</param>
    public NatAnalyzer(bool isFirewalled)
    {
        _isFirewalled = isFirewalled;
        Firewall = isFirewalled ? Firewall.Unknown : Firewall.Open;
    }

    /// <summary>The judgement.</summary>
    public Firewall Firewall { get; private set; }

    /// <summary>Our addresses, as worth telling a peer; the port is 0 where it is another one for everybody. Null while unknown.</summary>
    public ImmutableArray<DhtAddress>? Addresses { get; private set; }

    /// <summary>Nodes that were heard.</summary>
    public int Samples { get; private set; }

    /// <summary>True when more samples need not be waited for.</summary>
    public bool IsDecided => Firewall is Firewall.Consistent or Firewall.Open || Samples >= EnoughSamples;

    /// <summary>A peer was told: judgement and addresses stay as they are.</summary>
    public void Freeze() => _isFrozen = true;

    /// <summary>A node sees us under an address.</summary>
    public void Add(DhtAddress seenAs, DhtAddress by)
    {
        if (!_heard.Add(by))
        {
            return;
        }

        Count(_byHost, seenAs with { Port = 0 });
        Count(_byAddress, seenAs);
        Samples++;
        if ((Samples >= MinSamples || !_isFirewalled) && !_isFrozen)
        {
            Firewall = Judge();
            Addresses = Choose();
        }
    }

    private Firewall Judge()
    {
        if (!_isFirewalled)
        {
            return Firewall.Open;
        }

        switch (_byAddress[0].Hits)
        {
            case >= 3:
                return Firewall.Consistent;
            case 1:
                return Firewall.Random;
        }

        // Two saw the same address: on one host that is chance once four were asked, on two hosts it is none when both were seen twice.
        if (_byHost.Count == 1 && Samples > 3)
        {
            return Firewall.Random;
        }

        if (_byHost.Count > 1 && _byAddress[1].Hits > 1)
        {
            return Firewall.Consistent;
        }

        return Samples > EnoughSamples ? Firewall.Random : Firewall;
    }

    private ImmutableArray<DhtAddress>? Choose() => Firewall switch
    {
        Firewall.Unknown => null,
        Firewall.Random => [_byHost[0].Address],
        Firewall.Consistent => [.. _byAddress.Where((s, i) => s.Hits >= 2 || i < 2).Select(s => s.Address)],
        _ => Addresses,
    };

    // Most hits first, the older first among equals.
    private static void Count(List<(DhtAddress Address, int Hits)> samples, DhtAddress address)
    {
        int i = samples.FindIndex(s => s.Address == address);
        if (i < 0)
        {
            samples.Add((address, 1));
            return;
        }

        (DhtAddress Address, int Hits) sample = (address, samples[i].Hits + 1);
        for (; i > 0 && samples[i - 1].Hits < sample.Hits; i--)
        {
            samples[i] = samples[i - 1];
        }

        samples[i] = sample;
    }
}
