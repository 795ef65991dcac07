using HyperActors.Kernel;

namespace HyperActors.NativeAot.App;

/// <summary>Gives back what it was sent.</summary>
internal sealed class Reader : ReceiveActor
{
    public Reader() => Receive<byte[]>(bytes => Sender.Tell(bytes, Self));
}
