using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Actors;

/// <summary>Asks feeds what they are, answers once with all of them, and stops.</summary>
/// <remarks>
/// Parent: <see cref="CorestoreActor"/>. Never restarted. A feed that cannot say is listed with the reason. One that is open need
/// not be asked: what it has committed stands in its view.
/// </remarks>
internal sealed class ListingActor : ReceiveActor
{
    /// <summary>A feed that is to be listed.</summary>
    /// <param name="Actor">Whom to ask.</param>
    /// <param name="View">What is known without asking, and what it failed of.</param>
    /// <param name="Key">Its key, where the catalog knows it.</param>
    /// <param name="IsOpen">Whether its files are open.</param>
    internal sealed record Item(IActorRef Actor, FeedView View, FeedKey? Key, bool IsOpen);

    private readonly IActorRef _asker;
    private readonly IReadOnlyList<Item> _feeds;
    private readonly Dictionary<IActorRef, FeedInfo> _answers = [];
    private readonly Dictionary<IActorRef, Item> _byActor = [];

    public ListingActor(IReadOnlyList<Item> feeds, IActorRef asker)
    {
        _feeds = feeds;
        _asker = asker;
        foreach (Item feed in feeds)
        {
            _byActor[feed.Actor] = feed;
        }

        Receive<FeedInfo>(info => Take(Sender, _ => info));
        Receive<Status.Failure>(failure => Take(Sender, f => f.View.ToDamagedInfo(f.Key, failure.Cause.Message)));
        Receive<Terminated>(t => Take(t.ActorRef, f => f.View.ToDamagedInfo(f.Key, f.View.ToFailure().Message)));
    }

    public static Props PropsFor(IReadOnlyList<Item> feeds, IActorRef asker) =>
        Props.Create(() => new ListingActor(feeds, asker));

    protected override void PreStart()
    {
        foreach (Item feed in _feeds)
        {
            if (feed.IsOpen)
            {
                _answers.Add(feed.Actor, feed.View.ToInfo());
                continue;
            }

            Context.Watch(feed.Actor);
            feed.Actor.Tell(FeedActor.GetInfo.Instance, Self);
        }

        AnswerWhenComplete();
    }

    private void Take(IActorRef feed, Func<Item, FeedInfo> toInfo)
    {
        if (_byActor.TryGetValue(feed, out Item? item) && _answers.TryAdd(feed, toInfo(item)))
        {
            AnswerWhenComplete();
        }
    }

    private void AnswerWhenComplete()
    {
        if (_answers.Count == _byActor.Count)
        {
            _asker.Tell(new CorestoreActor.Listed([.. _feeds.Select(f => _answers[f.Actor])]), Self);
            Context.Stop(Self);
        }
    }
}
