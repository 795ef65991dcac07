using System.Text.Json.Serialization;

namespace HyperActors.Actors;

/// <summary>The shape of <see cref="NodeOptions"/>, made at build time: names, types, defaults and bounds, for whoever reads them from a file.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(NodeOptions))]
public sealed partial class NodeOptionsJson : JsonSerializerContext;
