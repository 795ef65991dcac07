namespace HyperActors.Wire.Tests;

public class MessageBatchWriterTests
{
    [Fact]
    public void Nothing_written_is_no_batch() => Assert.Null(new MessageBatchWriter().Build());

    [Fact]
    public void A_batch_can_be_read_back_by_whoever_built_it()
    {
        using var writer = new MessageBatchWriter();
        writer.Write(1, "one"u8);
        writer.Write(300, default);
        Assert.Equal(2, writer.Count);
        using MessageBatch batch = writer.Build()!;
        Assert.Equal(2, batch.Count);
        Assert.Equal(0, writer.Count);
        Assert.Equal(["1 6f6e65", "300 "], Lines(batch), StringComparer.Ordinal);
    }

    [Fact]
    public void Many_small_messages_are_packed_into_frames_of_the_target_size()
    {
        using var writer = new MessageBatchWriter(frameSize: 4096);
        for (int i = 0; i < 1000; i++)
        {
            writer.Write(0, new byte[40]);
        }

        using MessageBatch batch = writer.Build()!;
        Assert.Equal(1000, batch.Count);
        Assert.Equal((int)Math.Ceiling(1000 * 42 / 4066.0), batch.Runs);
    }

    [Fact]
    public void A_message_larger_than_a_frame_has_one_of_its_own()
    {
        using var writer = new MessageBatchWriter(frameSize: 4096);
        writer.Write(0, new byte[10]);
        writer.Write(0, new byte[100_000]);
        writer.Write(0, new byte[10]);
        using MessageBatch batch = writer.Build()!;
        Assert.Equal(3, batch.Runs);
        Assert.Equal(3, batch.Count);
    }

    [Fact]
    public void The_memory_of_a_batch_is_not_touched_after_it_is_disposed()
    {
        using var writer = new MessageBatchWriter();
        writer.Write(1, "one"u8);
        MessageBatch batch = writer.Build()!;
        batch.Dispose();
        batch.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batch.GetEnumerator());
    }

    private static List<string> Lines(MessageBatch batch)
    {
        var lines = new List<string>();
        foreach (Message message in batch)
        {
            lines.Add($"{message.Type} {WireText.Of(message.Payload.Span)}");
        }

        return lines;
    }
}
