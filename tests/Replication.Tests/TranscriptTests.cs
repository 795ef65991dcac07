using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

/// <summary>What two live hypercores said to each other, with this replicator in the place of either: <c>tests/vectors/replication-transcript.mjs</c>.</summary>
public sealed class TranscriptTests
{
    private static readonly JsonElement File = Vectors.Load("replication-transcript.json");

    [Fact]
    public void The_writer_says_what_a_JavaScript_writer_says()
    {
        var writer = new Side(MemoryFeed.Writer().Append("hello", "world", "!"));
        Assert.Equal(File.Text("key"), writer.Feed.Key.ToHex());
        writer.Replicator.SetDownloading(true, default);
        foreach (JsonElement phase in File.Items("phases"))
        {
            Act(writer, phase.Text("name"));
            foreach (string message in Of(phase, 'B'))
            {
                writer.Receive(message);
            }

            Assert.Equal(string.Join('\n', Of(phase, 'A')), string.Join('\n', Sent(writer)));
        }
    }

    [Fact]
    public void The_reader_says_what_a_JavaScript_reader_says()
    {
        var reader = new Side(MemoryFeed.Reader(MemoryFeed.Writer().Key));
        reader.Replicator.SetDownloading(true, default);
        reader.Open();
        foreach (JsonElement phase in File.Items("phases"))
        {
            string name = phase.Text("name");
            Ask(reader, name);
            List<string> said = [.. Sent(reader)];

            // The block that JavaScript asks for when the first has come is asked for at once here, under the next id. Its
            // answer comes first, so that the ids in use afterwards are the same again.
            string[] heard = Of(phase, 'A');
            foreach (string message in name is "download" ? ["030102" + heard[1][6..], heard[0]] : heard)
            {
                reader.Receive(message);
                said.AddRange(Sent(reader));
            }

            Assert.Equal(string.Join('\n', Expected(phase)), string.Join('\n', said));
        }

        Assert.Equal(5u, reader.Feed.Head.Length);
        Assert.Equal("seven", System.Text.Encoding.UTF8.GetString(reader.Feed.Blocks[4]));
    }

    private static void Act(Side writer, string phase)
    {
        switch (phase)
        {
            case "open":
                writer.Open();
                break;
            case "append":
                writer.Feed.Append("four");
                writer.Replicator.HandleAppended(writer.Feed.State, writer.Now);
                break;
            case "truncate":
                writer.Feed.Truncate(2);
                writer.Replicator.HandleTruncated(writer.Feed.State, 2, writer.Now);
                break;
            case "clear":
                writer.Feed.Clear(0);
                writer.Replicator.HandleCleared(0, 1, writer.Now);
                break;
            case "append again":
                writer.Feed.Append("five", "six", "seven");
                writer.Replicator.HandleAppended(writer.Feed.State, writer.Now);
                break;
        }

        writer.Drain();
    }

    private static void Ask(Side reader, string phase)
    {
        switch (phase)
        {
            case "get 1":
                reader.Replicator.Get(1, 1, reader.Now);
                break;
            case "download":
                reader.Replicator.Download(2, 0, 3, reader.Now);
                break;
            case "get 4":
                reader.Replicator.Get(3, 4, reader.Now);
                break;
        }

        reader.Drain();
    }

    private static string[] Expected(JsonElement phase)
    {
        string[] said = Of(phase, 'B');
        return phase.Text("name") switch
        {
            // The manifest and the tree are stored as one here, so that there is one sync for both.
            "open" => [.. said.Where(message => message is not "000e000003")],
            "download" => [said[0], "010102" + said[1][6..], said[2]],
            _ => said,
        };
    }

    private static string[] Of(JsonElement phase, char side) =>
        [.. phase.Items("messages").Select(m => m.GetString()!).Where(m => m[0] == side).Select(m => m[2..])];

    private static string[] Sent(Side side) =>
        [.. side.TakeFrames().Select(frame => frame.Replace(" ", string.Empty, StringComparison.Ordinal))];
}
