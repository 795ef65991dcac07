using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using HyperActors.Actors;

namespace HyperActors.Daemon;

/// <summary>Everything that a daemon can be told. Read at the start; what may change later is read again on SIGHUP.</summary>
public sealed record DaemonOptions
{
    /// <summary>The name under which clients on this machine find the daemon.</summary>
    public string Name { get; set; } = "hyperactors";

    /// <summary>TCP addresses to take peers on, beside the network: <c>0.0.0.0:4000</c>, <c>[::]:4000</c>.</summary>
    public IList<string> Listen { get; set; } = [];

    /// <summary>The local API.</summary>
    public ApiOptions Api { get; set; } = new();

    /// <summary>What is logged, and how.</summary>
    public LogOptions Log { get; set; } = new();

    /// <summary>Where metrics and traces go.</summary>
    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>The node.</summary>
    [JsonIgnore]
    public NodeOptions Node { get; set; } = new() { StopTimeout = TimeSpan.FromSeconds(7), Network = new NetworkOptions() };
}

/// <summary>What is logged, and how.</summary>
public sealed record LogOptions
{
    /// <summary>The least important lines that are written.</summary>
    public LogLevel Level { get; set; } = LogLevel.Information;

    /// <summary>Levels of single parts: a part's name begins with one of these, the longest counts.</summary>
    public IDictionary<string, LogLevel> Categories { get; set; } =
        new Dictionary<string, LogLevel>(StringComparer.Ordinal) { ["Microsoft"] = LogLevel.Warning };

    /// <summary>One JSON object a line, instead of words.</summary>
    public bool Json { get; set; }
}

/// <summary>Where metrics and traces go.</summary>
public sealed record TelemetryOptions
{
    /// <summary>Whether metrics and traces are sent to a collector by OTLP.</summary>
    public bool Otlp { get; set; }

    /// <summary>The collector.</summary>
    public string OtlpEndpoint { get; set; } = "http://127.0.0.1:4317";

    /// <summary>How it is spoken to.</summary>
    public OtlpProtocol OtlpProtocol { get; set; } = OtlpProtocol.Grpc;

    /// <summary>How often metrics are sent. Less often costs less.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The share of traces that is sent.</summary>
    [Range(0.0, 1.0)]
    public double TraceRatio { get; set; }

    /// <summary>Whether the time in each turn of an actor is measured: it costs a few per cent.</summary>
    public bool TurnDurations { get; set; }
}

/// <summary>How an OTLP collector is spoken to.</summary>
public enum OtlpProtocol
{
    /// <summary>gRPC, mostly on port 4317.</summary>
    Grpc,

    /// <summary>Protocol buffers over HTTP, mostly on port 4318.</summary>
    HttpProtobuf,
}

/// <summary>The shape of the options, made at build time: their names, types, defaults and bounds.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(DaemonOptions))]
internal sealed partial class OptionsJson : JsonSerializerContext;
