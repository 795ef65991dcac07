namespace HyperActors.Abstractions;

/// <summary>Something is wrong with the world, or with a call: a disk, a lock, a key that cannot sign. Never a peer's doing.</summary>
public class HyperActorsException : Exception
{
    /// <param name="message">What is wrong, and what to do.</param>
    public HyperActorsException(string message)
        : base(message)
    {
    }

    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="innerException">What the system said; null when it said nothing.</param>
    public HyperActorsException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>The store does not hold the key that signs for this feed.</summary>
public sealed class FeedNotWritableException(string message) : HyperActorsException(message);

/// <summary>A block is larger than what peers accept.</summary>
public sealed class BlockTooLargeException(string message) : HyperActorsException(message);

/// <summary>There is no feed of that name in the store.</summary>
public sealed class FeedNotFoundException(string message) : HyperActorsException(message);

/// <summary>Another process holds the store; the message says which.</summary>
public sealed class StoreLockedException(string message, Exception? innerException = null)
    : HyperActorsException(message, innerException);

/// <summary>A feed has stopped; the reason is inside, and in the message.</summary>
public sealed class FeedFailedException(string message, Exception? innerException = null)
    : HyperActorsException(message, innerException);

/// <summary>A connection ended or could not be made; the message says why.</summary>
public sealed class ConnectionFailedException(string message, Exception? innerException = null)
    : HyperActorsException(message, innerException);
