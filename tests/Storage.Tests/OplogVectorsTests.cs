using System.Text;
using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

/// <summary>What hypercore 10 has on disk after each of some steps is what we have, and what we open.</summary>
public class OplogVectorsTests
{
    private static readonly JsonElement[] Feeds = [.. Vectors.Load("oplog.json").EnumerateArray()];

    public static TheoryData<string> Names => [.. Feeds.Select(feed => feed.Text("name"))];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_steps_leave_the_same_bytes(string name)
    {
        JsonElement vector = Feeds.Single(feed => feed.Text("name") == name);
        var key = new FeedKey(vector.Hex("key"));
        var device = new MemoryDevice();

        // Our checkpoints come when JavaScript's did: its oplog has no entries then.
        var options = new FeedOptions { MaxOplogBytes = 1 << 28 };
        using var feed = new FeedHarness(device, new FeedIdentity { Key = key, KeyPair = FeedHarness.Pair() }, options);
        foreach (JsonElement state in vector.Items("states"))
        {
            Step(feed, state);
            if (state.GetProperty("files").GetProperty("oplog").Number("size") == 8192 && state.Text("step") is not "open" and not "truncate")
            {
                feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
            }

            Assert.Equal(state.Text("treeHash"), feed.Log.Head.Hash.ToString());
            foreach (JsonProperty file in state.GetProperty("files").EnumerateObject())
            {
                FeedFile which = Enum.Parse<FeedFile>(file.Name, ignoreCase: true);
                Assert.Equal(file.Value.Text("hex"), Trimmed(device[which]));
                if (which != FeedFile.Data)
                {
                    Assert.Equal(file.Value.Number("size"), (ulong)device[which].Length);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_JavaScript_left_opens_with_all_that_is_in_it(string name)
    {
        JsonElement vector = Feeds.Single(feed => feed.Text("name") == name);
        var key = new FeedKey(vector.Hex("key"));
        var blocks = new List<string>();
        foreach (JsonElement state in vector.Items("states"))
        {
            switch (state.Text("step"))
            {
                case "append":
                    blocks.AddRange(state.Items("argument").Select(b => b.GetString()!));
                    break;
                case "truncate":
                    blocks.RemoveRange(state.GetProperty("argument").GetInt32(), blocks.Count - state.GetProperty("argument").GetInt32());
                    break;
            }

            var device = new MemoryDevice();
            foreach (JsonProperty file in state.GetProperty("files").EnumerateObject())
            {
                FeedFile which = Enum.Parse<FeedFile>(file.Name, ignoreCase: true);
                device.Write(which, 0, file.Value.Hex("hex"));
                device.Truncate(which, (long)file.Value.Number("size"));
            }

            using FeedHarness feed = FeedHarness.Reader(device, key);
            Assert.Null(feed.Failure);
            Assert.Equal(state.Number("length"), feed.Log.Head.Length);
            Assert.Equal(state.Number("byteLength"), feed.Log.Head.ByteLength);
            Assert.Equal(state.Number("fork"), feed.Log.Head.Fork);
            Assert.Equal(state.Text("treeHash"), feed.Log.Head.Hash.ToString());
            Assert.Equal(state.Number("length"), feed.Log.ContiguousLength);
            Assert.True(feed.Log.IsWritable);
            Assert.True(feed.Log.Head.Length == 0
                || FeedSignature.Verify(key, feed.Log.Manifest!, feed.Log.Head, feed.Log.Signature.Span));
            Assert.Equal(blocks, blocks.Select((_, i) => Encoding.UTF8.GetString(feed.Get((ulong)i)!)));
            feed.Append("and on"u8.ToArray());
            Assert.Equal("and on", Encoding.UTF8.GetString(feed.Get((ulong)blocks.Count)!));
        }
    }

    private static void Step(FeedHarness feed, JsonElement state)
    {
        switch (state.Text("step"))
        {
            case "append":
                feed.Append([.. state.Items("argument").Select(b => Encoding.UTF8.GetBytes(b.GetString()!))]);
                break;
            case "truncate":
                feed.Truncate(state.Number("argument"));
                break;
            case "userData":
                string[] pair = [.. state.Items("argument").Select(a => a.GetString()!)];
                feed.Ask<FeedLogEvent.UserDataSet>(id => feed.Log.SetUserData(id, pair[0], Encoding.UTF8.GetBytes(pair[1])));
                break;
        }
    }

    private static string Trimmed(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes.TrimEnd((byte)0));
}
