using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

public sealed class BlockSetTests
{
    private const int Blocks = 5 * BlockSet.PageBits;

    [Fact]
    public void A_set_agrees_with_a_plain_one_whatever_is_done_to_it() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            var set = new BlockSet();
            var model = new bool[Blocks];
            for (int step = 0; step < 60; step++)
            {
                Change(random, set, model);
                int from = random.NextInt32(Blocks / 2);
                int end = from + random.NextInt32(Blocks / 2);
                int next = Array.IndexOf(model, true, from);
                int clear = Array.IndexOf(model, false, from);
                int previous = Array.LastIndexOf(model, true, from);
                Assert.Equal((ulong)model.Count(has => has), set.Count);
                Assert.Equal(model[from], set.Contains((ulong)from));
                Assert.Equal(next < 0 ? BlockSet.None : (ulong)next, set.NextSet((ulong)from));
                Assert.Equal(clear < 0 ? (ulong)Blocks : (ulong)clear, set.NextClear((ulong)from));
                Assert.Equal(previous < 0 ? BlockSet.None : (ulong)previous, set.PreviousSet((ulong)from));
                Assert.Equal(next < 0 || next > end ? BlockSet.None : (ulong)next, set.NextSet((ulong)from, (ulong)end));
                Assert.Equal(previous < from / 2 ? BlockSet.None : (ulong)previous, set.PreviousSet((ulong)from, (ulong)(from / 2)));
                Assert.Equal((ulong)model.AsSpan(from, end - from).Count(true), set.CountRange((ulong)from, (ulong)end));
            }

            return true;
        },
        40);

    [Fact]
    public void Words_come_out_as_they_went_in()
    {
        byte[] words = Enumerable.Range(0, 8192).Select(i => (byte)(i * 7)).ToArray();
        var set = new BlockSet();
        set.ReplaceWords(32, words);
        var copy = new byte[words.Length];
        set.CopyWords(32, copy);

        Assert.Equal(words, copy);
    }

    [Fact]
    public void Words_replace_what_was_there_and_nothing_beside()
    {
        var set = new BlockSet();
        set.AddRange(0, 128);
        set.ReplaceWords(32, [0x02, 0, 0, 0]);

        Assert.Equal(128u - 31, set.Count);
        Assert.True(set.Contains(31));
        Assert.False(set.Contains(32));
        Assert.True(set.Contains(33));
        Assert.True(set.Contains(64));
    }

    [Fact]
    public void A_bounded_set_forgets_what_lies_beyond_its_pages()
    {
        var set = new BlockSet(maxPages: 2);
        set.AddRange(5, 1UL << 53);

        Assert.Equal((2UL * BlockSet.PageBits) - 5, set.Count);
        Assert.False(set.Add(1UL << 40));
        Assert.True(set.Contains(6));
    }

    [Fact]
    public void A_range_that_runs_over_the_end_of_all_numbers_is_cut_there()
    {
        var set = new BlockSet(maxPages: 1);
        set.AddRange(ulong.MaxValue - 3, ulong.MaxValue);

        Assert.Equal(3u, set.Count);
    }

    private static void Change(RandomSource random, BlockSet set, bool[] model)
    {
        int index = random.NextInt32(Blocks / 2);
        int length = random.NextInt32(Blocks / 2);
        switch (random.NextInt32(5))
        {
            case 0:
                Assert.Equal(!model[index], set.Add((ulong)index));
                model[index] = true;
                break;
            case 1:
                Assert.Equal(model[index], set.Remove((ulong)index));
                model[index] = false;
                break;
            case 2:
                set.AddRange((ulong)index, (ulong)length);
                model.AsSpan(index, length).Fill(true);
                break;
            case 3:
                set.RemoveRange((ulong)index, (ulong)length);
                model.AsSpan(index, length).Clear();
                break;
            default:
                int start = index & ~31;
                var words = new byte[4 * random.NextInt32(64)];
                random.Fill(words);
                set.ReplaceWords((ulong)start, words);
                for (int bit = 0; bit < words.Length * 8; bit++)
                {
                    model[start + bit] = (words[bit / 8] >> (bit % 8) & 1) != 0;
                }

                break;
        }
    }
}
