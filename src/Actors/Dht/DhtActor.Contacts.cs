using System.Runtime.InteropServices;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <content>Contacts that are remembered for the next start.</content>
public sealed partial class DhtActor
{
    private const string ContactsNote = "dht-contacts";
    private const int MaxRemembered = 200;

    private static readonly TimeSpan RememberInterval = TimeSpan.FromMinutes(5);

    private void ReadContacts()
    {
        var known = new List<DhtAddress>();
        ReadOnlySpan<byte> note = _setup.Notes?.ReadNote(ContactsNote);
        for (int i = 0; i < MaxRemembered && note.Length >= DhtAddress.Size; i++)
        {
            var reader = new Compact.CompactReader(note[..DhtAddress.Size]);
            if (DhtAddress.TryDecode(ref reader, out DhtAddress address))
            {
                known.Add(address);
            }

            note = note[DhtAddress.Size..];
        }

        _dht.ImportNodes(known);
    }

    // Those that are in the table have answered, and not long ago.
    private void WriteContacts()
    {
        if (_setup.Notes is null || Node.Routing.Count == 0)
        {
            return;
        }

        var note = new List<byte>(MaxRemembered * DhtAddress.Size);
        Span<byte> address = stackalloc byte[DhtAddress.Size];
        foreach (DhtAddress contact in _dht.ExportNodes(MaxRemembered))
        {
            contact.CopyTo(address);
            note.AddRange(address);
        }

        _setup.Notes.WriteNote(ContactsNote, CollectionsMarshal.AsSpan(note));
    }
}
