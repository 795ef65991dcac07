using System.Globalization;
using Microsoft.Data.Sqlite;

namespace HyperActors.Catalog;

/// <summary>The tables, and the steps that lead from each version of them to the next.</summary>
/// <remarks>The version is SQLite's <c>user_version</c>: 0 is a new file, every step adds one.</remarks>
internal static class Schema
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE feeds (
          discovery_key BLOB NOT NULL PRIMARY KEY CHECK (length(discovery_key) = 32),
          key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
          namespace BLOB NOT NULL CHECK (length(namespace) = 32),
          name TEXT,
          is_writable INTEGER NOT NULL CHECK (is_writable IN (0, 1)),
          created_ms INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX feeds_by_name ON feeds (namespace, name) WHERE name IS NOT NULL;
        """,
        """
        CREATE TABLE topics (
          topic BLOB NOT NULL PRIMARY KEY CHECK (length(topic) = 32),
          is_server INTEGER NOT NULL CHECK (is_server IN (0, 1)),
          is_client INTEGER NOT NULL CHECK (is_client IN (0, 1)),
          max_peers INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE kept_feeds (
          key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
          should_seed INTEGER NOT NULL CHECK (should_seed IN (0, 1)),
          should_download INTEGER NOT NULL CHECK (should_download IN (0, 1))
        ) WITHOUT ROWID;
        """,
    ];

    /// <summary>The version that this code reads and writes.</summary>
    public static int Version => Steps.Length;

    /// <summary>Brings a file of an older version up to <see cref="Version"/>, wholly or not at all.</summary>
    /// <exception cref="InvalidDataException">The file is of a newer version.</exception>
    public static void Upgrade(SqliteConnection connection)
    {
        using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
        int version = ReadVersion(connection, transaction);
        if (version > Version)
        {
            throw new InvalidDataException(
                $"{connection.DataSource} has version {version} of the catalog, this program knows {Version}: run a newer one.");
        }

        for (int step = version; step < Version; step++)
        {
            Execute(connection, transaction, Steps[step]);
        }

        if (version < Version)
        {
            // A pragma takes no parameters.
            Execute(connection, transaction, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {Version}"));
        }

        transaction.Commit();
    }

    private static int ReadVersion(SqliteConnection connection, SqliteTransaction transaction)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "PRAGMA user_version";
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Execute(SqliteConnection connection, SqliteTransaction transaction, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
