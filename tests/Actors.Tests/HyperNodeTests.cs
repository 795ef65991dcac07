using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Actors.Tests;

/// <summary>A node as its user sees it: real files, real sockets on loopback.</summary>
public sealed class HyperNodeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-node-").FullName;

    private static CancellationToken Deadline => new CancellationTokenSource(Patience).Token;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_is_appended_is_read_again_and_still_there_after_a_restart()
    {
        await using (HyperNode node = await StartAsync("one"))
        {
            await using Feed feed = await node.OpenFeedAsync("notes", Deadline);
            Assert.Equal(1ul, await feed.AppendAsync("hello"u8.ToArray(), Deadline));
            Assert.Equal(3ul, await feed.AppendAsync(["wor"u8.ToArray(), "ld"u8.ToArray()], Deadline));
            Assert.Equal(3ul, feed.Length);
            Assert.Equal(10ul, feed.ByteLength);
            Assert.True(feed.IsWritable);
        }

        await using (HyperNode node = await StartAsync("one"))
        {
            await using Feed? feed = await node.FindFeedAsync("notes", Deadline);
            Assert.NotNull(feed);
            Assert.Equal(3ul, feed.Length);
            Assert.Equal("ld"u8.ToArray(), (await feed.GetAsync(2, Deadline)).Bytes.ToArray());
            Assert.Null(await node.FindFeedAsync("other", Deadline));
            FeedInfo info = Assert.Single(await node.ListFeedsAsync(Deadline));
            Assert.Equal("notes", info.Name);
            Assert.Equal(feed.Key, info.Key);
        }
    }

    [Fact]
    public async Task A_feed_is_copied_to_another_node_and_follows_its_writer()
    {
        await using HyperNode writer = await StartAsync("writer");
        await using HyperNode reader = await StartAsync("reader");
        await using Feed feed = await writer.OpenFeedAsync("notes", Deadline);
        ReadOnlyMemory<byte>[] blocks = [.. Enumerable.Range(0, 1000).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i))];
        await feed.AppendAsync(blocks, Deadline);
        IPEndPoint address = await writer.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0), Deadline);

        PeerInfo peer = await reader.ConnectTcpAsync("127.0.0.1", address.Port, Deadline);
        Assert.Equal(writer.PublicKey, peer.PublicKey);
        await using Feed copy = await reader.OpenFeedAsync(feed.Key, Deadline);
        await copy.DownloadAsync(0, 1000, null, Deadline);
        Assert.Equal(1000ul, copy.ContiguousLength);
        Assert.False(copy.IsWritable);

        await feed.AppendAsync("later"u8.ToArray(), Deadline);
        Assert.Equal("later"u8.ToArray(), (await copy.GetAsync(1000, Deadline)).Bytes.ToArray());
    }

    [Fact]
    public async Task A_feed_that_is_not_ours_refuses_appends()
    {
        await using HyperNode node = await StartAsync("one");
        using KeyPair keys = KeyPair.Generate(RandomSource.System);
        await using Feed feed = await node.OpenFeedAsync(new FeedKey(keys.PublicKey.AsSpan()), Deadline);

        await Assert.ThrowsAsync<FeedNotWritableException>(async () => await feed.AppendAsync("x"u8.ToArray(), Deadline));
        await Assert.ThrowsAsync<FeedNotWritableException>(async () => await feed.TruncateAsync(0, Deadline));
        Assert.Null(await feed.TryGetAsync(0, Deadline));
    }

    [Fact]
    public async Task A_storage_in_use_is_refused_and_the_message_says_by_whom()
    {
        await using HyperNode node = await StartAsync("one");

        StoreLockedException refused = await Assert.ThrowsAsync<StoreLockedException>(() => StartAsync("one"));

        Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_waiting_read_ends_with_its_token_and_leaves_the_feed_usable()
    {
        await using HyperNode node = await StartAsync("one");
        await using Feed feed = await node.OpenFeedAsync("notes", Deadline);
        using var cancel = new CancellationTokenSource();
        Task<Block> read = feed.GetAsync(0, cancel.Token).AsTask();
        Assert.False(read.IsCompleted);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await feed.AppendAsync("x"u8.ToArray(), Deadline);
        Assert.Equal("x"u8.ToArray(), (await feed.GetAsync(0, Deadline)).Bytes.ToArray());
    }

    [Fact]
    public async Task A_lost_catalog_is_written_again_from_the_directories()
    {
        FeedKey key;
        await using (HyperNode node = await StartAsync("one"))
        {
            await using Feed feed = await node.OpenFeedAsync("notes", Deadline);
            key = feed.Key;
        }

        foreach (string file in Directory.GetFiles(Path.Combine(_folder, "one"), "catalog.db*"))
        {
            File.Delete(file);
        }

        await using (HyperNode node = await StartAsync("one"))
        {
            FeedInfo info = Assert.Single(await node.ListFeedsAsync(Deadline));
            Assert.Equal("notes", info.Name);
            Assert.Equal(key, info.Key);
            Assert.True(info.IsWritable);
        }
    }

    private Task<HyperNode> StartAsync(string name) =>
        HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(_folder, name) }, Deadline);
}
