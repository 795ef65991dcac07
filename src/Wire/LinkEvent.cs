using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>What a link tells its owner. Everything in it is owned: it may go into a mailbox as it is.</summary>
public abstract record LinkEvent
{
    private LinkEvent()
    {
    }

    /// <summary>The peer is who it is: keys are agreed, channels can be opened.</summary>
    /// <param name="RemotePublicKey">The peer's identity.</param>
    /// <param name="HandshakeHash">64 bytes that both ends and nobody else know.</param>
    /// <param name="IsInitiator">Our role in the handshake.</param>
    public sealed record Connected(
        PublicKey RemotePublicKey, ReadOnlyMemory<byte> HandshakeHash, bool IsInitiator) : LinkEvent;

    /// <summary>The peer has opened a channel that we have not. Answer with <see cref="Link.TryOpen"/> of the same
    /// protocol and id, or with <see cref="Link.Reject"/>; until then its messages are held back.</summary>
    public sealed record ChannelRequested(ulong RequestId, string Protocol, ReadOnlyMemory<byte> Id) : LinkEvent;

    /// <summary>The peer has closed a channel that nobody here has answered yet.</summary>
    public sealed record RequestWithdrawn(ulong RequestId) : LinkEvent;

    /// <summary>Both sides have opened the channel.</summary>
    /// <param name="ChannelId">What <see cref="Link.TryOpen"/> answered.</param>
    /// <param name="Handshake">What the peer's open carried for the channel's protocol, nothing if nothing.</param>
    public sealed record ChannelOpened(ulong ChannelId, ReadOnlyMemory<byte> Handshake) : LinkEvent;

    /// <summary>Messages of one channel in the order in which they were sent. Whoever takes the event owns the batch and
    /// disposes it.</summary>
    public sealed record MessagesArrived(ulong ChannelId, MessageBatch Messages) : LinkEvent;

    /// <summary>The peer has closed the channel, or rejected it if it was never opened. The id is never used again.</summary>
    public sealed record ChannelClosed(ulong ChannelId, bool WasRejected) : LinkEvent;

    /// <summary>The peer will send nothing more; all channels are gone. The link ends its own side by itself.</summary>
    public sealed record RemoteEnded : LinkEvent;

    /// <summary>The peer broke the protocol or went silent; all channels are gone. The last event of a link.</summary>
    public sealed record Failed(WireError Error) : LinkEvent;
}
