using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>The configuration is wrong; the message says where, and what may stand there.</summary>
public sealed class ConfigurationException(string message) : HyperActorsException(message);

/// <summary>The options of a daemon, and where each value comes from: a flag before the environment, before the file, before the default.</summary>
public sealed class Configuration
{
    /// <summary>What the names of variables begin with: <c>HYPERACTORS_API__PORT</c> is <c>api.port</c>.</summary>
    public const string VariablePrefix = "HYPERACTORS_";

    /// <summary>Variables that are no settings, though they are named like one.</summary>
    private static readonly string[] OtherVariables =
    [
        "HYPERACTORS_STORAGE", "HYPERACTORS_CONFIG", "HYPERACTORS_JS_PEER", "HYPERACTORS_BUILD_ONLY", "HYPERACTORS_SEED",
        "HYPERACTORS_CASES", "HYPERACTORS_RUN_SEED", "HYPERACTORS_UPDATE_GOLDEN",
    ];

    /// <summary>What is taken up without a restart.</summary>
    private static readonly HashSet<string> Reloadable = new(StringComparer.Ordinal)
    {
        "api.maxStreams", "api.maxAppendBytes", "api.maxBufferedBytes", "api.statusInterval", "log.level", "log.categories",
        "node.connections.maxConnections", "node.connections.maxHalfOpenPerAddress", "node.connections.connectTimeout",
        "node.connections.maxUnconsumedBytes", "node.connections.maxUnwrittenBytes", "node.connections.maxWriteSize",
        "node.connections.endTimeout", "node.connections.maxUploadRate", "node.connections.maxDownloadRate",

        // All that SwarmMachine.Reconfigure and DhtNode.Limit take up.
        "node.network.swarm.maxPeers", "node.network.swarm.maxParallel", "node.network.swarm.maxClientConnections",
        "node.network.swarm.maxServerConnections", "node.network.swarm.maxTopics", "node.network.swarm.maxSessions",
        "node.network.swarm.maxKnownPeers", "node.network.swarm.maxTopicsPerPeer", "node.network.swarm.maxDiscovered",
        "node.network.swarm.maxRelays", "node.network.swarm.maxFlushes", "node.network.swarm.refreshInterval",
        "node.network.swarm.refreshJitter", "node.network.swarm.sleepGrace", "node.network.swarm.queryTimeout",
        "node.network.swarm.dialTimeout", "node.network.swarm.serviceTimeout", "node.network.swarm.leaveTimeout",
        "node.network.swarm.minConnectionTime",
        "node.network.limits.concurrency", "node.network.limits.maxInflight", "node.network.limits.requestTimeout",
        "node.network.limits.retries", "node.network.limits.queryRetries", "node.network.limits.maxVisits",
        "node.network.limits.maxRepliesPerNetwork", "node.network.limits.maxContactsPerNetwork", "node.network.limits.maxPingDelay",
        "node.network.limits.maxDelayedPings", "node.network.limits.maxDownHintsPerTick", "node.network.limits.maxChecks",
        "node.network.limits.verifiesAskers", "node.network.limits.strangerBytesPerSecond", "node.network.limits.strangerBurstBytes",
        "node.network.limits.requestsPerSecond", "node.network.limits.requestBurst", "node.network.limits.maxMeteredHosts",
    };

    private static readonly IReadOnlyList<Setting> All =
    [
        .. Setting.Of(OptionsJson.Default.DaemonOptions, string.Empty, options => options),
        .. Setting.Of(NodeOptionsJson.Default.NodeOptions, "node.", options => ((DaemonOptions)options).Node),
    ];

    /// <summary>Texts of a shape: what is wrong with one is said where it stands, not when it is used.</summary>
    private static readonly Dictionary<string, (Func<string, bool> IsRight, string Allowed)> Shapes = new(StringComparer.Ordinal)
    {
        ["name"] = (NameRegistry.IsName, "letters, digits, '.', '-' and '_', at most 64, and no '.' in front"),
        ["listen"] = (text => IPEndPoint.TryParse(text, out _), "addresses of this machine: 0.0.0.0:4000, [::]:4000"),
        ["node.network.bootstrap"] = (IsEntrance, "HOST:PORT, or ADDRESS@HOST:PORT with an IPv4 address to try before the name"),
    };

    private readonly Dictionary<string, string> _origins = new(StringComparer.Ordinal);

    private Configuration()
    {
    }

    public DaemonOptions Options { get; } = new();

    /// <summary>Every setting with its value and where it comes from.</summary>
    public IReadOnlyList<SettingDto> Settings
    {
        get
        {
            var defaults = new DaemonOptions();
            return
            [
                .. All.Select(s => new SettingDto(
                    s.Key,
                    s.Read(Options),
                    s.Read(defaults),
                    _origins.GetValueOrDefault(s.Key, "default"),
                    s.Allowed,
                    Reloadable.Contains(s.Key))),
            ];
        }
    }

    /// <summary>Reads the configuration.</summary>
    /// <param name="file">A JSON file, comments allowed; null for none.</param>
    /// <param name="variables">The environment.</param>
    /// <param name="flags">What the command line says: setting, value, and the flag that said it.</param>
    /// <exception cref="ConfigurationException">Something in it is unknown or out of range.</exception>
    public static Configuration Load(
        string? file,
        IEnumerable<KeyValuePair<string, string>> variables,
        IEnumerable<(string Key, string Value, string Flag)> flags)
    {
        ArgumentNullException.ThrowIfNull(variables);
        ArgumentNullException.ThrowIfNull(flags);
        var configuration = new Configuration();
        if (file is not null)
        {
            configuration.TakeFile(file);
        }

        foreach ((string name, string value) in variables.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            if (name.StartsWith(VariablePrefix, StringComparison.Ordinal) && !OtherVariables.Contains(name, StringComparer.Ordinal))
            {
                string key = name[VariablePrefix.Length..].Replace("__", ".", StringComparison.Ordinal);
                configuration.Take(key, value, $"${name}", ignoreCase: true);
            }
        }

        foreach ((string key, string value, string flag) in flags)
        {
            configuration.Take(key, value, flag);
        }

        return configuration;
    }

    /// <summary>The same, with some values changed by a caller of the API.</summary>
    /// <exception cref="ArgumentException">One of them cannot be, or cannot be changed without a restart.</exception>
    public Configuration With(IReadOnlyDictionary<string, string> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var changed = new Configuration();
        foreach (Setting setting in All)
        {
            bool isKept = setting.TryWrite(changed.Options, setting.Read(Options));
            Invariant.Hold(isKept);
            if (_origins.TryGetValue(setting.Key, out string? origin))
            {
                changed._origins[setting.Key] = origin;
            }
        }

        foreach ((string key, string value) in changes)
        {
            if (!Reloadable.Contains(key))
            {
                throw new ArgumentException($"'{key}' cannot be changed while the daemon runs", nameof(changes));
            }

            try
            {
                changed.Take(key, value, "the API");
            }
            catch (ConfigurationException e)
            {
                throw new ArgumentException(e.Message, nameof(changes), e);
            }
        }

        return changed;
    }

    /// <summary>The file that lists every setting with its default, without the sentences.</summary>
    internal static string PrintDefaults(Func<string, string> sentenceOf)
    {
        var text = new StringBuilder();
        var defaults = new DaemonOptions();
        string[] open = [];
        text.Append("{\n");
        for (int i = 0; i < All.Count; i++)
        {
            string[] path = All[i].Key.Split('.');
            string[] folders = path[..^1];
            int common = 0;
            while (common < open.Length && common < folders.Length && open[common] == folders[common])
            {
                common++;
            }

            for (int depth = open.Length; depth > common; depth--)
            {
                text.Append(' ', 2 * depth).Append("},\n");
            }

            for (int depth = common; depth < folders.Length; depth++)
            {
                text.Append('\n').Append(' ', 2 * (depth + 1)).Append('"').Append(folders[depth]).Append("\": {\n");
            }

            open = folders;
            string indent = new(' ', 2 * path.Length);
            text.Append(indent).Append("// ").Append(sentenceOf(All[i].Key)).Append(" Allowed: ").Append(All[i].Allowed).Append(".\n");
            text.Append(indent).Append('"').Append(path[^1]).Append("\": ").Append(Json(All[i], All[i].Read(defaults))).Append(",\n");
        }

        for (int depth = open.Length; depth > 0; depth--)
        {
            text.Append(' ', 2 * depth).Append("},\n");
        }

        return text.Append("}\n").ToString();
    }

    private static string Json(Setting setting, string value)
    {
        static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
        return setting switch
        {
            _ when value == "null" && setting.IsNullable => "null",
            { IsList: true } => value.Length == 0 ? "[]" : $"[{string.Join(", ", value.Split(',').Select(Quoted))}]",
            { IsMap: true } => "{ " + string.Join(", ", value.Split(',').Select(e => $"{Quoted(e.Split('=')[0])}: {Quoted(e.Split('=')[1])}")) + " }",
            { IsBare: true } => value,
            _ => Quoted(value),
        };
    }

    private void TakeFile(string file)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"the configuration {file} cannot be read: {e.Message}");
        }

        var reader = new Utf8JsonReader(
            bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(Encoding.UTF8.Preamble.Length) : bytes,
            new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new ConfigurationException($"{file}:1: the configuration is a JSON object: {{ … }}");
            }

            TakeObject(ref reader, bytes, file, string.Empty);
            reader.Read();
        }
        catch (JsonException e)
        {
            throw new ConfigurationException($"{file}:{e.LineNumber + 1}: this is no JSON: {e.Message.Split(" LineNumber")[0]}");
        }
    }

    private void TakeObject(ref Utf8JsonReader reader, byte[] bytes, string file, string prefix)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int line = bytes.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n') + 1;
            string key = prefix + reader.GetString();
            string origin = $"{file}:{line}";
            reader.Read();
            Setting? setting = Find(key, ignoreCase: false);
            if (reader.TokenType == JsonTokenType.StartObject && setting is null && All.Any(s => s.Key.StartsWith(key + ".", StringComparison.Ordinal)))
            {
                TakeObject(ref reader, bytes, file, key + ".");
                continue;
            }

            if (setting is null)
            {
                string[] inside = [.. All.Where(s => s.Key.StartsWith(key + ".", StringComparison.Ordinal)).Select(s => s.Key)];
                throw inside.Length == 0
                    ? Unknown(key, origin)
                    : new ConfigurationException($"{origin}: '{key}' is no value but holds {string.Join(", ", inside)}");
            }

            Take(setting, ValueOf(ref reader, setting, origin), origin);
        }
    }

    private static string ValueOf(ref Utf8JsonReader reader, Setting setting, string origin)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return setting.IsBare || setting.IsList || setting.IsMap ? throw Wrong(setting, reader.GetString()!, origin) : reader.GetString()!;
            case JsonTokenType.Number:
                return setting.IsBare ? Encoding.UTF8.GetString(reader.ValueSpan) : throw Wrong(setting, Encoding.UTF8.GetString(reader.ValueSpan), origin);
            case JsonTokenType.True:
            case JsonTokenType.False:
                string truth = reader.TokenType == JsonTokenType.True ? "true" : "false";
                return setting.IsBare ? truth : throw Wrong(setting, truth, origin);
            case JsonTokenType.Null:
                return setting.IsNullable ? "null" : throw Wrong(setting, "null", origin);
            case JsonTokenType.StartArray when setting.IsList:
                return Join(ref reader, setting, JsonTokenType.EndArray, origin);
            case JsonTokenType.StartObject when setting.IsMap:
                return Join(ref reader, setting, JsonTokenType.EndObject, origin);
            default:
                throw Wrong(setting, "a list or an object", origin);
        }
    }

    private static string Join(ref Utf8JsonReader reader, Setting setting, JsonTokenType end, string origin)
    {
        var parts = new List<string>();
        while (reader.Read() && reader.TokenType != end)
        {
            string name = string.Empty;
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                name = reader.GetString() + "=";
                reader.Read();
            }

            parts.Add(reader.TokenType == JsonTokenType.String ? name + reader.GetString() : throw Wrong(setting, "what is no text", origin));
        }

        return string.Join(',', parts);
    }

    private void Take(string key, string value, string origin, bool ignoreCase = false) =>
        Take(Find(key, ignoreCase) ?? throw Unknown(key, origin), value, origin);

    private void Take(Setting setting, string value, string origin)
    {
        if (!setting.TryWrite(Options, value))
        {
            throw Wrong(setting, value, origin);
        }

        if (Shapes.TryGetValue(setting.Key, out (Func<string, bool> IsRight, string Allowed) shape))
        {
            string[] texts = setting.IsList ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [value];
            if (texts.FirstOrDefault(text => !shape.IsRight(text) && !(text == "null" && setting.IsNullable)) is { } wrong)
            {
                throw new ConfigurationException($"{origin}: '{setting.Key}' cannot be '{wrong}'; allowed: {shape.Allowed}");
            }
        }

        _origins[setting.Key] = origin;
    }

    private static bool IsEntrance(string text)
    {
        string[] parts = text.Split('@');
        int colon = parts[^1].LastIndexOf(':');
        return parts.Length <= 2 && (parts.Length == 1 || IPAddress.TryParse(parts[0], out _)) && colon > 0
            && ushort.TryParse(parts[^1].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0;
    }

    private static Setting? Find(string key, bool ignoreCase) => All.FirstOrDefault(
        s => string.Equals(s.Key, key, ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal));

    private static ConfigurationException Unknown(string key, string origin)
    {
        string parent = key.Contains('.', StringComparison.Ordinal) ? key[..(key.LastIndexOf('.') + 1)] : string.Empty;
        string[] known =
        [
            .. All.Where(s => s.Key.StartsWith(parent, StringComparison.OrdinalIgnoreCase))
                .Select(s => parent + s.Key[parent.Length..].Split('.')[0])
                .Distinct(StringComparer.Ordinal),
        ];
        return new ConfigurationException(
            $"{origin}: there is no setting '{key}'; known are {string.Join(", ", known.Length > 0 ? known : [.. All.Select(s => s.Key.Split('.')[0]).Distinct(StringComparer.Ordinal)])}");
    }

    private static ConfigurationException Wrong(Setting setting, string value, string origin) =>
        new($"{origin}: '{setting.Key}' cannot be '{value}'; allowed: {setting.Allowed}");
}
