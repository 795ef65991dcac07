using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

// Messages between clients and servers that this node only passes on (docs/hyperdht.md#relaying).
public sealed partial class HyperCommands
{
    private void RelayHandshake(IncomingRequest request)
    {
        if (Server?.Invoke(request) == true)
        {
            return;
        }

        var reader = new CompactReader(request.Value.GetValueOrDefault().Span);
        if (!HandshakeEnvelope.TryDecode(ref reader, out HandshakeEnvelope envelope))
        {
            Counters.Invalid++;
            return;
        }

        DhtAddress? server = ServerOf(request);
        switch (envelope.Mode)
        {
            case RelayMode.FromClient when (envelope.RelayAddress ?? server) is { } to:
                PassOn(request, new HandshakeEnvelope(RelayMode.FromRelay, envelope.Noise, request.From), to, server);
                break;
            case RelayMode.FromClient:
                // Nobody here knows the server: those who are nearer to it may.
                Counters.Answered++;
                request.Reply(token: false);
                break;
            case RelayMode.FromRelay when server is { } to:
                PassOn(
                    request,
                    new HandshakeEnvelope(RelayMode.FromSecondRelay, envelope.Noise, envelope.PeerAddress, request.From),
                    to,
                    server);
                break;
            case RelayMode.FromServer when envelope.PeerAddress is { } client:
                Return(request, new HandshakeEnvelope(RelayMode.Reply, envelope.Noise, request.From), client);
                break;
            default:
                Counters.Invalid++;
                break;
        }
    }

    private void RelayHolepunch(IncomingRequest request)
    {
        if (Server?.Invoke(request) == true)
        {
            return;
        }

        var reader = new CompactReader(request.Value.GetValueOrDefault().Span);
        if (!HolepunchEnvelope.TryDecode(ref reader, out HolepunchEnvelope envelope))
        {
            Counters.Invalid++;
            return;
        }

        DhtAddress? server = ServerOf(request);
        switch (envelope.Mode)
        {
            case RelayMode.FromClient when (envelope.PeerAddress ?? server) is { } to:
                PassOn(request, new HolepunchEnvelope(RelayMode.FromRelay, envelope.Id, envelope.Payload, request.From), to, server);
                break;
            case RelayMode.FromServer:
                Return(
                    request,
                    new HolepunchEnvelope(RelayMode.Reply, envelope.Id, envelope.Payload, request.From),
                    envelope.PeerAddress ?? request.From);
                break;
            default:
                Counters.Invalid++;
                break;
        }
    }

    private DhtAddress? ServerOf(IncomingRequest request) => request.Target is { } target ? FindForward(target) : null;

    // Somebody outside can't know our neighbours, but for the server that announced itself from among them.
    private void PassOn<T>(IncomingRequest request, T envelope, DhtAddress to, DhtAddress? server)
        where T : IEncodable
    {
        if (AddressRanges.IsLocal(to.Host) && !AddressRanges.IsLocal(request.From.Host) && to != server)
        {
            Counters.RefusedRelays++;
            return;
        }

        Counters.Relayed++;
        request.Relay(envelope.ToBytes(), to);
    }

    private void Return<T>(IncomingRequest request, T envelope, DhtAddress client)
        where T : IEncodable
    {
        Counters.Relayed++;
        request.Reply(envelope.ToBytes(), token: false, closerNodes: false, to: client);
    }
}
