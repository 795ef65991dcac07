namespace HyperActors.Replication;

/// <summary>The messages of a <c>hypercore/alpha</c> channel, by their number in the mux (docs/replication.md#messages).</summary>
public enum MessageType
{
    Sync = 0,
    Request = 1,
    Cancel = 2,
    Data = 3,
    NoData = 4,
    Want = 5,
    Unwant = 6,
    Bitfield = 7,
    Range = 8,
    Extension = 9,
}
