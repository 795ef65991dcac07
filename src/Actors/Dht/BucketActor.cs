using System.Collections.Immutable;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <summary>The contacts at one distance from the node's id: who is alive, who is replaced, who is asked next. Drives a <see cref="Bucket"/>.</summary>
/// <remarks>
/// Parent: <see cref="DhtActor"/>, which keeps an immutable picture of each bucket for its queries. No children. A restart
/// loses the contacts of this one distance; they come back as they are heard of.
/// </remarks>
public sealed class BucketActor : ReceiveActor, IWithTimers
{
    /// <summary>A contact was heard of.</summary>
    public sealed record Seen(Contact Contact);

    /// <summary>A contact did not answer.</summary>
    public sealed record Failed(Contact Contact);

    /// <summary>Somebody says that a contact is gone.</summary>
    public sealed record Suspect(Contact Contact);

    /// <summary>Time passed that nobody noticed.</summary>
    public sealed record Age
    {
        public static Age Instance { get; } = new();
    }

    /// <summary>Told to the parent: these contacts are there now, sorted by id.</summary>
    public sealed record Changed(int Generation, int Bucket, ImmutableArray<Contact> Contacts);

    /// <summary>Told to the parent: somebody should ask this contact whether it is there.</summary>
    public sealed record PingWanted(int Generation, Contact Contact);

    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    private readonly int _generation;
    private readonly int _index;
    private readonly Bucket _bucket;
    private TimeSpan _alarm = TimeSpan.MaxValue;

    public BucketActor(int generation, int index, DhtOptions options)
    {
        _generation = generation;
        _index = index;
        _bucket = new Bucket(options, Now + Bucket.FirstPing(index, options));
        Receive<Seen>(m =>
        {
            _bucket.Seen(m.Contact, Now);
            Drain();
        });
        Receive<Failed>(m =>
        {
            _bucket.Failed(m.Contact.Id, Now);
            Drain();
        });
        Receive<Suspect>(m =>
        {
            _bucket.Suspect(m.Contact.Id, Now);
            Drain();
        });
        Receive<Age>(_ =>
        {
            _bucket.Age(Now);
            Drain();
        });
        Receive<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            _bucket.HandleTimeout(Now);
            Drain();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    public static Props PropsFor(int generation, int index, DhtOptions options) =>
        Props.Create(() => new BucketActor(generation, index, options));

    // What the former life knew is gone: queries must not go on with its picture.
    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        Context.Parent.Tell(new Changed(_generation, _index, []), Self);
    }

    private void Drain()
    {
        while (_bucket.TryPollEvent(out BucketEvent? bucketEvent))
        {
            Context.Parent.Tell(
                bucketEvent is BucketEvent.Changed changed
                    ? new Changed(_generation, _index, changed.Contacts)
                    : new PingWanted(_generation, ((BucketEvent.PingWanted)bucketEvent!).Contact),
                Self);
        }

        if (_bucket.Deadline is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            TimeSpan delay = deadline - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }
}
