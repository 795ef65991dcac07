using System.Collections.Immutable;
using HyperActors.Crypto;

namespace HyperActors.Dht;

// The routing table: who gets in, and what keeps it fresh.
public sealed partial class DhtNode
{
    private const int MaxLatest = 16;
    private const int MaxSamplers = 64;

    // How many ticks a sleep counts for: enough for everything to look old.
    private const int WakeupTicks = 720;

    private readonly List<Contact> _latest = [];
    private readonly List<(DhtAddress Giver, TimeSpan At)> _samplers = [];
    private readonly List<DhtAddress> _namelessSamplers = [];
    private int _generation;
    private int _tick;
    private TimeSpan _lastTick;
    private int _refreshTicks;
    private int _downHintsThisTick;

    /// <summary>The routing table as it is now; never changes, is replaced.</summary>
    public RoutingSnapshot Routing { get; private set; }

    /// <summary>Who keeps the buckets. Set before the first datagram, or left alone.</summary>
    public IBuckets Buckets { get; set; }

    /// <summary>What distances are measured from: the node's id once it is persistent, chance before.</summary>
    public Hash TableId => Routing.TableId;

    /// <summary>The number of the table: contacts of earlier ones are passed over.</summary>
    public int Generation => _generation;

    /// <summary>Contacts that were heard of lately, the last one first; sixteen at most.</summary>
    public IReadOnlyList<Contact> LatestContacts => _latest;

    /// <summary>Takes over what a bucket says it holds.</summary>
    /// <param name="generation">The number of the table that it belongs to.</param>
    /// <param name="bucket">Its place.</param>
    /// <param name="contacts">What it holds, sorted by id.</param>
    public void InstallBucket(int generation, int bucket, ImmutableArray<Contact> contacts)
    {
        if (generation != _generation)
        {
            return;
        }

        ImmutableArray<Contact> before = Routing[bucket];
        Routing = Routing.With(bucket, contacts);

        // Buckets don't know each other: when two let in the last one that the table may have, one of them is told to let go.
        foreach (Contact contact in contacts)
        {
            if (!before.Contains(contact) && IsCrowded(contact.Address.Host, room: 0))
            {
                Counters.CrowdedContacts++;
                Routing = Routing.With(bucket, Routing[bucket].Remove(contact));
                Buckets.Failed(bucket, contact, Runner.Now);
            }
        }
    }

    /// <summary>Asks a contact whether it is there, and tells its bucket.</summary>
    public void PingContact(Contact contact) => _ = CheckAsync(contact);

    /// <summary>Puts a node into the table that is remembered from earlier: it will be asked in time.</summary>
    public void AddNode(DhtAddress address)
    {
        if (!AddressRanges.IsUnreachable(address) && Options.NodeFilter?.Invoke(address) != false)
        {
            ReportSeen(new Contact(address));
        }
    }

    /// <summary>Looks up somebody the table knows, or itself: whoever answers is fresh.</summary>
    public void Refresh() => StartBackgroundQuery(Routing.Any(Random)?.Id ?? Routing.TableId);

    /// <summary>True while hints may be sent in this tick; counts one.</summary>
    internal bool TryTakeDownHint() => _downHintsThisTick++ < Options.MaxDownHintsPerTick;

    internal void ResetRefresh() => _refreshTicks = Options.RefreshTicks;

    private async Flow CheckAsync(Contact contact)
    {
        _checks++;
        DhtReply? reply;
        try
        {
            reply = await PingAsync(contact.Address, Scope);
        }
        catch (FlowCancelledException)
        {
            return;
        }
        finally
        {
            _checks--;
        }

        // A node that no longer says its id has no place in the table.
        if (reply?.Id is null && !IsSuspended)
        {
            Buckets.Failed(Routing.BucketOf(contact.Id), contact, Runner.Now);
        }
    }

    private void AddAnswered(DhtAddress from, Hash? id, DhtAddress to, bool isSample)
    {
        if (Options.NodeFilter?.Invoke(from) == false)
        {
            return;
        }

        if (id is not { } known)
        {
            SampleNameless(from, to);
            return;
        }

        if (isSample)
        {
            Sample(from, to);
        }

        ReportSeen(Routing.Find(known) ?? new Contact(known, from));
    }

    private void AddAsker(DhtAddress from, in Hash id, bool hasToken, DhtAddress to, bool isSample)
    {
        if (Options.NodeFilter?.Invoke(from) == false)
        {
            return;
        }

        if (hasToken || !Options.VerifiesAskers)
        {
            AddAnswered(from, id, to, isSample);
            return;
        }

        // An id follows from an address, and an address is easily forged: what is heard is the answer to our ping.
        int bucket = Routing.BucketOf(id);
        if (Routing.Find(id) is { } contact)
        {
            ReportSeen(contact);
        }
        else if (Routing[bucket].Length < Options.BucketSize && id != Routing.TableId && !IsCrowded(from.Host, room: 1))
        {
            if (_checks >= Options.MaxChecks)
            {
                Counters.OverChecks++;
                return;
            }

            PingContact(new Contact(id, from));
        }
    }

    private void ReportSeen(Contact contact)
    {
        if (contact.Id == Routing.TableId)
        {
            return;
        }

        int bucket = Routing.BucketOf(contact.Id);
        bool isKnown = Routing.Find(contact.Id) is not null;
        if (!isKnown && IsCrowded(contact.Address.Host, room: 1))
        {
            Counters.CrowdedContacts++;
            return;
        }

        Buckets.Seen(bucket, contact, Runner.Now);
        int place = _latest.IndexOf(contact);
        if (place == 0)
        {
            return;
        }

        if (place > 0)
        {
            _latest.RemoveAt(place);
        }
        else if (_latest.Count >= MaxLatest)
        {
            _latest.RemoveAt(MaxLatest - 1);
        }

        _latest.Insert(0, contact);
    }

    // Whether the table holds more from this /24 than leaves room for so many.
    private bool IsCrowded(uint host, int room)
    {
        if (AddressRanges.IsLocal(host))
        {
            return false;
        }

        int neighbours = 0;
        for (int i = 0; i < Routing.BucketCount; i++)
        {
            foreach (Contact contact in Routing[i])
            {
                neighbours += AddressRanges.NetworkOf(contact.Address.Host) == AddressRanges.NetworkOf(host) ? 1 : 0;
            }
        }

        return neighbours + room > Options.MaxContactsPerNetwork;
    }

    // One opinion a giver in half an hour; on the open network, one a host.
    private void Sample(DhtAddress from, DhtAddress to)
    {
        DhtAddress giver = AddressRanges.IsLocal(from.Host) ? from : new DhtAddress(from.Host, 0);
        int place = _samplers.FindIndex(s => s.Giver == giver);
        if (place >= 0)
        {
            if (Runner.Now - _samplers[place].At < Options.OldAge)
            {
                return;
            }

            _samplers.RemoveAt(place);
        }
        else if (_samplers.Count >= MaxSamplers)
        {
            _samplers.RemoveAt(0);
        }

        _samplers.Add((giver, Runner.Now));
        AddNatSample(to);
    }

    // Bootstrap nodes don't say ids when they are ephemeral; a network that starts has no others.
    private void SampleNameless(DhtAddress from, DhtAddress to)
    {
        if (_namelessSamplers.Count < Math.Max(1, Options.Bootstrap.Count) && !_namelessSamplers.Contains(from))
        {
            _namelessSamplers.Add(from);
            AddNatSample(to);
        }
    }

    private void HandleTick()
    {
        if (Runner.Now < _nextTick)
        {
            return;
        }

        bool slept = Runner.Now - _lastTick > 3 * Options.TickInterval;
        _lastTick = Runner.Now;
        _nextTick = Runner.Now + Options.TickInterval;
        if (slept)
        {
            WakeUp();
        }
        else
        {
            _tick++;
        }

        if (!IsBootstrapped)
        {
            return;
        }

        if (_isAdaptive && IsEphemeral && --_stableTicks <= 0)
        {
            if (_lastCheckedHost == Nat.Host)
            {
                _stableTicks = 3 * Options.StableTicks;
            }
            else
            {
                _ = UpdateNetworkStateAsync(onlyFirewall: false);
            }
        }

        bool isEmpty = (_tick & 7) == 0 && Routing.Count == 0;
        bool isSmall = (_tick & 63) == 0 && Routing.Count < Options.BucketSize;
        if (--_refreshTicks <= 0 || isEmpty || isSmall)
        {
            Refresh();
        }

        _downHintsThisTick = 0;
        UpdateHealth();
    }

    // Everything known is old now, and the network may be another.
    private void WakeUp()
    {
        _tick += WakeupTicks;
        _stableTicks = 3 * Options.StableTicks;
        _refreshTicks = 1;
        _lastCheckedHost = null;
        ResetHealth();
        Buckets.Age(Runner.Now);
        if (_isAdaptive && !IsEphemeral)
        {
            IsEphemeral = true;
            Report(new DhtEvent.Ephemeral());
        }

        Report(new DhtEvent.WokeUp());
    }

    private void MoveTable(Hash id)
    {
        Contact[] contacts = [.. Routing.Contacts()];
        Routing = Routing.MovedTo(id, Options.BucketSize);
        _generation++;
        Buckets.Reset(_generation, Runner.Now);
        foreach (Contact contact in contacts)
        {
            if (Routing.Find(contact.Id) is not null)
            {
                Buckets.Seen(Routing.BucketOf(contact.Id), contact, Runner.Now);
            }
        }
    }
}
