using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class BucketTests
{
    private static readonly DhtOptions Options = new() { BucketSize = 4 };
    private readonly Bucket _bucket = new(Options, TimeSpan.FromSeconds(40));

    [Fact]
    public void A_full_bucket_asks_its_oldest_and_keeps_it_when_it_answers()
    {
        Fill();
        _bucket.Seen(Contact(9), Seconds(70));
        Contact asked = Assert.Single(Pings());
        Assert.Equal(Contact(0).Address, asked.Address);
        _bucket.Seen(asked, Seconds(71));
        Assert.DoesNotContain(Contact(9).Address, Contacts());
        Assert.Equal(4, _bucket.Count);
    }

    [Fact]
    public void A_full_bucket_replaces_its_oldest_when_it_is_silent()
    {
        Fill();
        _bucket.Seen(Contact(9), Seconds(70));
        _bucket.Failed(Assert.Single(Pings()).Id, Seconds(74));
        Assert.Contains(Contact(9).Address, Contacts());
        Assert.DoesNotContain(Contact(0).Address, Contacts());
    }

    [Fact]
    public void An_old_contact_that_was_heard_lately_is_not_asked_for_the_sake_of_a_new_one()
    {
        Fill();
        for (int i = 0; i < 4; i++)
        {
            _bucket.Seen(Contact(i), TimeSpan.FromMinutes(31) + Seconds(i));
        }

        _bucket.Seen(Contact(9), TimeSpan.FromMinutes(31) + Seconds(30));
        Assert.Empty(Pings());
    }

    [Fact]
    public void A_challenge_that_is_never_answered_for_does_not_block_the_next()
    {
        Fill();
        _bucket.Seen(Contact(9), Seconds(70));
        Assert.Single(Pings());
        _bucket.Seen(Contact(10), Seconds(71));
        Assert.Empty(Pings());
        _bucket.Seen(Contact(10), Seconds(90));
        Assert.Single(Pings());
    }

    [Fact]
    public void The_longest_unheard_is_asked_first()
    {
        Fill();
        _bucket.Seen(Contact(0), Seconds(30));
        _bucket.HandleTimeout(Seconds(39));
        Assert.Empty(Pings());
        _bucket.HandleTimeout(Seconds(45));
        Assert.Equal(Contact(1).Address, Assert.Single(Pings()).Address);
        Assert.Equal(Seconds(85), _bucket.Deadline);
    }

    [Fact]
    public void A_suspect_is_asked_once_for_every_time_it_was_heard()
    {
        Fill();
        _bucket.Suspect(Contact(2).Id, Seconds(10));
        _bucket.Suspect(Contact(2).Id, Seconds(11));
        _bucket.Suspect(Contact(50).Id, Seconds(11));
        Assert.Equal(Contact(2).Address, Assert.Single(Pings()).Address);
        _bucket.Seen(Contact(2), Seconds(12));
        _bucket.Suspect(Contact(2).Id, Seconds(13));
        Assert.Single(Pings());
    }

    [Fact]
    public void One_network_has_two_places_and_neighbours_have_all()
    {
        foreach (int i in Enumerable.Range(1, 4))
        {
            _bucket.Seen(new Contact(MemoryNet.Address($"80.1.1.{i}", 1)), TimeSpan.Zero);
        }

        Assert.Equal(2, _bucket.Count);
        Assert.Equal(2, _bucket.Crowded);
        _bucket.Seen(new Contact(MemoryNet.Address("80.1.2.1", 1)), TimeSpan.Zero);
        _bucket.Seen(Contact(1), TimeSpan.Zero);
        Assert.Equal(4, _bucket.Count);
    }

    [Fact]
    public void A_bucket_agrees_with_a_list() => Check.That<int[]>(operations =>
    {
        var bucket = new Bucket(Options, Seconds(40));
        var model = new HashSet<DhtAddress>();
        TimeSpan now = TimeSpan.Zero;
        foreach (int operation in operations)
        {
            now += Seconds(1);
            Contact contact = Contact(operation & 7);
            if ((operation & 8) == 0)
            {
                bucket.Seen(contact, now);
                if (model.Count < 4)
                {
                    model.Add(contact.Address);
                }
            }
            else
            {
                // Failing a challenged contact lets the challenger in: asked for by name below, so none is open here.
                bucket.Failed(contact.Id, now);
                model.Remove(contact.Address);
            }

            Drain(bucket, out DhtAddress[]? contacts, out List<Contact> pings);
            foreach (Contact ping in pings)
            {
                bucket.Seen(ping, now);
            }

            if (contacts is not null && !model.SetEquals(contacts))
            {
                return false;
            }
        }

        return bucket.Count == model.Count;
    }, cases: 300);

    private static Contact Contact(int number) => new(MemoryNet.Address($"10.0.0.{number + 1}", 1000));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private void Fill()
    {
        for (int i = 0; i < 4; i++)
        {
            _bucket.Seen(Contact(i), Seconds(i));
        }

        Assert.Equal(4, Contacts().Length);
    }

    private List<Contact> Pings()
    {
        Drain(_bucket, out _, out List<Contact> pings);
        return pings;
    }

    private DhtAddress[] Contacts()
    {
        Drain(_bucket, out DhtAddress[]? contacts, out _);
        return contacts ?? [];
    }

    private static void Drain(Bucket bucket, out DhtAddress[]? contacts, out List<Contact> pings)
    {
        (contacts, pings) = (null, []);
        while (bucket.TryPollEvent(out BucketEvent? bucketEvent))
        {
            switch (bucketEvent)
            {
                case BucketEvent.Changed changed:
                    Assert.Equal(changed.Contacts, changed.Contacts.Order(RoutingSnapshot.ById));
                    contacts = [.. changed.Contacts.Select(c => c.Address)];
                    break;
                case BucketEvent.PingWanted wanted:
                    pings.Add(wanted.Contact);
                    break;
            }
        }
    }
}
