using System.Reflection;
using System.Text.RegularExpressions;
using HyperActors.Api;
using HyperActors.TestKit;
using Microsoft.Extensions.Logging;

namespace HyperActors.Daemon.Tests;

/// <summary>What a daemon is told, by whom, and what it refuses to be told.</summary>
public sealed partial class ConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-configuration-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_file_of_defaults_holds_every_setting_with_its_default_and_a_sentence()
    {
        string file = Repository.PathOf("config", "hyperactors.json");
        string expected = Configuration.PrintDefaults(SentenceOf);
        string written = File.Exists(file) ? await File.ReadAllTextAsync(file) : string.Empty;
        if (written != expected)
        {
            string aside = Path.Combine(Path.GetTempPath(), "hyperactors.json.expected");
            await File.WriteAllTextAsync(aside, expected);
            Assert.Fail($"config/hyperactors.json is not what the code says; what it should be is in {aside}");
        }

        Configuration loaded = Configuration.Load(file, [], []);
        Assert.All(loaded.Settings, s => Assert.Equal((s.Key, s.Default), (s.Key, s.Value)));
        Assert.All(loaded.Settings, s => Assert.StartsWith($"{file}:", s.Origin, StringComparison.Ordinal));
        Assert.True(loaded.Settings.Count > 60, $"{loaded.Settings.Count}");
    }

    [Fact]
    public void A_flag_comes_before_the_environment_before_the_file_before_the_default()
    {
        string file = Write("""
            {
              // the API
              "api": { "maxStreams": 1, "maxConnections": 2, "port": 3 },
              "log": { "level": "debug", "categories": { "HyperActors": "trace" } },
            }
            """);
        KeyValuePair<string, string>[] environment =
        [
            new("HYPERACTORS_API__MAXCONNECTIONS", "20"), new("HYPERACTORS_API__PORT", "30"), new("HYPERACTORS_STORAGE", "x"),
            new("HYPERACTORS_SEED", "1,2"), new("PATH", "y"),
        ];
        Configuration loaded = Configuration.Load(file, environment, [("api.port", "300", "-p")]);
        Assert.Equal((1, 20, 300, 1 << 20), (loaded.Options.Api.MaxStreams, loaded.Options.Api.MaxConnections, loaded.Options.Api.Port!.Value, loaded.Options.Api.MaxJsonBytes));
        Assert.Equal(LogLevel.Debug, loaded.Options.Log.Level);
        Assert.Equal(LogLevel.Trace, loaded.Options.Log.Categories["HyperActors"]);
        string OriginOf(string key) => loaded.Settings.Single(s => s.Key == key).Origin;
        Assert.Equal(
            ($"{file}:3", "$HYPERACTORS_API__MAXCONNECTIONS", "-p", "default"),
            (OriginOf("api.maxStreams"), OriginOf("api.maxConnections"), OriginOf("api.port"), OriginOf("api.maxJsonBytes")));
    }

    [Theory]
    [InlineData("""{ "api": { "prot": 1 } }""", 1, "'api.prot'", "api.port")]
    [InlineData("{\n\n  \"apo\": {}\n}", 3, "'apo'", "api")]
    [InlineData("{\n  \"api\": {\n    \"port\": 70000\n  }\n}", 3, "'api.port'", "0 to 65535")]
    [InlineData("{ \"api\": { \"port\": \"80\" } }", 1, "'api.port'", "0 to 65535")]
    [InlineData("{ \"api\": { \"port\": 1.5 } }", 1, "'api.port'", "0 to 65535")]
    [InlineData("{ \"api\": 5 }", 1, "'api'", "api.socket")]
    [InlineData("{ \"api\": { \"headerTimeout\": \"10 parsecs\" } }", 1, "'api.headerTimeout'", "500ms, 30s, 5m, 2h")]
    [InlineData("{ \"api\": { \"headerTimeout\": 10 } }", 1, "'api.headerTimeout'", "500ms, 30s, 5m, 2h")]
    [InlineData("{ \"log\": { \"level\": \"loud\" } }", 1, "'log.level'", "trace, debug, information, warning, error, critical, none")]
    [InlineData("{ \"log\": { \"level\": \"3\" } }", 1, "'log.level'", "trace")]
    [InlineData("{ \"log\": { \"json\": \"yes\" } }", 1, "'log.json'", "true, false")]
    [InlineData("{ \"log\": { \"categories\": { \"A\": \"loud\" } } }", 1, "'log.categories'", "names with levels")]
    [InlineData("{ \"listen\": \"0.0.0.0:1\" }", 1, "'listen'", "a list of texts")]
    [InlineData("{ \"name\": null }", 1, "'name'", "a text")]
    [InlineData("{ \"node\": { \"feeds\": { \"maxBlockSize\": 0 } } }", 1, "'node.feeds.maxBlockSize'", "1 to 15728640")]
    [InlineData("{ \"node\": { \"feeds\": { \"durability\": \"never\" } } }", 1, "'node.feeds.durability'", "none, flush")]
    [InlineData("{\n  \"name\": \"my node\"\n}", 2, "'my node'", "letters, digits")]
    [InlineData("{\n  \"listen\": [ \"[::]:4000\", \"everywhere\" ]\n}", 2, "'everywhere'", "0.0.0.0:4000")]
    [InlineData("{\n  \"node\": { \"network\": {\n    \"bootstrap\": [ \"127.0.0.1:1\", \"example.org\" ] } }\n}", 3, "'example.org'", "HOST:PORT")]
    [InlineData("{\n \"name\": \"a\",\n oops\n}", 3, "no JSON", "")]
    [InlineData("[]", 1, "JSON object", "")]
    public void What_is_unknown_or_out_of_range_is_told_with_file_and_line_and_what_is_allowed(
        string json, int line, string what, string allowed)
    {
        string file = Write(json);
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => Configuration.Load(file, [], []));
        Assert.StartsWith($"{file}:{line}:", refused.Message, StringComparison.Ordinal);
        Assert.Contains(what, refused.Message, StringComparison.Ordinal);
        Assert.Contains(allowed, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_variable_or_flag_is_told_by_its_name()
    {
        ConfigurationException variable = Assert.Throws<ConfigurationException>(
            () => Configuration.Load(null, [new("HYPERACTORS_API__PORT", "x")], []));
        Assert.StartsWith("$HYPERACTORS_API__PORT: 'api.port' cannot be 'x'", variable.Message, StringComparison.Ordinal);
        ConfigurationException unknown = Assert.Throws<ConfigurationException>(
            () => Configuration.Load(null, [new("HYPERACTORS_NOTHING", "x")], []));
        Assert.StartsWith("$HYPERACTORS_NOTHING: there is no setting", unknown.Message, StringComparison.Ordinal);
        ConfigurationException flag = Assert.Throws<ConfigurationException>(
            () => Configuration.Load(null, [], [("api.port", "-1", "-p")]));
        Assert.StartsWith("-p: ", flag.Message, StringComparison.Ordinal);
        Assert.Throws<ConfigurationException>(() => Configuration.Load(Path.Combine(_folder, "nothing.json"), [], []));
    }

    [Fact]
    public void What_garbage_says_never_throws_anything_else() => Check.That<string>(
        text =>
        {
            try
            {
                Configuration.Load(Write(text ?? string.Empty), [], []);
            }
            catch (ConfigurationException)
            {
                // It is refused in words.
            }

            return true;
        },
        300);

    [Fact]
    public void A_caller_changes_what_needs_no_restart_and_nothing_else()
    {
        Configuration loaded = Configuration.Load(null, [], [("name", "a", "-h")]);
        Configuration changed = loaded.With(new Dictionary<string, string> { ["api.maxStreams"] = "7", ["log.level"] = "error" });
        Assert.Equal((7, LogLevel.Error, "a"), (changed.Options.Api.MaxStreams, changed.Options.Log.Level, changed.Options.Name));
        Assert.Equal("the API", changed.Settings.Single(s => s.Key == "api.maxStreams").Origin);
        Assert.Equal(512, loaded.Options.Api.MaxStreams);
        foreach ((string key, string value) in new[] { ("api.port", "1"), ("log.level", "loud"), ("nothing", "1") })
        {
            Assert.Throws<ArgumentException>(() => loaded.With(new Dictionary<string, string> { [key] = value }));
        }
    }

    [Fact]
    public void The_longest_prefix_of_a_part_decides_what_is_logged_of_it()
    {
        var levels = new LogLevels(new LogOptions
        {
            Level = LogLevel.Warning,
            Categories = new Dictionary<string, LogLevel> { ["A"] = LogLevel.Error, ["A.B"] = LogLevel.Trace, ["C"] = LogLevel.None },
        });
        Assert.True(levels.Allows("A.B.C", LogLevel.Trace));
        Assert.False(levels.Allows("A.X", LogLevel.Warning));
        Assert.False(levels.Allows("X", LogLevel.Information));
        Assert.True(levels.Allows("X", LogLevel.Warning));
        Assert.False(levels.Allows("C", LogLevel.Critical));
    }

    private string Write(string json)
    {
        string file = Path.Combine(_folder, "hyperactors.json");
        File.WriteAllText(file, json);
        return file;
    }

    /// <summary>The first sentence that the source says of a setting.</summary>
    private static string SentenceOf(string key)
    {
        Type type = typeof(DaemonOptions);
        PropertyInfo? property = null;
        foreach (string name in key.Split('.'))
        {
            property = type.GetProperty(char.ToUpperInvariant(name[0]) + name[1..]) ?? throw new InvalidOperationException(key);
            type = property.PropertyType;
        }

        return SentenceOf(property!.DeclaringType!.Name, property.Name) ?? throw new InvalidOperationException($"no summary for {key}");
    }

    private static string? SentenceOf(string owner, string property)
    {
        foreach (string file in Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories))
        {
            string source = File.ReadAllText(file);
            int start = source.IndexOf($"record {owner}", StringComparison.Ordinal);
            if (start < 0 || file.Contains("/obj/", StringComparison.Ordinal))
            {
                continue;
            }

            Match inherited = Regex.Match(source[start..], $@"/// <inheritdoc cref=""(\w+)""/>(?:(?!///|;).)*?\b{property} \{{", RegexOptions.Singleline);
            if (inherited.Success)
            {
                return SentenceOf(owner, inherited.Groups[1].Value);
            }

            Match match = Regex.Match(
                source[start..], $@"/// <summary>((?:(?!</summary>).)*)</summary>(?:(?!///|;).)*?\b{property} \{{", RegexOptions.Singleline);
            if (match.Success)
            {
                string text = Slashes().Replace(match.Groups[1].Value, " ");
                return Tag().Replace(text, m => m.Groups[1].Success ? m.Groups[1].Value : m.Groups[2].Value).Trim();
            }
        }

        return null;
    }

    [GeneratedRegex(@"\s*\n\s*///\s*|\s+")]
    private static partial Regex Slashes();

    [GeneratedRegex("""<see cref="(?:[^"]*\.)?([^".]+)"/>|</?c>|<c>([^<]*)</c>""")]
    private static partial Regex Tag();
}
