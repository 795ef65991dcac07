using HyperActors.Benchmarks.Harness;

namespace HyperActors.Benchmarks.Tests;

/// <summary>What the processes of a benchmark tell each other, and what becomes of it.</summary>
public class MeasurementTests
{
    [Fact]
    public void A_measurement_is_read_as_it_was_said()
    {
        var said = new Measurement(20_000, 20_480_000, 2.861086175);
        Assert.True(Measurement.TryParse(said.ToLine(), out Measurement? read));
        Assert.Equal(said, read);
    }

    [Fact]
    public void A_line_of_JavaScript_is_understood()
    {
        Assert.True(Measurement.TryParse("""{"measurement":{"blocks":50000,"bytes":51200000,"seconds":0.5}}""", out Measurement? read));
        Assert.Equal(100_000, read!.BlocksPerSecond);
        Assert.Equal(102.4, read.MegabytesPerSecond, 9);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Debugger attached.")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("""{"ready":{"port":1}}""")]
    public void Other_lines_are_passed_over(string line) => Assert.False(Measurement.TryParse(line, out _));

    [Theory]
    [InlineData("""{"measurement":{}}""")]
    [InlineData("""{"measurement":null}""")]
    [InlineData("""{"measurement":{"blocks":"many","bytes":1,"seconds":1}}""")]
    [InlineData("""{"measurement":{"blocks":1.5,"bytes":1,"seconds":1}}""")]
    [InlineData("""{"measurement":{"blocks":0,"bytes":1,"seconds":1}}""")]
    [InlineData("""{"measurement":{"blocks":1,"bytes":1,"seconds":0}}""")]
    public void A_measurement_that_makes_no_sense_is_an_error_and_no_figure(string line) =>
        Assert.Throws<FormatException>(() => Measurement.TryParse(line, out _));

    [Fact]
    public void The_run_in_the_middle_counts()
    {
        Measurement[] runs = [new(1, 1, 3), new(1, 1, 1), new(1, 1, 2)];
        Assert.Equal(2, Measurement.Median(runs).Seconds);
    }

    [Fact]
    public void The_ratio_is_ours_over_theirs_in_the_unit_of_the_row()
    {
        var ours = new Measurement(1000, 4000, 1);
        var theirs = new Measurement(1000, 1000, 2);
        Assert.Equal(2, new Result("work", Unit.BlocksPerSecond, ours, theirs).Ratio);
        Assert.Equal(8, new Result("work", Unit.MegabytesPerSecond, ours, theirs).Ratio);
        Assert.Null(new Result("work", Unit.BlocksPerSecond, ours, null).Ratio);
    }

    [Fact]
    public void The_table_lines_up()
    {
        string table = Table.Print(
        [
            new("append", Unit.BlocksPerSecond, new(500_000, 1, 1), new(50_000, 1, 1)),
            new("link to link", Unit.MegabytesPerSecond, new(1, 1_250_000_000, 100), null),
        ]);
        Assert.Equal(
            """
            | work         | unit | JavaScript | HyperActors | ratio |
            |--------------|------|-----------:|------------:|------:|
            | append       | 1/s  |     50,000 |     500,000 | 10.0x |
            | link to link | MB/s |            |        12.5 |       |
            """.ReplaceLineEndings("\n"),
            table);
    }
}
