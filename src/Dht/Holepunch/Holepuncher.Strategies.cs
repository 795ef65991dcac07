namespace HyperActors.Dht;

/// <content>The ways to punch, one for each pair of NATs (docs/holepunching.md#strategies).</content>
internal sealed partial class Holepuncher
{
    private const int FirstRandomPort = 1000;

    /// <summary>Begins to punch, once. Ends when probes go out, not when they are answered.</summary>
    /// <returns>False when there is no way between these two NATs.</returns>
    public Flow<bool> PunchAsync() => _punching ??= BeginAsync();

    private async Flow<bool> BeginAsync()
    {
        if (IsDone || RemoteAddresses.IsEmpty)
        {
            return false;
        }

        IsPunching = true;
        bool isRandomHere = Nat.Firewall >= Firewall.Random;
        bool isRandomThere = RemoteFirewall >= Firewall.Random;
        if (Nat.Firewall == Firewall.Unknown || RemoteFirewall == Firewall.Unknown || (isRandomHere && isRandomThere))
        {
            return false;
        }

        if (!isRandomHere && !isRandomThere)
        {
            _connector.Counters.ConsistentPunches++;
            ProbeAddressesAsync().Forget(Connector.Rethrow);
            return true;
        }

        // Thousands of probes go to nobody who has not asked for them there.
        RemoteAddress remote = RemoteAddresses.FirstOrDefault(a => a.IsVerified);
        if (!remote.IsVerified)
        {
            return false;
        }

        _connector.Counters.RandomPunches++;
        BeginRandomPunch();
        if (isRandomThere)
        {
            ProbePortsAsync(remote.Address.Host).Forget(Connector.Rethrow);
            return true;
        }

        await OpenBirthdaySocketsAsync(remote.Address);
        if (IsPunching)
        {
            ProbeFromManyAsync(remote.Address).Forget(Connector.Rethrow);
        }

        return true;
    }

    // Both NATs keep one port for all: after a probe from each side the way is open.
    private async Flow ProbeAddressesAsync()
    {
        if (!_isInitiator)
        {
            // Its first probe has gone out with the answer before.
            await Runner.Sleep(_options.ConsistentPause, _scope);
        }

        for (int attempt = 1; attempt <= _options.ConsistentTries && IsPunching; attempt++)
        {
            foreach (RemoteAddress remote in RemoteAddresses)
            {
                if (remote.IsVerified || attempt % 4 == 0)
                {
                    Send(Socket, remote.Address, isShort: false);
                }
            }

            await Runner.Sleep(_options.ConsistentPause, _scope);
        }

        Destroy();
    }

    // The peer's NAT has opened many ports for us, nobody knows which: by the birthday paradox a random one is soon hit.
    private async Flow ProbePortsAsync(uint host)
    {
        for (int i = 0; i < _options.RandomProbes && IsPunching; i++)
        {
            int port = FirstRandomPort + _connector.Random.NextInt32(ushort.MaxValue + 1 - FirstRandomPort);
            Send(Socket, new DhtAddress(host, (ushort)port), isShort: false);
            await Runner.Sleep(_options.RandomPause, _scope);
        }

        Destroy();
    }

    // A socket at a time, each of which our NAT gives another port.
    private async Flow OpenBirthdaySocketsAsync(DhtAddress remote)
    {
        const int AtOnce = 32;
        while (IsPunching && _sockets.Count < _options.BirthdaySockets && _connector.Sockets.Acquire(this) is { } socket)
        {
            _sockets.Add(socket);
            Send(socket, remote, isShort: true);
            if (_sockets.Count % AtOnce == 0)
            {
                await Runner.Sleep(TimeSpan.FromMilliseconds(1), _scope);
            }
        }
    }

    private async Flow ProbeFromManyAsync(DhtAddress remote)
    {
        await Runner.Sleep(_options.BirthdayPause, _scope);
        for (int i = 0; i < _options.RandomProbes && IsPunching; i++)
        {
            // The first time around only our own NAT should see them.
            Send(_sockets[i % _sockets.Count], remote, isShort: i < _sockets.Count);
            await Runner.Sleep(_options.RandomPause, _scope);
        }

        Destroy();
    }

    private void BeginRandomPunch()
    {
        _isRandomPunch = true;
        _connector.RandomPunchesUnderWay++;
    }

    private void EndRandomPunch()
    {
        if (_isRandomPunch)
        {
            _isRandomPunch = false;
            _connector.RandomPunchesUnderWay--;
            _connector.LastRandomPunch = Runner.Now;
        }
    }
}
