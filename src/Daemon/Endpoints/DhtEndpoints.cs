using System.Net;
using System.Security.Cryptography;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>The distributed hash table.</summary>
internal static class DhtEndpoints
{
    /// <summary>A lookup shows this many peers and no more: a topic that everybody is in has no end.</summary>
    private const int MaxPeers = 1000;

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.Dht, InfoAsync).Named("getDht", "What the node knows of the network and of its own place in it");
        app.MapGet(ApiRoutes.DhtLookup, LookupAsync)
            .Named("lookup", "Peers announced under a topic, as they are found").Streams();
        app.MapPost(ApiRoutes.DhtAnnounce, AnnounceAsync).Named("announce", "Announces the node under a topic, once");
        app.MapDelete(ApiRoutes.DhtAnnounce, UnannounceAsync).Named("unannounce", "Takes an announcement back");
        app.MapPost(ApiRoutes.DhtImmutable, PutImmutableAsync).Named("putImmutable", "Stores at most 1000 bytes under their hash");
        app.MapGet(ApiRoutes.DhtImmutableValue, GetImmutableAsync).Named("getImmutable", "The bytes with that hash");
        app.MapPost(ApiRoutes.DhtMutable, PutMutableAsync).Named("putMutable", "Stores at most 1000 bytes under a public key, signed");
        app.MapGet(ApiRoutes.DhtMutableValue, GetMutableAsync).Named("getMutable", "The newest value under a public key");
        app.MapGet(ApiRoutes.DhtPeer, FindPeerAsync).Named("findPeer", "Where a listening peer can be reached through");
        app.MapPost(ApiRoutes.DhtConnect, ConnectAsync).Named("connectPeer", "Connects to a peer by its key");
        app.MapPost(ApiRoutes.DhtListen, ListenAsync).Named("listenDht", "Lets peers connect by the node's public key");
        app.MapPost(ApiRoutes.DhtReady, ReadyAsync).Named("awaitDht", "Waits until the node has met its network");
        app.MapPost(ApiRoutes.DhtPing, PingAsync).Named("pingDht", "Asks one node whether it is there");
    }

    private static async Task<Ok<DhtStatusDto>> InfoAsync(DaemonNode node, CancellationToken cancellationToken) =>
        TypedResults.Ok(Dto.Of(await node.Node.Dht.GetInfoAsync(cancellationToken)));

    private static Task LookupAsync(string target, HttpContext context, DaemonNode node, DaemonLimits limits)
    {
        DiscoveryKey topic = DiscoveryKey.Parse(target);
        IDht dht = node.Node.Dht;
        return EventStream.RunAsync(context, node, limits, async (stream, token) =>
        {
            int count = 0;
            await foreach (DhtPeer peer in dht.LookupAsync(topic, token))
            {
                await stream.SendAsync("peer", Dto.Of(peer), ApiJson.Default.DhtPeerDto, null, token);
                if (++count == MaxPeers)
                {
                    return;
                }
            }
        });
    }

    private static async Task<Ok<AnnounceResult>> AnnounceAsync(string target, DaemonNode node, CancellationToken cancellationToken) =>
        TypedResults.Ok(new AnnounceResult(await node.Node.Dht.AnnounceAsync(DiscoveryKey.Parse(target), cancellationToken)));

    private static async Task<NoContent> UnannounceAsync(string target, DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Node.Dht.UnannounceAsync(DiscoveryKey.Parse(target), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<PutResult>> PutImmutableAsync(
        PutImmutableRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        DhtPut put = await node.Node.Dht.PutImmutableAsync(Value(request.Base64, request.Text), cancellationToken);
        return TypedResults.Ok(new PutResult(put.Key.ToString(), put.Nodes));
    }

    private static async Task<Ok<DhtValueDto>> GetImmutableAsync(string hash, DaemonNode node, CancellationToken cancellationToken)
    {
        var key = new Hash(DiscoveryKey.Parse(hash).AsSpan());
        return await node.Node.Dht.GetImmutableAsync(key, cancellationToken) is { } value
            ? TypedResults.Ok(new DhtValueDto(value))
            : throw new ApiException(ApiCodes.NotFound, "no node that was asked has a value with that hash");
    }

    private static async Task<Ok<PutResult>> PutMutableAsync(
        PutMutableRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> value = Value(request.Base64, request.Text);
        using KeyPair keys = Keys(request);
        DhtPut put = await node.Node.Dht.PutMutableAsync(keys, value, request.Sequence, cancellationToken);
        return TypedResults.Ok(new PutResult(keys.PublicKey.ToString(), put.Nodes));
    }

    private static async Task<Ok<DhtValueDto>> GetMutableAsync(
        string key, DaemonNode node, CancellationToken cancellationToken, ulong minSequence = 0)
    {
        DhtMutable? value = await node.Node.Dht.GetMutableAsync(PublicKey.Parse(key), minSequence, cancellationToken);
        return value is not null
            ? TypedResults.Ok(new DhtValueDto(value.Value, value.Sequence, value.From.ToString()))
            : throw new ApiException(ApiCodes.NotFound, "no node that was asked has a value under that key");
    }

    private static async Task<Ok<DhtPeerDto>> FindPeerAsync(string key, DaemonNode node, CancellationToken cancellationToken)
    {
        DhtPeer? peer = await node.Node.Dht.FindPeerAsync(PublicKey.Parse(key), cancellationToken);
        return peer is not null
            ? TypedResults.Ok(Dto.Of(peer))
            : throw new ApiException(ApiCodes.NotFound, "nobody knows where that peer is");
    }

    private static async Task<Ok<PeerDto>> ConnectAsync(string key, DaemonNode node, CancellationToken cancellationToken) =>
        TypedResults.Ok(Dto.Of(await node.Node.Dht.ConnectAsync(PublicKey.Parse(key), cancellationToken)));

    private static async Task<NoContent> ListenAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Node.Dht.ListenAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> ReadyAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Node.Dht.WaitUntilReadyAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<PingResult>> PingAsync(PingRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        if (!IPEndPoint.TryParse(request.Address, out IPEndPoint? address) || address.Port == 0)
        {
            throw ApiException.BadRequest("an address looks like 192.0.2.7:49737");
        }

        TimeSpan? took = await node.Node.Dht.PingAsync(address, cancellationToken);
        return TypedResults.Ok(new PingResult(took?.TotalMilliseconds));
    }

    private static ReadOnlyMemory<byte> Value(string? base64, string? text) => (base64, text) switch
    {
        ({ } bytes, null) => Convert.FromBase64String(bytes),
        (null, { } words) => Encoding.UTF8.GetBytes(words),
        _ => throw ApiException.BadRequest("give base64 or text, one of the two"),
    };

    private static KeyPair Keys(PutMutableRequest request)
    {
        if ((request.Seed is null) == (request.SecretKey is null))
        {
            throw ApiException.BadRequest("give a seed or a secret key, one of the two");
        }

        byte[] secret = Convert.FromBase64String(request.Seed ?? request.SecretKey!);
        try
        {
            int size = request.Seed is null ? SecretKey.Size : KeyPair.SeedSize;
            return secret.Length != size ? throw ApiException.BadRequest($"that has {secret.Length} bytes, not {size}")
                : request.Seed is null ? new KeyPair(new SecretKey(secret))
                : KeyPair.FromSeed(secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
