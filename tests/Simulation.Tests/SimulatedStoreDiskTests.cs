using HyperActors.Crypto;
using HyperActors.Kernel;
using HyperActors.Storage;

namespace HyperActors.Simulation.Tests;

public sealed class SimulatedStoreDiskTests : IDisposable
{
    private static readonly DiscoveryKey s_feed = new(new byte[32]);

    private readonly DeterministicSystem _engine = DeterministicSystem.Create(1);
    private readonly List<IoResult> _answers = [];

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void A_request_is_answered_at_a_later_time()
    {
        SimulatedStoreDisk disk = MakeDisk(new DiskOptions());
        IDevice device = disk.OpenFeed(s_feed);
        Write(device, 1, 2, 3);
        Assert.Empty(_answers);

        _engine.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(3, Assert.Single(_answers).Count);
        Assert.Equal(3, LengthOf(device));
    }

    [Fact]
    public void A_write_that_a_crash_overtakes_is_done_cut_short_or_lost_and_never_answered()
    {
        var lengths = new SortedSet<long>();
        for (ulong seed = 0; seed < 40; seed++)
        {
            SimulatedStoreDisk disk = MakeDisk(new DiskOptions(), seed);
            Write(disk.OpenFeed(s_feed), 1, 2, 3);
            disk.Crash(losesPower: false);
            _engine.Advance(TimeSpan.FromSeconds(1));
            Assert.Empty(_answers);
            lengths.Add(LengthOf(disk.OpenFeed(s_feed)));
        }

        Assert.Equal([0, 1, 2, 3], lengths);
    }

    [Fact]
    public void A_process_that_is_gone_writes_no_more()
    {
        SimulatedStoreDisk disk = MakeDisk(new DiskOptions());
        IDevice device = disk.OpenFeed(s_feed);
        disk.Crash(losesPower: false);
        Write(device, 1, 2, 3);

        _engine.Advance(TimeSpan.FromSeconds(1));

        Assert.Empty(_answers);
        Assert.Equal(0, LengthOf(disk.OpenFeed(s_feed)));
    }

    [Fact]
    public void A_loss_of_power_takes_nothing_that_was_flushed()
    {
        var lengths = new SortedSet<long>();
        for (ulong seed = 0; seed < 40; seed++)
        {
            SimulatedStoreDisk disk = MakeDisk(new DiskOptions { CanLosePower = true }, seed);
            IDevice device = disk.OpenFeed(s_feed);
            Write(device, 1, 2);
            _engine.Advance(TimeSpan.FromSeconds(1));
            Execute(device, new IoRequest { Id = 2, Kind = IoKind.Flush, File = FeedFile.Data });
            _engine.Advance(TimeSpan.FromSeconds(1));
            Execute(device, MakeWrite(2, 3, 4));
            _engine.Advance(TimeSpan.FromSeconds(1));
            disk.Crash(losesPower: true);
            lengths.Add(LengthOf(disk.OpenFeed(s_feed)));
        }

        Assert.Equal([2, 3, 4], lengths);
    }

    [Fact]
    public void A_full_disk_refuses_writes_and_still_reads()
    {
        SimulatedStoreDisk disk = MakeDisk(new DiskOptions());
        IDevice device = disk.OpenFeed(s_feed);
        disk.IsFull = true;
        Write(device, 1);
        _engine.Advance(TimeSpan.FromSeconds(1));

        Assert.IsType<DiskFullException>(Assert.Single(_answers).Error);
        Assert.True(LengthOf(device) <= 1);
    }

    [Fact]
    public void So_many_requests_fail_as_were_told_to()
    {
        SimulatedStoreDisk disk = MakeDisk(new DiskOptions());
        IDevice device = disk.OpenFeed(s_feed);
        disk.FailingRequests = 1;
        Write(device, 1);
        _engine.Advance(TimeSpan.FromSeconds(1));
        Write(device, 1);
        _engine.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([true, false], _answers.Select(a => a.Error is SimulatedDiskException));
    }

    [Fact]
    public void Closing_the_files_waits_for_what_was_begun()
    {
        SimulatedStoreDisk disk = MakeDisk(new DiskOptions());
        IDevice device = disk.OpenFeed(s_feed);
        Write(device, 1, 2, 3);
        device.Dispose();

        Assert.Equal(3, Assert.Single(_answers).Count);
    }

    private static IoRequest MakeWrite(long offset, params byte[] bytes) => new()
    {
        Id = 1,
        Kind = IoKind.Write,
        File = FeedFile.Data,
        Offset = offset,
        Segments = [bytes],
        SegmentBytes = bytes.Length,
    };

    private SimulatedStoreDisk MakeDisk(DiskOptions options, ulong seed = 1) =>
        new(_engine, RandomSource.Seeded(seed), "10.0.0.1", options);

    private void Write(IDevice device, params byte[] bytes) => Execute(device, MakeWrite(0, bytes));

    private void Execute(IDevice device, IoRequest request)
    {
        Assert.False(device.Execute(request, (_, result) => _answers.Add(result), out _));
    }

    private long LengthOf(IDevice device)
    {
        long length = -1;
        device.Execute(
            new IoRequest { Id = 9, Kind = IoKind.Length, File = FeedFile.Data }, (_, result) => length = result.Count, out _);
        _engine.Advance(TimeSpan.FromSeconds(1));
        return length;
    }
}
