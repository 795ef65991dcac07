using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A request for the application, to be answered now or later, or never.</summary>
/// <remarks>One with a token that is not ours never comes here. It is not bound to its asker: a relayed request is answered by
/// whoever it reaches.</remarks>
public sealed class IncomingRequest
{
    private readonly DhtNode _node;

    internal IncomingRequest(DhtNode node, in RpcMessage message, int socket, DhtAddress from, Hash? id)
    {
        _node = node;
        (Socket, From, Id, To, Tid, Command) = (socket, from, id, message.To, message.Tid, message.Command);
        Target = message.Target.IsEmpty ? null : message.TargetHash;
        Value = message.CopyValue();
        Token = message.Token.IsEmpty ? null : new Hash(message.Token);
    }

    public uint Command { get; }

    public Hash? Target { get; }

    public ReadOnlyMemory<byte>? Value { get; }

    /// <summary>True when the asker showed a token that we gave its host.</summary>
    public bool HasToken => Token is not null;

    /// <summary>The token that the asker showed; ours, and given to its host lately.</summary>
    public Hash? Token { get; }

    public DhtAddress From { get; }

    /// <summary>How the asker calls us.</summary>
    public DhtAddress To { get; }

    /// <summary>The asker's id, checked against its address; null for an ephemeral one.</summary>
    public Hash? Id { get; }

    /// <summary>The socket that it came to, and that answers leave by.</summary>
    public int Socket { get; }

    public ushort Tid { get; }

    /// <summary>Answers, with a token and with closer nodes unless told otherwise.</summary>
    /// <param name="value">Null for none.</param>
    /// <param name="token">With a token for the receiver's host.</param>
    /// <param name="closerNodes">With the nodes that we know nearer to the target, if there is one.</param>
    /// <param name="to">To whom instead of the asker.</param>
    /// <param name="socket">By which socket instead of the one it came to.</param>
    public void Reply(
        ReadOnlyMemory<byte>? value = null, bool token = true, bool closerNodes = true, DhtAddress? to = null, int? socket = null) =>
        _node.SendReply(this, DhtErrors.None, value, token, closerNodes, to ?? From, socket ?? Socket);

    /// <summary>Answers with an error, with closer nodes and without a token unless told otherwise.</summary>
    public void Error(uint code, bool token = false, bool closerNodes = true, DhtAddress? to = null, int? socket = null) =>
        _node.SendReply(this, code, null, token, closerNodes, to ?? From, socket ?? Socket);

    /// <summary>Sends the same request (its tid, command and target) on to <paramref name="to"/>, with another value.</summary>
    public void Relay(ReadOnlyMemory<byte>? value, DhtAddress to, int? socket = null) =>
        _node.SendRelay(this, value, to, socket ?? Socket);
}
