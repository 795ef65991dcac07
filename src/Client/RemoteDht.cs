using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Client;

/// <summary>The DHT of a daemon.</summary>
internal sealed class RemoteDht(ApiChannel api) : IDht
{
    public async IAsyncEnumerable<DhtPeer> LookupAsync(
        DiscoveryKey topic, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Of(ApiRoutes.DhtLookup, topic.ToString()));
        await foreach (ServerEvent happened in api.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            yield return Of(JsonSerializer.Deserialize(happened.Data.Span, ApiJson.Default.DhtPeerDto)!);
        }
    }

    public async ValueTask<int> AnnounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, ApiRoutes.Of(ApiRoutes.DhtAnnounce, topic.ToString()));
        using HttpResponseMessage answer = await api.SendAsync(request, cancellationToken).ConfigureAwait(false);
        Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return (await JsonSerializer.DeserializeAsync(body, ApiJson.Default.AnnounceResult, cancellationToken)
            .ConfigureAwait(false))!.Nodes;
    }

    public async ValueTask UnannounceAsync(DiscoveryKey topic, CancellationToken cancellationToken = default) =>
        await api.SendAsync(HttpMethod.Delete, ApiRoutes.Of(ApiRoutes.DhtAnnounce, topic.ToString()), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask<DhtPeer?> FindPeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        await TryGetAsync(ApiRoutes.Of(ApiRoutes.DhtPeer, peer.ToString()), ApiJson.Default.DhtPeerDto, cancellationToken)
            .ConfigureAwait(false) is { } found ? Of(found) : null;

    public async ValueTask<DhtPut> PutImmutableAsync(ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        PutResult put = await api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.DhtImmutable,
            new PutImmutableRequest(Convert.ToBase64String(value.Span)),
            ApiJson.Default.PutImmutableRequest,
            ApiJson.Default.PutResult,
            cancellationToken).ConfigureAwait(false);
        return new DhtPut(new Hash(Convert.FromHexString(put.Key)), put.Nodes);
    }

    public async ValueTask<ReadOnlyMemory<byte>?> GetImmutableAsync(Hash key, CancellationToken cancellationToken = default) =>
        (await TryGetAsync(ApiRoutes.Of(ApiRoutes.DhtImmutableValue, key.ToString()), ApiJson.Default.DhtValueDto, cancellationToken)
            .ConfigureAwait(false))?.Base64;

    public async ValueTask<DhtPut> PutMutableAsync(
        KeyPair keys, ReadOnlyMemory<byte> value, ulong sequence, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        PutResult put = await api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.DhtMutable,
            new PutMutableRequest(
                sequence,
                Base64: Convert.ToBase64String(value.Span),
                SecretKey: Convert.ToBase64String(keys.SecretKey.AsSpan())),
            ApiJson.Default.PutMutableRequest,
            ApiJson.Default.PutResult,
            cancellationToken).ConfigureAwait(false);
        return new DhtPut(new Hash(PublicKey.Parse(put.Key).AsSpan()), put.Nodes);
    }

    public async ValueTask<DhtMutable?> GetMutableAsync(
        PublicKey key, ulong minSequence = 0, CancellationToken cancellationToken = default)
    {
        string path = string.Create(
            CultureInfo.InvariantCulture, $"{ApiRoutes.Of(ApiRoutes.DhtMutableValue, key.ToString())}?minSequence={minSequence}");
        return await TryGetAsync(path, ApiJson.Default.DhtValueDto, cancellationToken).ConfigureAwait(false) is { } value
            ? new DhtMutable(value.Sequence ?? 0, value.Base64, IPEndPoint.Parse(value.From ?? "0.0.0.0:0"))
            : null;
    }

    public async ValueTask<TimeSpan?> PingAsync(IPEndPoint address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        PingResult result = await api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.DhtPing,
            new PingRequest(address.ToString()),
            ApiJson.Default.PingRequest,
            ApiJson.Default.PingResult,
            cancellationToken).ConfigureAwait(false);
        return result.Milliseconds is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
    }

    public async ValueTask<PeerInfo> ConnectAsync(PublicKey peer, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, ApiRoutes.Of(ApiRoutes.DhtConnect, peer.ToString()));
        using HttpResponseMessage answer = await api.SendAsync(request, cancellationToken).ConfigureAwait(false);
        Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return Words.Of((await JsonSerializer.DeserializeAsync(body, ApiJson.Default.PeerDto, cancellationToken).ConfigureAwait(false))!);
    }

    public async ValueTask ListenAsync(CancellationToken cancellationToken = default) =>
        await api.SendAsync(HttpMethod.Post, ApiRoutes.DhtListen, cancellationToken).ConfigureAwait(false);

    public async ValueTask WaitUntilReadyAsync(CancellationToken cancellationToken = default) =>
        await api.SendAsync(HttpMethod.Post, ApiRoutes.DhtReady, cancellationToken).ConfigureAwait(false);

    public async ValueTask<DhtInfo> GetInfoAsync(CancellationToken cancellationToken = default)
    {
        DhtStatusDto dht = await api.GetAsync(ApiRoutes.Dht, ApiJson.Default.DhtStatusDto, cancellationToken).ConfigureAwait(false);
        return new DhtInfo
        {
            IsReady = dht.Ready,
            PublicAddress = Address(dht.PublicAddress),
            LocalAddress = Address(dht.LocalAddress),
            Nat = dht.Nat switch
            {
                "open" => NatKind.Open,
                "consistent" => NatKind.Consistent,
                "random" => NatKind.Random,
                _ => NatKind.Unknown,
            },
            IsEphemeral = dht.Ephemeral,
            IsOnline = dht.Online,
            IsDegraded = dht.Degraded,
            Buckets = [.. dht.Buckets.Select(b => new DhtBucketInfo(b.SharedBits, b.Contacts))],
            Records = dht.Records,
            Statistics = dht.Statistics,
            Id = dht.Id is null ? null : new Hash(Convert.FromHexString(dht.Id)),
            IsFirewalled = dht.Firewalled,
            RelayKey = dht.RelayKey is null ? null : PublicKey.Parse(dht.RelayKey),
            Nearest = [.. (dht.Nearest ?? []).Select(c => new DhtContact(IPEndPoint.Parse(c.Address), c.SharedBits))],
        };
    }

    private static IPEndPoint? Address(string? text) =>
        IPEndPoint.TryParse(text ?? string.Empty, out IPEndPoint? address) ? address : null;

    private static DhtPeer Of(DhtPeerDto peer) => new(
        PublicKey.Parse(peer.PublicKey), [.. peer.RelayAddresses.Select(IPEndPoint.Parse)], IPEndPoint.Parse(peer.From));

    private async Task<T?> TryGetAsync<T>(
        string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await api.GetAsync(path, type, cancellationToken).ConfigureAwait(false);
        }
        catch (RemoteException e) when (e.Problem.Code == ApiCodes.NotFound)
        {
            return null;
        }
    }
}
