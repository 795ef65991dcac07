namespace Akka.Dispatch;

public abstract class MessageDispatcher
{
    private protected MessageDispatcher()
    {
    }

    public string Id => Shape.Of<string>();

    public int Throughput => Shape.Of<int>();
}
