using HyperActors.Dht;
using HyperActors.Replication;
using HyperActors.Wire;

namespace HyperActors.Actors;

/// <summary>One channel of blind relaying: carries messages between the peer and the machines, and reads none of them.</summary>
/// <remarks>Parent: <see cref="ConnectionActor"/>. Never restarted: it holds nothing but the way to its owner.</remarks>
public sealed class RelayChannelActor : ReceiveActor
{
    /// <summary>Sends a message to the peer.</summary>
    public sealed record Send(uint Type, ReadOnlyMemory<byte> Payload);

    /// <summary>Told to the owner: the channel takes messages for the peer from now on.</summary>
    /// <param name="Link">Which connection.</param>
    /// <param name="Connection">Its actor.</param>
    public sealed record Joined(long Link, IActorRef Connection);

    /// <summary>Told to the owner, who disposes them and tells the connection <see cref="ConnectionActor.Consumed"/>.</summary>
    public sealed record MessagesArrived(long Link, MessageBatch Messages);

    /// <summary>Told to the owner: the channel is gone.</summary>
    public sealed record Left(long Link);

    private readonly long _link;
    private readonly ulong _channelId;
    private readonly RelayRole _relay;
    private readonly MessageBatchWriter _writer = new();

    public RelayChannelActor(long link, ulong channelId, RelayRole relay)
    {
        _link = link;
        _channelId = channelId;
        _relay = relay;

        Receive<Send>(m => Write(m.Type, m.Payload));
        Receive<ChannelActor.Arrived>(m => _relay.Owner.Tell(new MessagesArrived(_link, m.Messages), Self));
        Receive<ChannelActor.Opened>(_ => { });
        Receive<ReplicationActor.Sent>(_ => { });
        Receive<ChannelActor.Closed>(_ =>
        {
            _relay.Owner.Tell(new Left(_link), Self);
            Context.Stop(Self);
        });
    }

    public static Props PropsFor(long link, ulong channelId, RelayRole relay) =>
        Props.Create(() => new RelayChannelActor(link, channelId, relay));

    protected override void PreStart()
    {
        _relay.Owner.Tell(new Joined(_link, Context.Parent), Self);
        if (_relay.Pair is { } pair)
        {
            Write(RelayProtocol.Pair, pair);
        }
    }

    protected override void PostStop() => _writer.Dispose();

    private void Write(uint type, ReadOnlyMemory<byte> payload)
    {
        _writer.Write(type, payload.Span);
        if (_writer.Build() is { } batch)
        {
            Context.Parent.Tell(new ConnectionActor.SendMessages(_channelId, batch, default, 0), Self);
        }
    }
}
