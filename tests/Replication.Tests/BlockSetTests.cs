using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

public sealed class BlockSetTests
{
    [Fact]
    public void A_set_agrees_with_a_plain_one_whatever_is_done_to_it() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            var set = new BlockSet();
            var model = new SortedSet<ulong>();
            for (int step = 0; step < 60; step++)
            {
                Change(random, set, model);
                ulong from = random.NextUInt64(200_000);
                Assert.Equal((ulong)model.Count, set.Count);
                Assert.Equal(model.Contains(from), set.Contains(from));
                Assert.Equal(FirstOrNone(model.GetViewBetween(from, ulong.MaxValue)), set.NextSet(from));
                Assert.Equal(model.Count == 0 || model.Min > from ? BlockSet.None : model.GetViewBetween(0, from).Max, set.PreviousSet(from));
                ulong clear = from;
                while (model.Contains(clear))
                {
                    clear++;
                }

                Assert.Equal(clear, set.NextClear(from));
                ulong end = from + random.NextUInt64(70_000);
                Assert.Equal((ulong)model.Count(index => index >= from && index < end), set.CountRange(from, end));
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

    private static void Change(RandomSource random, BlockSet set, SortedSet<ulong> model)
    {
        ulong index = random.NextUInt64(200_000);
        ulong length = random.NextUInt64(70_000);
        switch (random.NextInt32(5))
        {
            case 0:
                Assert.Equal(model.Add(index), set.Add(index));
                break;
            case 1:
                Assert.Equal(model.Remove(index), set.Remove(index));
                break;
            case 2:
                set.AddRange(index, length);
                for (ulong i = index; i < index + length; i++)
                {
                    model.Add(i);
                }

                break;
            case 3:
                set.RemoveRange(index, length);
                model.RemoveWhere(i => i >= index && i < index + length);
                break;
            default:
                ulong start = index & ~31UL;
                var words = new byte[4 * random.NextInt32(64)];
                random.Fill(words);
                set.ReplaceWords(start, words);
                for (int bit = 0; bit < words.Length * 8; bit++)
                {
                    if ((words[bit / 8] >> (bit % 8) & 1) != 0)
                    {
                        model.Add(start + (ulong)bit);
                    }
                    else
                    {
                        model.Remove(start + (ulong)bit);
                    }
                }

                break;
        }
    }

    private static ulong FirstOrNone(SortedSet<ulong> view) => view.Count == 0 ? BlockSet.None : view.Min;
}
