using HyperActors.Abstractions;

namespace HyperActors.Actors;

/// <summary>Asks feeds what they are, answers once with all of them, and stops.</summary>
/// <remarks>Parent: <see cref="CorestoreActor"/>. Never restarted. A feed that stops meanwhile is left out.</remarks>
internal sealed class ListingActor : ReceiveActor
{
    private readonly IActorRef _asker;
    private readonly IReadOnlyList<IActorRef> _feeds;
    private readonly Dictionary<IActorRef, FeedInfo?> _answers = [];

    public ListingActor(IReadOnlyList<IActorRef> feeds, IActorRef asker)
    {
        _feeds = feeds;
        _asker = asker;
        Receive<FeedInfo>(info =>
        {
            _answers[Sender] = info;
            AnswerWhenComplete();
        });
        Receive<Status.Failure>(_ =>
        {
            _answers.TryAdd(Sender, null);
            AnswerWhenComplete();
        });
        Receive<Terminated>(t =>
        {
            _answers.TryAdd(t.ActorRef, null);
            AnswerWhenComplete();
        });
    }

    public static Props PropsFor(IReadOnlyList<IActorRef> feeds, IActorRef asker) =>
        Props.Create(() => new ListingActor(feeds, asker));

    protected override void PreStart()
    {
        foreach (IActorRef feed in _feeds)
        {
            Context.Watch(feed);
            feed.Tell(FeedActor.GetInfo.Instance, Self);
        }

        AnswerWhenComplete();
    }

    private void AnswerWhenComplete()
    {
        if (_answers.Count < _feeds.Count)
        {
            return;
        }

        _asker.Tell(new CorestoreActor.Listed([.. _feeds.Select(f => _answers[f]).OfType<FeedInfo>()]), Self);
        Context.Stop(Self);
    }
}
