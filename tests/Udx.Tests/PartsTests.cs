using System.Net;
using FsCheck.Fluent;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Udx.Congestion;

namespace HyperActors.Udx.Tests;

/// <summary>The parts of a stream, each against a plain model or by hand.</summary>
public sealed class PartsTests
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("127.0.0.1:80", true)]
    [InlineData("255.255.255.255:65535", true)]
    [InlineData("[2001:db8::1]:443", false)]
    [InlineData("[::]:1", false)]
    public void An_address_survives_its_text_and_the_library_type(string text, bool isIPv4)
    {
        Assert.True(UdxAddress.TryParse(text, out UdxAddress address));
        Assert.Equal(isIPv4, address.IsIPv4);
        Assert.Equal(text, address.ToString());
        Assert.Equal(text, $"{address}");
        Assert.Equal(address, new UdxAddress(IPEndPoint.Parse(text)));
        Span<byte> bytes = stackalloc byte[16];
        address.WriteIPv6(bytes);
        Assert.Equal(address, UdxAddress.FromIPv6(bytes, address.Port));
    }

    [Fact]
    public void A_mapped_address_is_the_address_it_maps()
    {
        Assert.True(UdxAddress.TryParse("[::ffff:10.1.2.3]:7", out UdxAddress mapped));
        Assert.Equal(UdxAddress.FromIPv4(0x0a010203, 7), mapped);
        Assert.Equal("10.1.2.3:7", mapped.ToString());
    }

    [Fact]
    public void Runs_are_what_a_sorted_set_says_they_are() => Check.That(
        Gen.ArrayOf(Gen.Choose(0, 60)), numbers =>
        {
            const uint start = uint.MaxValue - 30;
            var runs = new SequenceRuns(1000);
            SortedSet<int> model = [];
            foreach (int number in numbers)
            {
                if (model.Add(number) && !runs.TryAdd(start + (uint)number))
                {
                    return false;
                }
            }

            var flat = new List<int>();
            for (int i = 0; i < runs.Count; i++)
            {
                for (uint n = runs[i].Start; n != runs[i].End; n++)
                {
                    flat.Add((int)(n - start));
                }

                flat.Add(-1);
            }

            bool areApart = Enumerable.Range(0, Math.Max(0, runs.Count - 1)).All(i => runs[i].End != runs[i + 1].Start);
            return areApart && flat.Where(n => n >= 0).SequenceEqual(model);
        });

    [Fact]
    public void Too_many_runs_take_turns_and_the_highest_are_always_told()
    {
        var runs = new SequenceRuns(200);
        for (uint i = 0; i < 200; i++)
        {
            Assert.True(runs.TryAdd(i * 2));
        }

        Assert.False(runs.TryAdd(1001));
        HashSet<uint> told = [];
        Span<(uint Start, uint End)> report = new (uint, uint)[50];
        for (int i = 0; i < 5; i++)
        {
            int count = runs.Report(report);
            uint last = 0;
            foreach ((uint start, uint end) in report[..count])
            {
                Assert.True(start >= last);
                last = end;
                told.Add(start);
            }

            Assert.Equal(399u, last);
        }

        Assert.Equal(200, told.Count);
    }

    [Fact]
    public void The_send_buffer_gives_back_what_was_written_until_it_is_released() => Check.That(
        Gen.Choose(0, int.MaxValue), seed =>
        {
            RandomSource chance = RandomSource.Seeded((ulong)seed);
            var buffer = new SendBuffer();
            var model = new List<byte>();
            for (int i = 0; i < 60; i++)
            {
                byte[] bytes = new byte[chance.NextInt32(chance.NextInt32(5) == 0 ? 150_000 : 500)];
                chance.Fill(bytes);
                buffer.Write(bytes);
                model.AddRange(bytes);
                if (chance.NextInt32(3) == 0)
                {
                    buffer.Release(buffer.Start + chance.NextInt32((int)(buffer.End - buffer.Start) + 1));
                }

                int length = (int)(buffer.End - buffer.Start);
                int offset = chance.NextInt32(length + 1);
                byte[] copy = new byte[chance.NextInt32(length - offset + 1)];
                buffer.CopyTo(buffer.Start + offset, copy);
                bool isSame = model.GetRange((int)buffer.Start + offset, copy.Length).SequenceEqual(copy);
                if (!isSame || buffer.End != model.Count)
                {
                    return false;
                }
            }

            return true;
        },
        cases: 30);

    [Fact]
    public void The_filter_knows_the_best_of_its_window()
    {
        var filter = new WindowedFilter(0);
        filter.AddMax(10, 1, 10);
        filter.AddMax(5, 4, 10);
        filter.AddMax(3, 9, 10);
        Assert.Equal(10, filter.Best);
        filter.AddMax(2, 12, 10);
        Assert.InRange(filter.Best, 3, 5);
        filter.AddMax(20, 13, 10);
        Assert.Equal(20, filter.Best);
        filter.AddMax(1, 99, 10);
        Assert.Equal(1, filter.Best);
    }

    [Fact]
    public void The_filter_is_never_better_than_the_truth_and_never_older_than_its_window()
    {
        RandomSource chance = RandomSource.Seeded(5);
        var filter = new WindowedFilter(double.MaxValue);
        var samples = new List<(long At, double Value)>();
        for (long at = 0; at < 2000; at += 1 + chance.NextInt32(3))
        {
            double value = 100 + chance.NextInt32(1000);
            samples.Add((at, value));
            filter.AddMin(value, at, 100);
            Assert.Contains(samples, s => s.Value.Equals(filter.Best) && s.At >= at - 100);
            Assert.True(filter.Best >= samples.Where(s => s.At >= at - 100).Min(s => s.Value));
        }
    }

    [Fact]
    public void The_timeout_follows_the_round_trip_and_its_variation()
    {
        var rtt = new RttEstimator(new UdxOptions());
        Assert.Equal(_second, rtt.Timeout);
        rtt.Add(TimeSpan.FromMilliseconds(800), _second);
        Assert.Equal((800, 400, 2400), (rtt.Smoothed.TotalMilliseconds, rtt.Variation.TotalMilliseconds, rtt.Timeout.TotalMilliseconds));
        rtt.Add(TimeSpan.FromMilliseconds(400), _second);
        Assert.Equal((750, 400), (rtt.Smoothed.TotalMilliseconds, rtt.Variation.TotalMilliseconds));
        for (int i = 0; i < 200; i++)
        {
            rtt.Add(TimeSpan.FromMilliseconds(10), _second);
        }

        Assert.Equal(_second, rtt.Timeout);
        Assert.Equal(10, rtt.Min.TotalMilliseconds);
    }

    [Fact]
    public void A_machine_that_slept_does_not_believe_the_round_trip_it_measures()
    {
        var rtt = new RttEstimator(new UdxOptions());
        Assert.Equal(30, rtt.Clamp(TimeSpan.FromMinutes(5)).TotalSeconds);
        rtt.Add(TimeSpan.FromMilliseconds(100), _second);
        Assert.Equal(350, rtt.Clamp(TimeSpan.FromMinutes(5)).TotalMilliseconds);
        Assert.Equal(4.9, rtt.Clamp(TimeSpan.FromSeconds(4.9)).TotalSeconds);
    }

    [Theory]
    [InlineData(1500, 1500, 2)]
    [InlineData(1500, 9000, 2)]
    [InlineData(1380, 1500, 9)]
    [InlineData(1199, 1500, 12)]
    public void The_search_ends_close_below_what_the_path_carries(int path, int route, int maxSteps)
    {
        var mtu = new MtuProbe(new UdxOptions());
        mtu.Reset(route);
        Assert.False(mtu.IsWanted(_second));
        mtu.HandleAck();
        int steps = 0;
        while (mtu.IsWanted(_second))
        {
            int size = mtu.ProbeSize;
            Assert.InRange(size, mtu.Mtu + 1, mtu.Mtu + 255);
            mtu.HandleProbeSent();
            Assert.False(mtu.IsWanted(_second));
            if (size <= path)
            {
                mtu.HandleProbeAcked(size, _second);
            }
            else
            {
                mtu.HandleProbeLost(size, _second);
            }

            Assert.InRange(++steps, 1, 30);
        }

        Assert.InRange(mtu.Mtu, Math.Max(1200, Math.Min(path, 1500) - 31), Math.Max(1200, path));
        Assert.InRange(steps, 1, maxSteps);

        // A path may have been mended: after a while it is tried again.
        Assert.Equal(mtu.Mtu < 1500, mtu.IsWanted(_second + TimeSpan.FromMinutes(11)));
    }

    [Fact]
    public void The_pacer_lets_through_its_rate_and_no_more_than_its_burst()
    {
        var pacer = new Pacer(TimeSpan.FromMilliseconds(2));
        const double rate = 10_000_000;
        TimeSpan now = _second;
        long sent = 0;
        while (now < _second + _second)
        {
            pacer.Refill(now, rate);
            while (pacer.HasTokens)
            {
                pacer.Spend(1500);
                sent += 1500;
            }

            TimeSpan ready = pacer.ReadyAt(now, rate);
            Assert.InRange((ready - now).TotalMilliseconds, 0.0001, 1.2);
            now = ready;
        }

        Assert.InRange(sent, 0.98 * rate, 1.02 * rate);
    }

    [Fact]
    public void Cubic_backs_off_by_its_factor_and_returns_to_where_it_lost()
    {
        var cubic = new Cubic(10, 1000);
        var delay = TimeSpan.FromMilliseconds(50);
        TimeSpan now = _second;
        for (int i = 0; i < 5; i++)
        {
            cubic.HandleAck(Ack(now += delay, acked: cubic.Window, LossPhase.Open, delay));
        }

        int before = cubic.Window;
        Assert.Equal(320, before);
        cubic.HandleAck(Ack(now += delay, 1, LossPhase.Recovery, delay));
        Assert.Equal((int)(before * 0.7), cubic.Window);
        TimeSpan lost = now;
        while (cubic.Window < before)
        {
            int window = cubic.Window;
            cubic.HandleAck(Ack(now += delay, window, LossPhase.Open, delay));
            Assert.InRange(cubic.Window, window, window * 1.5);
        }

        // K = cbrt(0.3 * 320 / 0.4) = 6.2 s.
        Assert.InRange((now - lost).TotalSeconds, 4, 7.5);
        cubic.HandleTimeout(0);
        Assert.Equal(1, cubic.Window);
    }

    private static AckSample Ack(TimeSpan now, int acked, LossPhase phase, TimeSpan roundTrip) => new()
    {
        Now = now,
        Acked = acked,
        Lost = 0,
        InFlight = acked * 2,
        Delivered = 0,
        Phase = phase,
        RoundTrip = roundTrip,
        Rate = default,
        SmoothedRoundTrip = roundTrip,
        PacketSize = 1000,
    };
}
