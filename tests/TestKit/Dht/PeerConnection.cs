using System.Buffers;
using System.Text;
using HyperActors.Dht;
using HyperActors.Wire;

namespace HyperActors.TestKit;

/// <summary>A connection with its link, on which text is said and heard.</summary>
public sealed class PeerConnection
{
    private const string Echo = "echo";
    private readonly PeerHost _host;
    private readonly Link _link;
    private readonly MessageBatchWriter _writer = new();
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly ulong _channel;
    private ulong? _relayChannel;
    private bool _hasEnded;

    internal PeerConnection(PeerHost host, DhtConnection connection)
    {
        _host = host;
        Connection = connection;
        _link = new Link(new LinkOptions(), connection.Keys, host.Random, host.Now);
        Assert.True(_link.TryOpen(new ChannelSpec(Echo, default), default, out _channel));
    }

    public DhtConnection Connection { get; }

    /// <summary>True when the peer has proved to hold its keys.</summary>
    public bool IsOpen { get; private set; }

    public bool IsClosed { get; private set; }

    /// <summary>What the peer has said.</summary>
    public List<string> Heard { get; } = [];

    internal long? RelaySession { get; private set; }

    internal TimeSpan? Deadline => IsClosed ? null : _link.Deadline;

    private PeerStream Stream => (PeerStream)Connection.Stream;

    public void Say(string text) => Send(_channel, 0, Encoding.UTF8.GetBytes(text));

    public void End()
    {
        _link.End();
        _host.Drain();
    }

    internal void AskRelay(ReadOnlyMemory<byte> pair)
    {
        var spec = new ChannelSpec(RelayProtocol.Name, Connection.LocalPublicKey.ToArray());
        Assert.True(_link.TryOpen(spec, default, out ulong channel));
        _relayChannel = channel;
        Send(channel, RelayProtocol.Pair, pair.Span);
    }

    internal void SendRelay(uint type, ReadOnlySpan<byte> payload) => Send(_relayChannel!.Value, type, payload);

    internal void HandleBytes(byte[] bytes)
    {
        _link.HandleInput(new ReadOnlySequence<byte>(bytes), _host.Now);
        TakeEvents();
    }

    internal void HandleTimeout()
    {
        if (_link.Deadline <= _host.Now)
        {
            _link.HandleTimeout(_host.Now);
            TakeEvents();
        }
    }

    internal void HandleRemoteEnded()
    {
        _link.HandleEnd();
        TakeEvents();
    }

    internal void HandleClosed()
    {
        IsClosed = true;
        CloseRelay();
        _link.Dispose();
    }

    internal bool Drain()
    {
        if (IsClosed)
        {
            return false;
        }

        TakeEvents();
        bool isBusy = false;
        while (_link.TryPollTransmit(_output, _host.Now))
        {
            isBusy = true;
        }

        if (_output.WrittenCount > 0)
        {
            Stream.Write(_output.WrittenSpan.ToArray());
            _output.ResetWrittenCount();
        }

        if (_link.HasSentAll && !_hasEnded)
        {
            _hasEnded = true;
            Stream.End();
        }

        return isBusy;
    }

    private void TakeEvents()
    {
        while (_link.TryPollEvent(out LinkEvent? e))
        {
            switch (e)
            {
                case LinkEvent.Connected:
                    IsOpen = true;
                    break;
                case LinkEvent.ChannelRequested { Protocol: RelayProtocol.Name } request when _host.Connector.Relay is { } relay:
                    Assert.Equal(Connection.RemotePublicKey.ToArray(), request.Id.ToArray());
                    Assert.True(_link.TryOpen(new ChannelSpec(RelayProtocol.Name, request.Id), default, out ulong opened));
                    _relayChannel = opened;
                    RelaySession = Stream.Id;
                    relay.OpenSession(RelaySession.Value);
                    break;
                case LinkEvent.ChannelRequested request:
                    _link.Reject(request.RequestId);
                    break;
                case LinkEvent.MessagesArrived arrived:
                    Take(arrived);
                    arrived.Messages.Dispose();
                    break;
                case LinkEvent.ChannelClosed closed when closed.ChannelId == _relayChannel:
                    CloseRelay();
                    break;
                case LinkEvent.Failed:
                    CloseRelay();
                    Stream.Destroy();
                    break;
            }
        }
    }

    private void Take(LinkEvent.MessagesArrived arrived)
    {
        foreach (Message message in arrived.Messages)
        {
            if (arrived.ChannelId == _channel)
            {
                Heard.Add(Encoding.UTF8.GetString(message.Payload.Span));
            }
            else if (arrived.ChannelId == _relayChannel)
            {
                bool isMessage = RelaySession is { } session
                    ? _host.Connector.Relay!.HandleMessage(session, message.Type, message.Payload.Span, _host.Now)
                    : _host.Connector.HandleRelayMessage(Connection, message.Type, message.Payload.Span, _host.Now);
                if (!isMessage)
                {
                    _link.Fail(WireError.MalformedMessage);
                }
            }
        }
    }

    private void CloseRelay()
    {
        if (_relayChannel is null)
        {
            return;
        }

        _relayChannel = null;
        if (RelaySession is { } session)
        {
            RelaySession = null;
            _host.Connector.Relay!.CloseSession(session);
        }
        else
        {
            _host.Connector.HandleRelayClosed(Connection, _host.Now);
        }
    }

    private void Send(ulong channel, uint type, ReadOnlySpan<byte> payload)
    {
        _writer.Write(type, payload);
        _link.Send(channel, _writer.Build()!);
        _host.Drain();
    }
}
