using System.Collections.Concurrent;

namespace HyperActors.Storage;

/// <summary>A few threads that wait for the disk, so that nobody else has to.</summary>
public sealed class IoPool : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];

    /// <param name="threads">Requests that wait for the disk at the same time, at most; more help a disk with many queues.</param>
    public IoPool(int threads = 4)
    {
        for (int i = 0; i < threads; i++)
        {
            new Thread(Run) { IsBackground = true, Name = $"hyperactors-io-{i}" }.Start();
        }
    }

    /// <summary>The pool that devices share when they are given none.</summary>
    public static IoPool Shared { get; } = new();

    /// <summary>Runs work that doesn't throw.</summary>
    public void Run(Action work) => _work.Add(work);

    /// <summary>Ends the threads once they are through with what they were given.</summary>
    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        foreach (Action work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
