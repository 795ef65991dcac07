namespace HyperActors.Dht;

/// <summary>Who holds which entries, oldest first, and how many anyone may hold.</summary>
internal sealed class Shares<THolder, TEntry>(int max)
    where THolder : notnull
{
    private readonly Dictionary<THolder, LinkedList<TEntry>> _entries = [];

    /// <summary>How many have entries.</summary>
    public int Holders => _entries.Count;

    /// <summary>True when one more entry is one too many; then <paramref name="oldest"/> is the one to go.</summary>
    public bool IsFull(THolder holder, out TEntry oldest)
    {
        bool isFull = _entries.TryGetValue(holder, out LinkedList<TEntry>? entries) && entries.Count >= max;
        oldest = isFull ? entries!.First!.Value : default!;
        return isFull;
    }

    public LinkedListNode<TEntry> Add(THolder holder, TEntry entry)
    {
        if (!_entries.TryGetValue(holder, out LinkedList<TEntry>? entries))
        {
            _entries.Add(holder, entries = new LinkedList<TEntry>());
        }

        return entries.AddLast(entry);
    }

    public void Remove(THolder holder, LinkedListNode<TEntry> entry)
    {
        LinkedList<TEntry> entries = entry.List!;
        entries.Remove(entry);
        if (entries.Count == 0)
        {
            _entries.Remove(holder);
        }
    }
}
