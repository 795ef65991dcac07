namespace HyperActors.Swarm;

/// <summary>Something that wants to be looked at, at a certain time.</summary>
internal abstract class Alarmed
{
    internal TimeSpan? DueAt { get; set; }

    internal long AlarmId { get; set; }
}

/// <summary>Who is due next.</summary>
internal sealed class AlarmSet
{
    private readonly SortedSet<(TimeSpan At, long Id, Alarmed Whom)> _set = new(
        Comparer<(TimeSpan At, long Id, Alarmed Whom)>.Create((a, b) => (a.At, a.Id).CompareTo((b.At, b.Id))));

    private long _ids;

    public TimeSpan? Deadline => _set.Count > 0 ? _set.Min.At : null;

    /// <summary>Sets or moves the alarm of <paramref name="whom"/>; null takes it away.</summary>
    public void Set(Alarmed whom, TimeSpan? at)
    {
        if (whom.DueAt is { } before)
        {
            _set.Remove((before, whom.AlarmId, whom));
        }

        whom.DueAt = at;
        if (at is { } due)
        {
            whom.AlarmId = ++_ids;
            _set.Add((due, whom.AlarmId, whom));
        }
    }

    /// <summary>Takes whoever is due first; its alarm is gone.</summary>
    public Alarmed? TakeDue(TimeSpan now, out TimeSpan dueAt)
    {
        dueAt = Deadline ?? default;
        if (_set.Count == 0 || dueAt > now)
        {
            return null;
        }

        Alarmed whom = _set.Min.Whom;
        Set(whom, null);
        return whom;
    }
}
