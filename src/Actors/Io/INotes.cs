namespace HyperActors.Actors;

/// <summary>Small things that parts of a node remember for the next time. Whatever is lost is found anew.</summary>
public interface INotes
{
    /// <summary>What was written last under that name; empty when there is nothing, or it can't be read.</summary>
    byte[] ReadNote(string name);

    /// <summary>Keeps a note, whole or not at all. A disk that refuses is passed over.</summary>
    void WriteNote(string name, ReadOnlySpan<byte> content);
}
