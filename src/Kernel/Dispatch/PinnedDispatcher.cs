namespace HyperActors.Kernel;

/// <summary>A thread for one actor alone: for what blocks. The thread ends with its actor.</summary>
internal sealed class PinnedDispatcher(string id, int throughput) : MessageDispatcher(id, throughput)
{
    private readonly SemaphoreSlim _wanted = new(0);
    private Thread? _thread;
    private ActorCell? _cell;

    internal override void Schedule(ActorCell cell)
    {
        if (_thread is null)
        {
            _cell = cell;
            _thread = new Thread(Run) { IsBackground = true, Name = $"kernel-{cell.Name}" };
            _thread.Start();
        }

        _wanted.Release();
    }

    private void Run()
    {
        ActorCell cell = _cell!;
        while (!cell.IsTerminated)
        {
            _wanted.Wait();
            while (cell.RunTurn(Throughput))
            {
            }
        }

        _wanted.Dispose();
    }
}
