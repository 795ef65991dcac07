using HyperActors.Crypto;
using HyperActors.TestKit;
using Microsoft.Data.Sqlite;

namespace HyperActors.Catalog.Tests;

public sealed class FeedCatalogTests : IDisposable
{
    private static readonly DateTimeOffset Created = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-catalog-").FullName;

    private string Location => Path.Combine(_folder, "catalog.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_feed_is_found_by_name_and_by_discovery_key_and_after_a_restart()
    {
        CatalogFeed notes = Feed(1, "notes");
        using (FeedCatalog catalog = FeedCatalog.Open(Location))
        {
            Assert.True(catalog.TryAdd(notes));
            Assert.Equal(notes, catalog.Find(default, "notes"));
        }

        using FeedCatalog again = FeedCatalog.Open(Location);
        Assert.Equal(notes, again.Find(default, "notes"));
        Assert.Equal(notes, again.Find(notes.DiscoveryKey));
        Assert.Null(again.Find(default, "Notes"));
        Assert.Null(again.Find(new Hash(Bytes(9)), "notes"));
        Assert.Null(again.Find(Feed(2, null).DiscoveryKey));
    }

    [Fact]
    public void A_name_or_a_key_that_is_taken_is_refused_and_changes_nothing()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        CatalogFeed notes = Feed(1, "notes");
        Assert.True(catalog.TryAdd(notes));
        Assert.False(catalog.TryAdd(Feed(2, "notes")));
        Assert.False(catalog.TryAdd(notes with { Name = "other" }));
        Assert.Equal([notes], catalog.List());
    }

    [Fact]
    public void A_name_may_be_used_again_in_another_namespace()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        Assert.True(catalog.TryAdd(Feed(1, "notes")));
        Assert.True(catalog.TryAdd(Feed(2, "notes") with { Namespace = new Hash(Bytes(7)) }));
        Assert.Equal(Feed(2, null).Key, catalog.Find(new Hash(Bytes(7)), "notes")?.Key);
    }

    [Fact]
    public void Feeds_without_a_name_are_as_many_as_there_are_and_can_be_named_once()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        Assert.True(catalog.TryAdd(Feed(1, null)));
        Assert.True(catalog.TryAdd(Feed(2, null)));
        Assert.True(catalog.TryAdd(Feed(3, "taken")));

        Assert.False(catalog.TryName(Feed(1, null).DiscoveryKey, default, "taken", isWritable: true));
        Assert.True(catalog.TryName(Feed(1, null).DiscoveryKey, default, "mine", isWritable: false));
        Assert.False(catalog.TryName(Feed(1, null).DiscoveryKey, default, "again", isWritable: true));
        Assert.False(catalog.TryName(Feed(9, null).DiscoveryKey, default, "nobody", isWritable: true));
        Assert.Equal(Feed(1, "mine") with { IsWritable = false }, catalog.Find(default, "mine"));
    }

    [Fact]
    public void The_list_is_ordered_by_name_and_ends_with_those_that_have_none()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        foreach (CatalogFeed feed in (CatalogFeed[])[Feed(1, "b"), Feed(2, null), Feed(3, "a"), Feed(4, "ä")])
        {
            Assert.True(catalog.TryAdd(feed));
        }

        Assert.Equal(["a", "b", "ä", null], catalog.List().Select(f => f.Name));
    }

    [Fact]
    public void A_feed_that_is_removed_leaves_its_name_free()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        Assert.True(catalog.TryAdd(Feed(1, "notes")));
        Assert.True(catalog.Remove(Feed(1, null).DiscoveryKey));
        Assert.False(catalog.Remove(Feed(1, null).DiscoveryKey));
        Assert.True(catalog.TryAdd(Feed(2, "notes")));
    }

    [Fact]
    public void A_rebuild_replaces_everything_or_nothing()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        Assert.True(catalog.TryAdd(Feed(1, "old")));
        catalog.Rebuild([Feed(2, "new"), Feed(3, null)]);
        Assert.Equal([Feed(2, "new"), Feed(3, null)], catalog.List());

        Assert.Throws<IOException>(() => catalog.Rebuild([Feed(4, "twice"), Feed(5, "twice")]));
        Assert.Equal([Feed(2, "new"), Feed(3, null)], catalog.List());
    }

    [Fact]
    public void Names_are_text_and_nothing_else()
    {
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        string[] names = ["'; DROP TABLE feeds; --", "", "ümläut \u0001 \U0001F33E", new string('x', 10_000)];
        for (int i = 0; i < names.Length; i++)
        {
            Assert.True(catalog.TryAdd(Feed((byte)(i + 1), names[i])));
            Assert.Equal(names[i], catalog.Find(default, names[i])?.Name);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(10_000)]
    public void A_foreign_file_is_refused_and_can_be_set_aside(int size)
    {
        File.WriteAllBytes(Location, [.. Enumerable.Repeat((byte)'x', size)]);
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => FeedCatalog.Open(Location));
        Assert.Contains(Location, refusal.Message, StringComparison.Ordinal);

        string aside = FeedCatalog.SetAside(Location);
        Assert.Equal(size, new FileInfo(aside).Length);
        using FeedCatalog catalog = FeedCatalog.Open(Location);
        Assert.Empty(catalog.List());
    }

    [Fact]
    public void What_was_set_aside_before_is_kept()
    {
        File.WriteAllText(Location, "first");
        string first = FeedCatalog.SetAside(Location);
        File.WriteAllText(Location, "second");
        string second = FeedCatalog.SetAside(Location);
        Assert.Equal("first", File.ReadAllText(first));
        Assert.Equal("second", File.ReadAllText(second));
        Assert.False(File.Exists(Location));
    }

    [Fact]
    public void A_catalog_of_a_newer_version_is_refused_and_left_as_it_is()
    {
        FeedCatalog.Open(Location).Dispose();
        Execute("PRAGMA user_version = 99");
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => FeedCatalog.Open(Location));
        Assert.Contains("version 99", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => FeedCatalog.Open(Location));
    }

    [Fact]
    public void A_file_that_another_process_holds_is_an_error_after_the_timeout()
    {
        FeedCatalog.Open(Location).Dispose();
        using SqliteConnection other = Connect();
        using SqliteTransaction held = other.BeginTransaction(deferred: false);
        var options = new CatalogOptions { BusyTimeout = TimeSpan.FromSeconds(1) };
        Assert.Throws<IOException>(() => FeedCatalog.Open(Location, options));
    }

    [Fact]
    public void The_file_is_released_when_the_catalog_is_closed()
    {
        using (FeedCatalog catalog = FeedCatalog.Open(Location))
        {
            Assert.True(catalog.TryAdd(Feed(1, "notes")));
        }

        Assert.Equal([Location], Directory.GetFiles(_folder));
    }

    [Fact]
    public void It_holds_what_a_list_would_hold() => Check.That<(byte Key, byte Name, bool Remove)[]>(steps =>
    {
        string path = Path.Combine(_folder, $"{Guid.NewGuid():n}.db");
        using FeedCatalog catalog = FeedCatalog.Open(path);
        var model = new List<CatalogFeed>();
        foreach ((byte key, byte name, bool remove) in steps)
        {
            CatalogFeed feed = Feed((byte)(key % 8), name % 5 == 0 ? null : $"name-{name % 5}");
            bool isKnown = model.Any(f => f.Key == feed.Key);
            bool expected = remove
                ? isKnown
                : !isKnown && (feed.Name is null || model.All(f => f.Name != feed.Name));
            bool actual = remove ? catalog.Remove(feed.DiscoveryKey) : catalog.TryAdd(feed);
            if (expected != actual)
            {
                return false;
            }

            _ = remove ? model.RemoveAll(f => f.Key == feed.Key) : 0;
            model.AddRange(expected && !remove ? [feed] : []);
        }

        return model.ToHashSet().SetEquals(catalog.List());
    }, cases: 25);

    private static byte[] Bytes(byte value) => [.. Enumerable.Repeat(value, 32)];

    private static CatalogFeed Feed(byte number, string? name)
    {
        var key = new FeedKey(Bytes(number));
        return new CatalogFeed(key, key.ToDiscoveryKey(), default, name, IsWritable: true, Created);
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={Location};Pooling=False");
        connection.Open();
        return connection;
    }

    private void Execute(string sql)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
