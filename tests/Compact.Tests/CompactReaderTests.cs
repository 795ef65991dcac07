namespace HyperActors.Compact.Tests;

public class CompactReaderTests
{
    [Fact]
    public void A_failed_reader_stays_failed_and_gives_nothing()
    {
        var reader = new CompactReader([0xfd, 0x01]);
        Assert.Equal(0UL, reader.ReadUInt());

        Assert.False(reader.Succeeded);
        Assert.True(reader.IsAtEnd);
        Assert.True(reader.Remaining.IsEmpty);
        Assert.Equal(0UL, reader.ReadUInt());
        Assert.Equal(0, reader.ReadUInt8());
        Assert.Equal(0L, reader.ReadInt());
        Assert.False(reader.ReadBool());
        Assert.Equal(string.Empty, reader.ReadString());
        Assert.True(reader.ReadBuffer().IsEmpty);
        Assert.True(reader.ReadFixed(0).IsEmpty);
        Assert.True(reader.ReadRest().IsEmpty);
        Assert.Equal(0, reader.ReadCount(5));
        Assert.False(reader.Succeeded);
    }

    [Fact]
    public void A_count_above_its_bound_fails_before_it_sizes_anything()
    {
        var reader = new CompactReader([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x00]);
        Assert.Equal(0, reader.ReadCount(1000));
        Assert.False(reader.Succeeded);

        reader = new CompactReader([5]);
        Assert.Equal(5, reader.ReadCount(5));
        Assert.True(reader.Succeeded);

        reader = new CompactReader([6]);
        Assert.Equal(0, reader.ReadCount(5));
        Assert.False(reader.Succeeded);
    }

    [Fact]
    public void A_buffer_is_lent_from_the_input_and_not_copied()
    {
        byte[] input = [2, 10, 20, 30];
        var reader = new CompactReader(input);
        Assert.True(reader.ReadBuffer() == input.AsSpan(1, 2));
        Assert.Equal(3, reader.Consumed);
        Assert.Equal([30], reader.ReadRest().ToArray());
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Bytes_that_are_left_over_do_not_fail_the_reader()
    {
        var reader = new CompactReader([7, 1, 2, 3]);
        Assert.Equal(7UL, reader.ReadUInt());
        Assert.True(reader.Succeeded);
        Assert.False(reader.IsAtEnd);
        Assert.Equal([1, 2, 3], reader.Remaining.ToArray());
    }

    [Fact]
    public void Text_beyond_its_bound_or_not_UTF8_fails()
    {
        var reader = new CompactReader([3, (byte)'a', (byte)'b', (byte)'c']);
        Assert.Equal(string.Empty, reader.ReadString(maxBytes: 2));
        Assert.False(reader.Succeeded);

        reader = new CompactReader([2, 0xc3, 0x28]);
        Assert.Equal(string.Empty, reader.ReadString());
        Assert.False(reader.Succeeded);
    }

    [Fact]
    public void A_length_that_is_negative_as_an_int_fails()
    {
        var reader = new CompactReader([0xfe, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
        Assert.True(reader.ReadBuffer().IsEmpty);
        Assert.False(reader.Succeeded);

        reader = new CompactReader([1, 2, 3]);
        Assert.True(reader.ReadFixed(-1).IsEmpty);
        Assert.False(reader.Succeeded);
    }

    [Fact]
    public void The_owner_can_fail_a_reader()
    {
        var reader = new CompactReader([1]);
        reader.Fail();
        Assert.False(reader.Succeeded);
        Assert.Equal(0UL, reader.ReadUInt());
    }
}
