namespace HyperActors.Kernel.Tests;

public sealed class ClockTests
{
    private sealed class Item(Action<Item> fire) : ScheduledItem
    {
        public override void Fire() => fire(this);
    }

    [Fact]
    public void The_heap_gives_items_by_time_and_then_by_order_of_arming()
    {
        var chance = new Chance(7);
        var heap = new TimerHeap();
        var expected = new List<(TimeSpan Due, int Number, Item Item)>();
        for (int i = 0; i < 5000; i++)
        {
            var item = new Item(_ => { });
            TimeSpan due = TimeSpan.FromTicks(chance.Next(500));
            heap.Put(item, due);
            expected.Add((due, i, item));
            if (chance.Next(3) == 0)
            {
                int victim = chance.Next(expected.Count);
                Assert.True(heap.Remove(expected[victim].Item));
                Assert.False(heap.Remove(expected[victim].Item));
                expected.RemoveAt(victim);
            }
        }

        foreach ((_, _, Item item) in expected.OrderBy(e => e.Due).ThenBy(e => e.Number))
        {
            Assert.Same(item, heap.First);
            heap.Remove(item);
        }

        Assert.Equal(0, heap.Count);
    }

    [Fact]
    public void A_hundred_thousand_timers_are_armed_and_called_off()
    {
        var clock = new VirtualClock();
        Item[] items = [.. Enumerable.Range(0, 100_000).Select(_ => new Item(_ => { }))];
        var chance = new Chance(1);
        foreach (Item item in items)
        {
            clock.Arm(item, TimeSpan.FromMilliseconds(chance.Next(60_000)));
        }

        foreach (Item item in items)
        {
            clock.Disarm(item);
        }

        Assert.Null(clock.NextDue);
    }

    [Fact]
    public void The_real_clock_is_never_early_and_fires_in_order()
    {
        var clock = new RealClock();
        var fired = new List<(int Number, TimeSpan Late)>();
        using var done = new CountdownEvent(20);
        TimeSpan start = clock.Elapsed;
        for (int i = 19; i >= 0; i--)
        {
            int number = i;
            TimeSpan due = start + TimeSpan.FromMilliseconds(500 + i);
            clock.Arm(
                new Item(_ =>
                {
                    fired.Add((number, clock.Elapsed - due));
                    done.Signal();
                }),
                due);
        }

        Assert.True(done.Wait(TimeSpan.FromSeconds(30)));
        clock.Stop();
        Assert.Equal(Enumerable.Range(0, 20), fired.Select(f => f.Number));
        Assert.All(fired, f => Assert.True(f.Late >= TimeSpan.Zero));
    }

    [Fact]
    public void The_real_clock_wakes_for_nothing_but_what_is_due()
    {
        var clock = new RealClock();
        Item[] far = [.. Enumerable.Range(0, 1000).Select(_ => new Item(_ => { }))];
        foreach (Item item in far)
        {
            clock.Arm(item, clock.Elapsed + TimeSpan.FromHours(1));
        }

        using var done = new ManualResetEventSlim();
        clock.Arm(new Item(_ => done.Set()), clock.Elapsed + TimeSpan.FromMilliseconds(300));
        Assert.True(done.Wait(TimeSpan.FromSeconds(30)));
        Array.ForEach(far, clock.Disarm);

        // One to look at what is sooner, one for what is due, and a little for timers of the system that end early.
        Assert.InRange(clock.Wakes, 0, 10);
        clock.Stop();
    }

    [Fact]
    public void What_is_called_off_never_fires_even_if_it_arms_itself_again()
    {
        var clock = new VirtualClock();
        int fired = 0;
        var item = new Item(self =>
        {
            fired++;
            clock.Disarm(self);
            clock.Arm(self, clock.Elapsed + TimeSpan.FromSeconds(1));
        });
        clock.Arm(item, TimeSpan.FromSeconds(1));
        clock.MoveTo(TimeSpan.FromSeconds(1));
        Assert.True(clock.FireNext());
        clock.MoveTo(TimeSpan.FromSeconds(9));
        Assert.False(clock.FireNext());
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_scheduled_action_that_throws_is_reported_and_stops_nothing()
    {
        using DeterministicSystem run = DeterministicSystem.Create(1);
        int after = 0;
        run.System.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromSeconds(1), () => throw new InvalidOperationException());
        run.System.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromSeconds(2), () => after++);
        run.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(1, after);
    }
}
