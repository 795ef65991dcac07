using HyperActors.Crypto;
using Microsoft.Data.Sqlite;

namespace HyperActors.Catalog;

/// <summary>Names and keys of the feeds that a node has, in one SQLite file.</summary>
/// <remarks>
/// Synchronous, for one owner at a time. The feeds' folders are the truth: a lost catalog is rebuilt from them
/// (<see cref="Rebuild"/>), so a row may be lost in a crash but a file is never left half changed.
/// A damaged or foreign file is an <see cref="InvalidDataException"/>; a disk or a lock in the way an <see cref="IOException"/>.
/// </remarks>
public sealed class FeedCatalog : IDisposable
{
    private const int SqliteConstraint = 19;
    private const int SqliteCorrupt = 11;
    private const int SqliteNotADatabase = 26;

    private const string Columns = "key, discovery_key, namespace, name, is_writable, created_ms";

    private readonly SqliteConnection _connection;

    static FeedCatalog() => CarriedSqlite.Initialize();

    private FeedCatalog(SqliteConnection connection) => _connection = connection;

    /// <summary>Opens the file, or makes it; brings an older one up to date.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, no catalog, or of a newer version.</exception>
    /// <exception cref="IOException">The disk refused, or another process held the file for too long.</exception>
    public static FeedCatalog Open(string path, CatalogOptions? options = null) => new(Connect(path, options));

    /// <summary>The feeds that a file names, read beside whoever owns it: nothing is written, made or brought up to date.</summary>
    /// <returns>What <see cref="List"/> gives; nothing when there is no file, or none that can be read.</returns>
    public static IReadOnlyList<CatalogFeed> Look(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        string connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadOnly,
            DefaultTimeout = 1,
            Pooling = false,
        }.ToString();
        try
        {
            var connection = new SqliteConnection(connectionString);
            using var catalog = new FeedCatalog(connection);
            connection.Open();
            return catalog.List();
        }
        catch (Exception e) when (e is SqliteException or InvalidDataException or IOException)
        {
            return [];
        }
    }

    /// <inheritdoc cref="Open"/>
    internal static SqliteConnection Connect(string path, CatalogOptions? options)
    {
        options ??= new CatalogOptions();
        string connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = Math.Max(1, (int)options.BusyTimeout.TotalSeconds),

            // A pooled connection would keep the file open behind our back.
            Pooling = false,
        }.ToString();
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            using (SqliteCommand command = connection.CreateCommand())
            {
                // NORMAL: a power cut may take the last rows and never damages the file; the folders know them.
                command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
                command.ExecuteNonQuery();
            }

            Schema.Upgrade(connection);
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (e is SqliteException failure)
            {
                throw Translate(failure, path);
            }

            throw;
        }
    }

    /// <summary>Moves a file that can't be used out of the way, with what SQLite keeps beside it.</summary>
    /// <returns>Where the file is now.</returns>
    public static string SetAside(string path)
    {
        int number = 1;
        while (File.Exists($"{path}.damaged-{number}"))
        {
            number++;
        }

        string aside = $"{path}.damaged-{number}";
        foreach (string suffix in (ReadOnlySpan<string>)["-wal", "-shm", string.Empty])
        {
            if (File.Exists(path + suffix))
            {
                File.Move(path + suffix, aside + suffix);
            }
        }

        return aside;
    }

    /// <summary>Adds a feed; false, and nothing is changed, when its key or its name is taken.</summary>
    public bool TryAdd(CatalogFeed feed)
    {
        try
        {
            Insert(feed, null);
            return true;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteConstraint)
        {
            return false;
        }
        catch (SqliteException e)
        {
            throw Translate(e, _connection.DataSource);
        }
    }

    /// <summary>Names a feed that had no name; false when the feed is unknown or named, or the name is taken.</summary>
    public bool TryName(in DiscoveryKey discoveryKey, in Hash ns, string name, bool isWritable)
    {
        using SqliteCommand command = Command(
            "UPDATE feeds SET namespace = $namespace, name = $name, is_writable = $isWritable WHERE discovery_key = $discoveryKey AND name IS NULL");
        command.Parameters.AddWithValue("$discoveryKey", discoveryKey.ToArray());
        command.Parameters.AddWithValue("$namespace", ns.ToArray());
        command.Parameters.AddWithValue("$name", name);
        command.Parameters.AddWithValue("$isWritable", isWritable);
        try
        {
            return command.ExecuteNonQuery() == 1;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteConstraint)
        {
            return false;
        }
        catch (SqliteException e)
        {
            throw Translate(e, _connection.DataSource);
        }
    }

    /// <summary>The feed of a name, or null.</summary>
    public CatalogFeed? Find(in Hash ns, string name)
    {
        using SqliteCommand command = Command($"SELECT {Columns} FROM feeds WHERE namespace = $namespace AND name = $name");
        command.Parameters.AddWithValue("$namespace", ns.ToArray());
        command.Parameters.AddWithValue("$name", name);
        return Read(command).FirstOrDefault();
    }

    /// <summary>The feed of a discovery key, or null.</summary>
    public CatalogFeed? Find(in DiscoveryKey discoveryKey)
    {
        using SqliteCommand command = Command($"SELECT {Columns} FROM feeds WHERE discovery_key = $discoveryKey");
        command.Parameters.AddWithValue("$discoveryKey", discoveryKey.ToArray());
        return Read(command).FirstOrDefault();
    }

    /// <summary>All feeds: named ones by name, then the others by discovery key.</summary>
    public IReadOnlyList<CatalogFeed> List()
    {
        using SqliteCommand command = Command($"SELECT {Columns} FROM feeds ORDER BY name IS NULL, name, namespace, discovery_key");
        return Read(command);
    }

    /// <summary>Forgets a feed; false when it was not known.</summary>
    public bool Remove(in DiscoveryKey discoveryKey)
    {
        using SqliteCommand command = Command("DELETE FROM feeds WHERE discovery_key = $discoveryKey");
        command.Parameters.AddWithValue("$discoveryKey", discoveryKey.ToArray());
        return Execute(command) == 1;
    }

    /// <summary>Replaces everything by what the folders say, wholly or not at all.</summary>
    public void Rebuild(IEnumerable<CatalogFeed> feeds)
    {
        try
        {
            using SqliteTransaction transaction = _connection.BeginTransaction(deferred: false);
            using (SqliteCommand command = Command("DELETE FROM feeds"))
            {
                command.Transaction = transaction;
                command.ExecuteNonQuery();
            }

            foreach (CatalogFeed feed in feeds)
            {
                Insert(feed, transaction);
            }

            transaction.Commit();
        }
        catch (SqliteException e)
        {
            throw Translate(e, _connection.DataSource);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _connection.Dispose();

    private void Insert(CatalogFeed feed, SqliteTransaction? transaction)
    {
        using SqliteCommand command = Command(
            $"INSERT INTO feeds ({Columns}) VALUES ($key, $discoveryKey, $namespace, $name, $isWritable, $created)");
        command.Transaction = transaction;
        command.Parameters.AddWithValue("$key", feed.Key.ToArray());
        command.Parameters.AddWithValue("$discoveryKey", feed.DiscoveryKey.ToArray());
        command.Parameters.AddWithValue("$namespace", feed.Namespace.ToArray());
        command.Parameters.AddWithValue("$name", (object?)feed.Name ?? DBNull.Value);
        command.Parameters.AddWithValue("$isWritable", feed.IsWritable);
        command.Parameters.AddWithValue("$created", feed.Created.ToUnixTimeMilliseconds());
        command.ExecuteNonQuery();
    }

    private List<CatalogFeed> Read(SqliteCommand command)
    {
        try
        {
            var feeds = new List<CatalogFeed>();
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                feeds.Add(new CatalogFeed(
                    new FeedKey(reader.GetFieldValue<byte[]>(0)),
                    new DiscoveryKey(reader.GetFieldValue<byte[]>(1)),
                    new Hash(reader.GetFieldValue<byte[]>(2)),
                    reader.IsDBNull(3) ? null : reader.GetString(3),
                    reader.GetBoolean(4),
                    DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5))));
            }

            return feeds;
        }
        catch (SqliteException e)
        {
            throw Translate(e, _connection.DataSource);
        }
    }

    private int Execute(SqliteCommand command)
    {
        try
        {
            return command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw Translate(e, _connection.DataSource);
        }
    }

    private SqliteCommand Command(string sql)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    internal static Exception Translate(SqliteException failure, string path) =>
        failure.SqliteErrorCode is SqliteCorrupt or SqliteNotADatabase
            ? new InvalidDataException($"{path} is damaged or no catalog: {failure.Message}", failure)
            : new IOException($"{path} could not be read or written: {failure.Message}", failure);
}
