using System.Diagnostics;
using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Actors.Tests;

/// <summary>A storage directory as it may be found: new, held, damaged, of another version.</summary>
public sealed class FileStoreDiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-store-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_new_directory_gets_a_version_a_holder_and_a_key_that_stays()
    {
        byte[] key;
        using (FileStoreDisk disk = FileStoreDisk.Open(_folder))
        {
            key = disk.ReadPrimaryKey(RandomSource.System);
            Assert.Contains($"process {Environment.ProcessId}", File.ReadAllText(PathOf("lock")), StringComparison.Ordinal);
            Assert.Empty(disk.ListFeeds());
        }

        Assert.Equal("1", File.ReadAllText(PathOf("version")).Trim());
        Assert.False(File.Exists(PathOf("lock")));
        using FileStoreDisk again = FileStoreDisk.Open(_folder);
        Assert.Equal(key, again.ReadPrimaryKey(RandomSource.System));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("store", "primary-key")));
        }
    }

    [Theory]
    [InlineData("2")]
    [InlineData("one")]
    [InlineData("-1")]
    public void A_version_that_is_not_known_is_refused_and_the_directory_is_free_again(string version)
    {
        File.WriteAllText(PathOf("version"), version);

        for (int i = 0; i < 2; i++)
        {
            HyperActorsException refused = Assert.Throws<HyperActorsException>(() => FileStoreDisk.Open(_folder));
            Assert.Contains($"'{version}'", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_damaged_primary_key_is_refused_and_kept(int length)
    {
        using FileStoreDisk disk = FileStoreDisk.Open(_folder);
        File.WriteAllBytes(PathOf("store", "primary-key"), new byte[length]);

        HyperActorsException refused = Assert.Throws<HyperActorsException>(() => disk.ReadPrimaryKey(RandomSource.System));

        Assert.Contains("damaged", refused.Message, StringComparison.Ordinal);
        Assert.Equal(length, new FileInfo(PathOf("store", "primary-key")).Length);
    }

    [Fact]
    public void A_primary_key_that_is_missing_beside_feeds_is_not_made_up()
    {
        using FileStoreDisk disk = FileStoreDisk.Open(_folder);
        MakeFeed(new DiscoveryKey(Enumerable.Repeat((byte)9, 32).ToArray()));

        Assert.Throws<HyperActorsException>(() => disk.ReadPrimaryKey(RandomSource.System));

        Assert.False(File.Exists(PathOf("store", "primary-key")));
    }

    [Fact]
    public void A_primary_key_that_cannot_be_read_is_refused_by_name()
    {
        using FileStoreDisk disk = FileStoreDisk.Open(_folder);
        Directory.CreateDirectory(PathOf("store", "primary-key"));

        HyperActorsException refused = Assert.Throws<HyperActorsException>(() => disk.ReadPrimaryKey(RandomSource.System));

        Assert.Contains("primary-key", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_folders_of_feeds_are_listed()
    {
        using FileStoreDisk disk = FileStoreDisk.Open(_folder);
        var feed = new DiscoveryKey(Enumerable.Range(1, 32).Select(i => (byte)i).ToArray());
        MakeFeed(feed);
        Directory.CreateDirectory(PathOf("store", "cores", "01", "02", new string('0', 64)));
        Directory.CreateDirectory(PathOf("store", "cores", "zz", "not", "a feed"));
        File.WriteAllText(PathOf("store", "cores", "file"), "");

        Assert.Equal([feed], disk.ListFeeds());
        Assert.True(disk.HasFeed(feed));
        Assert.False(disk.HasFeed(default));
    }

    [Fact]
    public void A_path_that_is_no_directory_is_refused_by_name()
    {
        string path = PathOf("file");
        File.WriteAllText(path, "");

        Assert.Contains(path, Assert.Throws<HyperActorsException>(() => FileStoreDisk.Open(path)).Message, StringComparison.Ordinal);
    }

    [FlockFact]
    public void A_directory_that_another_process_holds_is_refused_by_its_name_and_free_when_it_is_killed()
    {
        FileStoreDisk.Open(_folder).Dispose();
        File.WriteAllText(PathOf("lock"), "hyperactors (process 4711)\n");
        var start = new ProcessStartInfo(FlockFactAttribute.Tool) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (string argument in (string[])["--no-fork", PathOf("version"), "sh", "-c", "echo held; exec sleep 60"])
        {
            start.ArgumentList.Add(argument);
        }

        using Process holder = Process.Start(start)!;
        try
        {
            Assert.Equal("held", holder.StandardOutput.ReadLine());

            StoreLockedException refused = Assert.Throws<StoreLockedException>(() => FileStoreDisk.Open(_folder));

            Assert.Contains("hyperactors (process 4711)", refused.Message, StringComparison.Ordinal);
            Assert.Contains(_folder, refused.Message, StringComparison.Ordinal);
            File.Delete(PathOf("lock"));
            Assert.Contains(
                "another process",
                Assert.Throws<StoreLockedException>(() => FileStoreDisk.Open(_folder)).Message,
                StringComparison.Ordinal);
        }
        finally
        {
            holder.Kill();
            holder.WaitForExit();
        }

        using FileStoreDisk disk = FileStoreDisk.Open(_folder);
        Assert.Contains($"process {Environment.ProcessId}", File.ReadAllText(PathOf("lock")), StringComparison.Ordinal);
    }

    private string PathOf(params string[] parts) => Path.Combine([_folder, .. parts]);

    private void MakeFeed(DiscoveryKey key)
    {
        string hex = key.ToHex();
        string folder = PathOf("store", "cores", hex[..2], hex[2..4], hex);
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "oplog"), [1]);
    }
}

/// <summary>A test that needs another process to hold a file: where <c>flock</c> is.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FlockFactAttribute : FactAttribute
{
    public const string Tool = "/usr/bin/flock";

    public FlockFactAttribute() => Skip = File.Exists(Tool) ? null : $"{Tool} (util-linux) is not here";
}
