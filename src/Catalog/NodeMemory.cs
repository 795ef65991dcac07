using HyperActors.Crypto;
using Microsoft.Data.Sqlite;

namespace HyperActors.Catalog;

/// <summary>A topic that a node joined and means to join again.</summary>
public sealed record RememberedTopic(DiscoveryKey Topic, bool IsServer, bool IsClient, int? Limit);

/// <summary>What a node does for a feed without being asked again.</summary>
/// <param name="Key">The feed.</param>
/// <param name="ShouldSeed">It is announced.</param>
/// <param name="ShouldDownload">All of it is brought here.</param>
public sealed record KeptFeed(FeedKey Key, bool ShouldSeed, bool ShouldDownload);

/// <summary>What a node takes up again after a restart, in the file of the <see cref="FeedCatalog"/>, over a connection of its own.</summary>
/// <remarks>Synchronous, for one owner at a time. Nothing here is in the folders of the feeds: a lost file is a lost memory.</remarks>
public sealed class NodeMemory : IDisposable
{
    private readonly SqliteConnection _connection;

    private NodeMemory(SqliteConnection connection) => _connection = connection;

    /// <inheritdoc cref="FeedCatalog.Open"/>
    public static NodeMemory Open(string path, CatalogOptions? options = null) => new(FeedCatalog.Connect(path, options));

    public IReadOnlyList<RememberedTopic> Topics() => Read(
        "SELECT topic, is_server, is_client, max_peers FROM topics ORDER BY topic",
        row => new RememberedTopic(
            new DiscoveryKey(row.GetFieldValue<byte[]>(0)), row.GetBoolean(1), row.GetBoolean(2), row.IsDBNull(3) ? null : row.GetInt32(3)));

    public IReadOnlyList<KeptFeed> Feeds() => Read(
        "SELECT key, should_seed, should_download FROM kept_feeds ORDER BY key",
        row => new KeptFeed(new FeedKey(row.GetFieldValue<byte[]>(0)), row.GetBoolean(1), row.GetBoolean(2)));

    /// <summary>Remembers a topic, in place of what was remembered of it.</summary>
    public void Remember(RememberedTopic topic) => Execute(
        "INSERT OR REPLACE INTO topics (topic, is_server, is_client, max_peers) VALUES ($topic, $server, $client, $limit)",
        ("$topic", topic.Topic.ToArray()),
        ("$server", topic.IsServer),
        ("$client", topic.IsClient),
        ("$limit", (object?)topic.Limit ?? DBNull.Value));

    public void ForgetTopic(in DiscoveryKey topic) => Execute("DELETE FROM topics WHERE topic = $topic", ("$topic", topic.ToArray()));

    /// <summary>Remembers what to do for a feed; nothing to do is forgotten.</summary>
    public void Keep(KeptFeed feed)
    {
        if (!feed.ShouldSeed && !feed.ShouldDownload)
        {
            Execute("DELETE FROM kept_feeds WHERE key = $key", ("$key", feed.Key.ToArray()));
            return;
        }

        Execute(
            "INSERT OR REPLACE INTO kept_feeds (key, should_seed, should_download) VALUES ($key, $seed, $download)",
            ("$key", feed.Key.ToArray()),
            ("$seed", feed.ShouldSeed),
            ("$download", feed.ShouldDownload));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _connection.Dispose();

    private List<T> Read<T>(string sql, Func<SqliteDataReader, T> make)
    {
        try
        {
            using SqliteCommand command = Command(sql);
            using SqliteDataReader reader = command.ExecuteReader();
            var rows = new List<T>();
            while (reader.Read())
            {
                rows.Add(make(reader));
            }

            return rows;
        }
        catch (SqliteException e)
        {
            throw FeedCatalog.Translate(e, _connection.DataSource);
        }
    }

    private void Execute(string sql, params ReadOnlySpan<(string Name, object Value)> values)
    {
        using SqliteCommand command = Command(sql);
        foreach ((string name, object value) in values)
        {
            command.Parameters.AddWithValue(name, value);
        }

        try
        {
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw FeedCatalog.Translate(e, _connection.DataSource);
        }
    }

    private SqliteCommand Command(string sql)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }
}
