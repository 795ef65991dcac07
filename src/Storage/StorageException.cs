namespace HyperActors.Storage;

/// <summary>The disk has no room. Nothing of the refused write is visible, and reads go on.</summary>
public sealed class DiskFullException : IOException
{
    public DiskFullException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>A feed's files don't hold what they must: someone has to look. The message names the file and what to do.</summary>
public sealed class FeedCorruptException : IOException
{
    public FeedCorruptException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>There is no feed where one should be opened, or another one than was asked for.</summary>
public sealed class FeedConflictException : IOException
{
    public FeedConflictException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
