using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <content>From the peer's answer to a way to it.</content>
internal sealed partial class OutgoingConnection
{
    private async Flow ReachAsync(Answer answer)
    {
        NoisePayload payload = answer.Payload;
        HolepunchInfo? holepunch = payload.Holepunch is { Relays.IsEmpty: false } given ? given : null;
        if (payload.Firewall == Firewall.Open || (answer.IsRelayed && holepunch is null))
        {
            DhtAddress open = payload.Addresses.FirstOrDefault(SpecialAddresses.IsPublic);
            Claim(ConnectionWay.Direct, _connector.Node.Socket, open.Port != 0 ? open : answer.ServerAddress);
            return;
        }

        if (_connector.OpenAddress is not null && _firstPayload!.Firewall == Firewall.Open)
        {
            await _connector.Runner.Sleep(_connector.Options.PassiveTimeout, _scope);
            FailUnlessUnderWay(ConnectError.HolepunchAborted);
            return;
        }

        if (_options.LocalConnection && answer.IsRelayed && answer.ClientAddress.Host == answer.ServerAddress.Host)
        {
            DhtAddress[] theirs = [.. payload.Addresses.Where(a => a.Port != 0 && !SpecialAddresses.IsReserved(a.Host))];
            if (theirs.Length > 0)
            {
                TryLocalAsync(SpecialAddresses.MatchLocal(_connector.Node.Doors.LocalHosts, theirs) ?? theirs[0]).Forget(Connector.Rethrow);
            }
        }

        _puncher = Holepuncher.TryOpen(
            _connector,
            isInitiator: true,
            payload.Firewall,
            (socket, address) => Claim(ConnectionWay.Punched, socket, address),
            () => FailUnlessUnderWay(_punchError ?? ConnectError.HolepunchAborted));
        if (_puncher is null)
        {
            FailUnlessUnderWay(ConnectError.CannotHolepunch);
            return;
        }

        try
        {
            await PunchAsync(answer, holepunch!);
        }
        catch (DhtConnectException e)
        {
            GiveUpPunching(e.Error);
        }
    }

    private async Flow TryLocalAsync(DhtAddress address)
    {
        if (await _connector.Node.PingAsync(address, _scope) is not null)
        {
            Claim(ConnectionWay.Local, _connector.Node.ServerSocket, address);
        }
    }

    private async Flow PunchAsync(Answer answer, HolepunchInfo holepunch)
    {
        // The one that has carried the handshake, if it is among them: then both sides are known there already.
        RelayInfo serverRelay = holepunch.Relays.FirstOrDefault(r => r.RelayAddress == answer.RelayAddress, holepunch.Relays[0]);
        DhtAddress serverAddress = answer.ServerAddress;
        Probed? probed =
            await ProbeAsync(_options.FastOpen ? serverAddress : null, serverRelay) ??
            await ProbeAsync(_options.FastOpen ? serverAddress : null, serverRelay, isLast: true);
        if (IsDone || probed is null)
        {
            return;
        }

        // The server may have taken another socket since: its address as the relay sees it is the one to punch to, if both sides use that relay.
        if (serverRelay.RelayAddress == answer.RelayAddress && probed.PeerAddress != serverAddress)
        {
            serverAddress = probed.PeerAddress;
            _puncher!.OpenSession(serverAddress);
        }

        if (_options.Holepunch?.Invoke(_puncher!.RemoteFirewall, _puncher.Nat.Firewall) == false)
        {
            await SayAbortAsync(serverRelay);
            throw new DhtConnectException(ConnectError.HolepunchAborted);
        }

        await PunchRoundAsync(serverAddress, probed.Token, answer.RelayAddress, serverRelay);
    }

    /// <summary>Both sides tell what they know of their NATs.</summary>
    /// <returns>Null when it should be asked once more.</returns>
    private async Flow<Probed?> ProbeAsync(DhtAddress? serverAddress, RelayInfo serverRelay, bool isLast = false)
    {
        Holepuncher puncher = _puncher!;
        if (IsDone)
        {
            return null;
        }

        // Opens our NAT towards the server, which may then reach us before its answer does.
        if (serverAddress is { } address)
        {
            puncher.OpenSession(address);
        }

        var payload = new HolepunchPayload
        {
            Firewall = puncher.Nat.Firewall,
            Round = _round++,
            Addresses = puncher.Nat.Addresses,
            RemoteAddress = serverAddress,
        };
        PunchReply? reply = await ExchangeAsync(payload, serverRelay.PeerAddress, serverRelay.RelayAddress);
        if (reply is null)
        {
            return null;
        }

        puncher.Nat.Add(reply.To, reply.From);
        if (puncher.RemoteFirewall == Firewall.Unknown)
        {
            await _connector.Runner.Sleep(_connector.Options.RemoteJudgePause, _scope);
        }

        if (!await puncher.AnalyzeAsync(mayReopen: false) && !IsDone && await puncher.AnalyzeAsync(mayReopen: true) && !isLast)
        {
            return null;
        }

        if (IsDone || (!isLast && (puncher.RemoteFirewall == Firewall.Unknown || reply.Payload.Token is null)))
        {
            return null;
        }

        ConnectError? hopeless =
            puncher.RemoteFirewall == Firewall.Unknown || puncher.Nat.Firewall == Firewall.Unknown ? ConnectError.HolepunchProbeTimeout :
            puncher.RemoteFirewall >= Firewall.Random && puncher.Nat.Firewall >= Firewall.Random ? ConnectError.HolepunchDoubleRandomizedNats :
            null;
        if (hopeless is { } error)
        {
            await SayAbortAsync(serverRelay);
            throw new DhtConnectException(error);
        }

        return new Probed(reply.Payload.Token, reply.PeerAddress);
    }

    /// <summary>Both sides agree to punch, and begin.</summary>
    private async Flow PunchRoundAsync(DhtAddress serverAddress, Hash? remoteToken, DhtAddress clientRelay, RelayInfo serverRelay)
    {
        Holepuncher puncher = _puncher!;
        bool isDelayed = false;
        while (true)
        {
            // From here on both sides go by what was said.
            puncher.Nat.Freeze();
            bool isRandom = puncher.RemoteFirewall >= Firewall.Random || puncher.Nat.Firewall >= Firewall.Random;
            while (isRandom && _connector.IsRandomPunchTooEarly)
            {
                _connector.Counters.TryLater++;
                if (!HasRelay)
                {
                    throw new DhtConnectException(ConnectError.HolepunchAborted);
                }

                if (!isDelayed)
                {
                    isDelayed = true;
                    await ExchangeAsync(ToPayload(isPunching: false, withToken: true), serverAddress, clientRelay);
                }

                await TryLaterAsync();
                if (IsDone)
                {
                    return;
                }
            }

            PunchReply? reply;
            _connector.RandomPunchesUnderWay += isRandom ? 1 : 0;
            try
            {
                // Once delayed, by the relay that the server has chosen: the addresses are proved already.
                reply = await ExchangeAsync(
                    ToPayload(isPunching: true, withToken: !isDelayed),
                    isDelayed ? serverRelay.PeerAddress : serverAddress,
                    isDelayed ? serverRelay.RelayAddress : clientRelay);
            }
            finally
            {
                _connector.RandomPunchesUnderWay -= isRandom ? 1 : 0;
            }

            if (IsDone || reply is null)
            {
                return;
            }

            if (reply.IsTryLater)
            {
                isDelayed = true;
                await TryLaterAsync();
                if (IsDone)
                {
                    return;
                }

                continue;
            }

            if (!puncher.IsRemotePunching)
            {
                throw new DhtConnectException(ConnectError.RemoteNotHolepunching);
            }

            if (!await puncher.PunchAsync() && !IsDone)
            {
                throw new DhtConnectException(ConnectError.RemoteNotHolepunchable);
            }

            return;
        }

        HolepunchPayload ToPayload(bool isPunching, bool withToken) => new()
        {
            Firewall = puncher.Nat.Firewall,
            Round = _round++,
            IsPunching = isPunching,
            Addresses = puncher.Nat.Addresses,
            Token = withToken ? _cipher!.TokenFor(serverAddress.Host) : null,
            RemoteToken = remoteToken,
        };
    }

    /// <summary>One message to the server, and its answer.</summary>
    /// <returns>Null when a way was found meanwhile.</returns>
    /// <exception cref="DhtConnectException">It does not answer, gives up, or answers nonsense.</exception>
    private async Flow<PunchReply?> ExchangeAsync(HolepunchPayload payload, DhtAddress peerAddress, DhtAddress relay)
    {
        var envelope = new HolepunchEnvelope(
            RelayMode.FromClient, _answer!.Payload.Holepunch!.Id, _cipher!.Seal(payload), peerAddress);
        var request = new DhtRequest
        {
            To = relay,
            Command = (uint)HyperCommand.PeerHolepunch,
            Target = _target,
            Value = envelope.ToBytes(),
            Socket = _puncher!.Socket,
        };
        DhtReply? reply = await _connector.Node.RequestAsync(request, _scope);
        if (IsDone || _puncher.IsDestroyed)
        {
            return null;
        }

        if (reply is null)
        {
            throw new DhtConnectException(ConnectError.HolepunchProbeTimeout);
        }

        if (!TryOpen(reply, out PunchReply opened))
        {
            throw new DhtConnectException(ConnectError.HolepunchInvalid);
        }

        if (opened.Payload.Error == HyperError.TryLater && HasRelay && payload.IsPunching)
        {
            return opened with { IsTryLater = true };
        }

        if (opened.Payload.Error != HyperError.None)
        {
            throw new DhtConnectException(ConnectError.RemoteAborted);
        }

        bool isEchoed = payload.Token is { } token && opened.Payload.RemoteToken == token;
        _puncher.UpdateRemote(opened.Payload, isEchoed ? peerAddress.Host : null);
        return opened;
    }

    private bool TryOpen(DhtReply reply, out PunchReply opened)
    {
        var reader = new CompactReader(reply.Value is { } value ? value.Span : default);
        bool isReply = HolepunchEnvelope.TryDecode(ref reader, out HolepunchEnvelope envelope) && envelope.Mode == RelayMode.Reply;
        bool isOpened = _cipher!.TryOpen(envelope.Payload.Span, out HolepunchPayload payload);
        opened = new PunchReply(reply.From, reply.To, envelope.PeerAddress ?? reply.From, payload, false);
        return isReply && isOpened;
    }

    private async Flow SayAbortAsync(RelayInfo serverRelay)
    {
        try
        {
            var abort = new HolepunchPayload { Error = HyperError.Aborted, Round = _round++ };
            await ExchangeAsync(abort, serverRelay.PeerAddress, serverRelay.RelayAddress);
        }
        catch (DhtConnectException)
        {
            // It has heard, or it has not: there is nothing more to say.
        }
    }

    private Flow TryLaterAsync()
    {
        TimeSpan pause = _connector.Options.TryLaterPause;
        return _connector.Runner.Sleep(pause + (pause * _connector.Random.NextDouble()), _scope);
    }

    private void GiveUpPunching(ConnectError error)
    {
        _punchError = error;
        if (IsPuncherAlive)
        {
            _puncher!.Destroy();
        }
        else
        {
            FailUnlessUnderWay(error);
        }
    }

    /// <summary>What the server has said about its NAT.</summary>
    private sealed record Probed(Hash? Token, DhtAddress PeerAddress);

    private sealed record PunchReply(DhtAddress From, DhtAddress To, DhtAddress PeerAddress, HolepunchPayload Payload, bool IsTryLater);
}
