using HyperActors.Crypto;

namespace HyperActors.Dht;

// Lookups over many nodes.
public sealed partial class DhtNode
{
    // A lookup that nobody waits for leaves room for those that somebody does, unless there is little else.
    private const int QuietInflight = 3;

    /// <summary>Asks the nodes nearest to <paramref name="target"/>, and on the way to them all that help to find them.</summary>
    /// <param name="command">What they are asked.</param>
    /// <param name="target">What they are to be near to.</param>
    /// <param name="value">What goes with it; null for none.</param>
    /// <param name="options">How.</param>
    /// <param name="scope">Cancelling it ends the query without a result.</param>
    public DhtQuery Query(uint command, in Hash target, ReadOnlyMemory<byte>? value, QueryOptions options, FlowScope scope)
    {
        ResetRefresh();
        var query = new DhtQuery(this, command, target, value, options, scope);
        _ = query.OpenAsync();
        return query;
    }

    /// <summary>Finds the nodes nearest to <paramref name="target"/>.</summary>
    public DhtQuery FindNode(in Hash target, FlowScope scope, QueryOptions? options = null) =>
        Query(DhtCommand.FindNode, target, null, (options ?? new QueryOptions()) with { IsInternal = true }, scope);

    internal void SendDownHint(DhtAddress referrer, DhtAddress down)
    {
        var value = new byte[DhtAddress.Size];
        down.CopyTo(value);
        _ = RequestAsync(new DhtRequest { To = referrer, IsInternal = true, Command = DhtCommand.DownHint, Value = value }, Scope);
    }

    private void StartBackgroundQuery(in Hash target)
    {
        DhtQuery query = BackgroundQuery(target);
        query.OnReply = _ => YieldToOthers(query);
    }

    private DhtQuery BackgroundQuery(in Hash target) =>
        FindNode(target, Scope, new QueryOptions { Concurrency = BackgroundConcurrency, Explores = true });

    private void YieldToOthers(DhtQuery query) =>
        query.Concurrency = _inflight.Count < QuietInflight ? Options.Concurrency : BackgroundConcurrency;

    private int BackgroundConcurrency => Math.Min(Options.Concurrency, Math.Max(2, Options.Concurrency / 8));
}
