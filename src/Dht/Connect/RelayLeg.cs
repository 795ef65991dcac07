using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>One side's way through a blind relay: a connection to the relay, and a request on it to be joined with the other side.</summary>
/// <remarks>States: <b>connecting</b>, <b>asking</b>, <b>paired</b>, <b>ended</b>. It ends by itself only before it is paired.</remarks>
internal sealed class RelayLeg(
    Connector connector, IRelayDoor door, Hash token, bool isInitiator, uint stream, Action<DhtConnection, uint> paired, Action failed)
{
    private readonly FlowScope _scope = new(connector.Scope);
    private DhtConnection? _relay;
    private bool _isEnded;

    /// <summary>True once the relay has joined both sides.</summary>
    public bool IsPaired { get; private set; }

    /// <summary>True when packets from there come from the relay, not from the peer.</summary>
    public bool IsFrom(int socket, DhtAddress address) => _relay is { } relay && relay.Socket == socket && relay.RemoteAddress == address;

    public void Start(in PublicKey relay)
    {
        Flow<DhtConnection> connecting = connector.ConnectAsync(relay, new ConnectOptions { FollowsRelays = false }, _scope);
        AskAsync(connecting).Forget(Connector.Rethrow);
        TimeOutAsync().Forget(Connector.Rethrow);
    }

    /// <summary>False for nonsense.</summary>
    public bool HandleMessage(uint type, ReadOnlySpan<byte> payload)
    {
        if (type != RelayProtocol.Pair)
        {
            return type > RelayProtocol.Pair;
        }

        var reader = new CompactReader(payload);
        if (!RelayPair.TryDecode(ref reader, out RelayPair pair))
        {
            return false;
        }

        if (!_isEnded && !IsPaired && pair.Token == token && pair.IsInitiator == isInitiator)
        {
            IsPaired = true;
            _scope.Cancel();
            paired(_relay!, pair.StreamId);
        }

        return true;
    }

    public void HandleClosed()
    {
        if (!IsPaired)
        {
            Fail();
        }
        else
        {
            End();
        }
    }

    /// <summary>Lets go of the relay.</summary>
    public void End()
    {
        if (_isEnded)
        {
            return;
        }

        _isEnded = true;
        _scope.Cancel();
        if (_relay is { } relay)
        {
            connector.Remove(relay);
            door.Close(relay);
        }
    }

    private void Fail()
    {
        if (!_isEnded)
        {
            End();
            failed();
        }
    }

    private async Flow AskAsync(Flow<DhtConnection> connecting)
    {
        await connecting.Ended();
        if (_isEnded)
        {
            if (connecting.IsSuccess)
            {
                connecting.Result.Stream.Destroy();
            }

            return;
        }

        if (!connecting.IsSuccess)
        {
            Fail();
            return;
        }

        _relay = connecting.Result;
        connector.Add(_relay, this);
        door.Open(_relay, new RelayPair(isInitiator, token, stream).ToBytes());
    }

    private async Flow TimeOutAsync()
    {
        await connector.Runner.Sleep(connector.Options.RelayTimeout, _scope);
        Fail();
    }
}
