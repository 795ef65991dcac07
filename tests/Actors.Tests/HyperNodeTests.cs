using System.Net;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Storage;

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
    public async Task Bytes_that_are_not_the_feeds_are_never_shown_for_it()
    {
        await using (HyperNode node = await StartAsync("one"))
        {
            await using Feed feed = await node.OpenFeedAsync("notes", Deadline);
            await feed.AppendAsync(["hello"u8.ToArray(), "world"u8.ToArray()], Deadline);
        }

        string data = Assert.Single(Directory.GetFiles(Path.Combine(_folder, "one"), "data", SearchOption.AllDirectories));
        await File.WriteAllTextAsync(data, "helloWORLD", Deadline);
        await using (HyperNode node = await StartAsync("one"))
        {
            await using Feed feed = await node.OpenFeedAsync("notes", Deadline);
            Assert.Equal("hello"u8.ToArray(), (await feed.GetAsync(0, Deadline)).Bytes.ToArray());
            FeedFailedException refused = await Assert.ThrowsAsync<FeedFailedException>(async () => await feed.GetAsync(1, Deadline));
            Assert.Contains("file data holds bytes that are not the feed's", refused.Message, StringComparison.Ordinal);
        }
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

    [Fact]
    public async Task A_damaged_catalog_is_put_aside_and_written_again()
    {
        await using (HyperNode node = await StartAsync("one"))
        {
            await using Feed feed = await node.OpenFeedAsync("notes", Deadline);
        }

        string catalog = Path.Combine(_folder, "one", "catalog.db");
        await File.WriteAllTextAsync(catalog, new string('x', 5000));

        await using (HyperNode node = await StartAsync("one"))
        {
            Assert.Equal("notes", Assert.Single(await node.ListFeedsAsync(Deadline)).Name);
        }

        Assert.True(File.Exists(catalog + ".damaged-1"));
    }

    [Theory]
    [InlineData("oplog", 4000)]
    [InlineData("oplog", 0)]
    [InlineData("tree", 10)]
    [InlineData("data", 1)]
    public async Task A_feed_with_a_file_cut_short_is_refused_by_name_and_the_others_are_well(string file, long length)
    {
        DiscoveryKey damaged;
        await using (HyperNode node = await StartAsync("one"))
        {
            foreach (string name in (string[])["notes", "other"])
            {
                await using Feed feed = await node.OpenFeedAsync(name, Deadline);
                await feed.AppendAsync([new byte[100], new byte[100], new byte[100]], Deadline);
            }

            await using Feed notes = await node.OpenFeedAsync("notes", Deadline);
            damaged = notes.DiscoveryKey;
        }

        // A feed that is opened with entries in its oplog writes them out: the tree is on disk afterwards.
        await CheckpointAsync(damaged);
        string hex = damaged.ToHex();
        string path = Path.Combine(_folder, "one", "store", "cores", hex[..2], hex[2..4], hex, file);
        using (FileStream stream = File.OpenWrite(path))
        {
            stream.SetLength(length);
        }

        await using (HyperNode node = await StartAsync("one"))
        {
            FeedFailedException refused =
                await Assert.ThrowsAsync<FeedFailedException>(async () => await node.OpenFeedAsync("notes", Deadline));
            Assert.Contains($"file {file}", refused.Message, StringComparison.Ordinal);
            await using Feed other = await node.OpenFeedAsync("other", Deadline);
            Assert.Equal(3ul, other.Length);
            IReadOnlyList<FeedInfo> listed = await node.ListFeedsAsync(Deadline);
            Assert.Equal(["notes", "other"], listed.Select(f => f.Name));
            Assert.Equal(damaged, listed[0].DiscoveryKey);
            Assert.Contains($"file {file}", listed[0].Damage, StringComparison.Ordinal);
            Assert.Null(listed[1].Damage);
        }
    }

    [Fact]
    public async Task A_feed_is_found_by_its_key_and_one_that_is_not_here_is_not_made()
    {
        await using HyperNode node = await StartAsync("one");
        FeedKey key;
        await using (Feed feed = await node.OpenFeedAsync("notes", Deadline))
        {
            key = feed.Key;
        }

        await using Feed? found = await node.FindFeedAsync(key, Deadline);
        Assert.NotNull(found);
        Assert.True(found.IsWritable);
        using KeyPair other = KeyPair.Generate(RandomSource.System);
        Assert.Null(await node.FindFeedAsync(new FeedKey(other.PublicKey.AsSpan()), Deadline));
        Assert.Single(await node.ListFeedsAsync(Deadline));
    }

    private async Task CheckpointAsync(DiscoveryKey discoveryKey)
    {
        using FileStoreDisk disk = FileStoreDisk.Open(Path.Combine(_folder, "one"));
        using IDevice device = disk.OpenFeed(discoveryKey);
        using var log = new FeedLog(new FeedIdentity { DiscoveryKey = discoveryKey }, new FeedOptions());
        var answers = Channel.CreateUnbounded<(IoRequest Request, IoResult Result)>();
        log.Open();
        for (bool isDone = false; !isDone;)
        {
            while (log.TryPollIo(out IoRequest? request))
            {
                if (device.Execute(request, (r, result) => answers.Writer.TryWrite((r, result)), out IoResult result))
                {
                    log.HandleIo(request, result, default);
                }
                else
                {
                    (IoRequest late, IoResult answer) = await answers.Reader.ReadAsync(Deadline);
                    log.HandleIo(late, answer, default);
                }
            }

            while (log.TryPollEvent(out FeedLogEvent? e))
            {
                Assert.IsNotType<FeedLogEvent.Failed>(e);
                isDone |= e is FeedLogEvent.Checkpointed;
                if (e is FeedLogEvent.Opened)
                {
                    log.Checkpoint(1);
                }
            }
        }
    }

    private Task<HyperNode> StartAsync(string name) =>
        HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(_folder, name) }, Deadline);
}
