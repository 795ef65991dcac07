using System.Globalization;
using System.Text.Json.Nodes;
using HyperActors.Compact;

namespace HyperActors.Page.Tests;

/// <summary>States of nodes that there are not.</summary>
internal static class States
{
    /// <summary>So many feeds and peers, every one of which changes with each document.</summary>
    public static Func<int, JsonObject> Busy(int feeds, int peers) => step =>
    {
        var random = new Random(step);
        var state = new JsonObject
        {
            ["totals"] = new JsonObject
            {
                ["feeds"] = feeds,
                ["peers"] = peers,
                ["blocks"] = 123_456 + step,
                ["bytes"] = 9_876_543_210,
                ["bytesPerSecondIn"] = 5e6 + random.Next(1_000_000),
                ["bytesPerSecondOut"] = 1e6 + random.Next(1_000_000),
                ["actors"] = 3210,
                ["mailboxes"] = 4,
                ["restarts"] = 3,
                ["memoryBytes"] = 100_000_000,
            },
            ["feeds"] = new JsonArray([.. Enumerable.Range(0, feeds).Select(i => Feed(i, random))]),
            ["peers"] = new JsonArray([.. Enumerable.Range(0, peers).Select(i => Peer(i, random))]),
        };
        if (step == 0)
        {
            AddWhatStays(state, feeds);
        }

        return state;
    };

    /// <summary>A node with one feed of that name.</summary>
    public static Func<int, JsonObject> OneFeed(string name, string? damage = null) => step =>
    {
        JsonObject state = Busy(1, 0)(step);
        state["feeds"]![0]!["name"] = name;
        state["feeds"]![0]!["damage"] = damage;
        return state;
    };

    /// <summary>A node whose swarm is suspended.</summary>
    public static JsonObject Paused(int step)
    {
        JsonObject state = Busy(1, 0)(step);
        state["suspended"] = true;
        return state;
    }

    /// <summary>A key like any other, the same for the same number.</summary>
    public static string Key(int number)
    {
        byte[] bytes = new byte[32];
        new Random(number).NextBytes(bytes);
        return ZBase32.Encode(bytes);
    }

    private static JsonObject Feed(int i, Random random)
    {
        // Complete, or without a gap so far and with some blocks beyond.
        double share = i % 3 == 0 ? 1 : random.NextDouble();
        byte[] map = new byte[64];
        for (int cell = 0; cell < map.Length; cell++)
        {
            map[cell] = cell < share * map.Length ? byte.MaxValue : (byte)Math.Max(0, random.Next(400) - 255);
        }

        return new JsonObject
        {
            ["key"] = Key(i),
            ["name"] = i % 4 == 0 ? null : i == 5 ? "feed-5, whose name is longer than any screen is wide, as names that people give are" : string.Create(CultureInfo.InvariantCulture, $"feed-{i}"),
            ["length"] = i * 13,
            ["byteLength"] = i * 13_000L,
            ["fork"] = 0,
            ["here"] = i * 5,
            ["writable"] = i % 2 == 0,
            ["peers"] = random.Next(5),
            ["share"] = share,
            ["map"] = Convert.ToBase64String(map),
            ["seed"] = i % 2 == 0,
            ["download"] = i % 3 == 0,
            ["damage"] = i == 7 ? "the oplog ends in the middle of an entry" : null,
        };
    }

    private static JsonObject Peer(int i, Random random) => new()
    {
        ["id"] = i + 1,
        ["publicKey"] = Key(100_000 + i),
        ["address"] = string.Create(CultureInfo.InvariantCulture, $"10.0.{i % 256}.7:49737"),
        ["transport"] = i % 3 == 0 ? "tcp" : "udx",
        ["initiator"] = i % 2 == 0,
        ["roundTripMs"] = i % 3 == 0 ? null : 5 + random.Next(100),
        ["bytesReceived"] = random.Next(1_000_000_000),
        ["bytesSent"] = random.Next(1_000_000_000),
        ["rateIn"] = random.Next(1_000_000),
        ["rateOut"] = random.Next(1_000_000),
    };

    private static void AddWhatStays(JsonObject state, int feeds)
    {
        state["node"] = new JsonObject
        {
            ["publicKey"] = Key(-1),
            ["name"] = "hs1",
            ["storage"] = "data",
            ["version"] = "0.1.0",
            ["processId"] = 1,
            ["uptimeSeconds"] = 0,
            ["feeds"] = feeds,
            ["connections"] = 0,
        };
        state["suspended"] = false;
        state["topics"] = new JsonArray([.. Enumerable.Range(0, Math.Min(feeds, 40)).Select(i => (JsonNode)new JsonObject
        {
            ["topic"] = Key(200_000 + i),
            ["server"] = true,
            ["client"] = i % 2 == 0,
            ["sessions"] = 1,
            ["peersFound"] = i,
            ["feed"] = i % 3 == 0 ? string.Create(CultureInfo.InvariantCulture, $"feed-{i}") : null,
        })]);
        state["dht"] = new JsonObject
        {
            ["ready"] = true,
            ["publicAddress"] = "84.1.2.3:49737",
            ["localAddress"] = "0.0.0.0:49737",
            ["nat"] = "Consistent",
            ["ephemeral"] = false,
            ["online"] = true,
            ["degraded"] = false,
            ["buckets"] = new JsonArray([.. Enumerable.Range(0, 12).Select(i => (JsonNode)new JsonObject { ["sharedBits"] = i, ["contacts"] = 20 - i })]),
            ["records"] = new JsonObject { ["announcements"] = 12 },
            ["nearest"] = new JsonArray(new JsonObject { ["address"] = "198.51.100.7:49737", ["sharedBits"] = 11 }),
            ["statistics"] = new JsonObject(),
        };
        JsonArray children = [.. Enumerable.Range(0, 60).Select(i => (JsonNode)Actor($"/user/node/part-{i.ToString(CultureInfo.InvariantCulture)}", [], i % 7 == 3 ? 2 : 0))];
        state["actors"] = Actor("/", [Actor("/user", [Actor("/user/node", children)])]);
        state["events"] = new JsonArray(
            new JsonObject { ["sequence"] = 1, ["at"] = "2026-01-02T03:04:05+00:00", ["level"] = "information", ["text"] = "the node has started" },
            new JsonObject { ["sequence"] = 2, ["at"] = "2026-01-02T03:04:06+00:00", ["level"] = "error", ["text"] = "a feed is damaged" });
    }

    private static JsonObject Actor(string path, JsonArray children, int restarts = 0) => new()
    {
        ["path"] = path,
        ["type"] = "PartActor",
        ["count"] = 1,
        ["mailbox"] = 2,
        ["processed"] = 1234,
        ["restarts"] = restarts,
        ["dropped"] = 0,
        ["children"] = children,
    };
}
