using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

public class BlockBitfieldLaws
{
    private const ulong Far = (1UL << 52) - 200_000;

    [Fact]
    public void A_bitfield_and_a_set_of_numbers_agree() => Check.That<ulong[], ulong, ulong>((changes, from, length) =>
    {
        var bits = new BlockBitfield();
        var model = new SortedSet<ulong>();
        foreach (ulong change in changes)
        {
            ulong start = At(change);
            ulong count = (change >> 20) % 3 == 0 ? 70_000 : (change >> 20) % 100;
            bool value = (change >> 32) % 3 != 0;
            bits.Set(start, count, value);
            for (ulong block = start; block < start + count; block++)
            {
                _ = value ? model.Add(block) : model.Remove(block);
            }
        }

        ulong first = At(from);
        ulong end = first + (length % 150_000);
        SortedSet<ulong> behind = model.GetViewBetween(first, ulong.MaxValue);
        ulong unset = first;
        while (model.Contains(unset))
        {
            unset++;
        }

        return bits.Count(first, end) == (ulong)model.GetViewBetween(first, Math.Max(first, end - 1)).Count(block => block < end)
            && bits.FirstSet(first) == (behind.Count == 0 ? null : behind.Min)
            && bits.FirstUnset(first) == unset
            && bits[first] == model.Contains(first);
    });

    [Fact]
    public void A_range_costs_what_is_held_of_it_and_not_what_it_spans()
    {
        var bits = new BlockBitfield();
        bits.Set(5, 10, true);
        bits.Set(Far, 3, true);

        // Each of these would take hours if it went from page to page.
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(13ul, bits.Count(0, 1UL << 52));
            Assert.Equal(Far, bits.FirstSet(15));
            Assert.Equal(15ul, bits.FirstUnset(5));
            Assert.Equal(Far + 3, bits.FirstUnset(Far));
        }

        bits.Set(6, (1UL << 52) - 6, false);
        Assert.Equal(1ul, bits.Count(0, ulong.MaxValue));
        Assert.Null(bits.FirstSet(6));
    }

    /// <summary>Near the start, or so far that nobody gets there step by step.</summary>
    private static ulong At(ulong number) => (number & 1) == 0 ? (number >> 1) % 100_000 : Far + ((number >> 1) % 100_000);
}
