using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using HyperActors.Actors;
using Microsoft.Extensions.Options;

namespace HyperActors.Hosting;

/// <summary>Holds the options of a node against their bounds, all of them at once.</summary>
internal sealed class NodeOptionsValidator(string wanted) : IValidateOptions<NodeOptions>
{
    public ValidateOptionsResult Validate(string? name, NodeOptions options)
    {
        if (name != wanted)
        {
            return ValidateOptionsResult.Skip;
        }

        var failures = new List<string>();
        if (string.IsNullOrWhiteSpace(options.StoragePath))
        {
            failures.Add($"{nameof(NodeOptions.StoragePath)} is empty: name the directory that holds the feeds");
        }

        Check(NodeOptionsJson.Default.NodeOptions, options, string.Empty, failures);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static void Check(JsonTypeInfo type, object part, string prefix, List<string> failures)
    {
        foreach (JsonPropertyInfo property in type.Properties)
        {
            if (property.Get?.Invoke(part) is not { } value)
            {
                continue;
            }

            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            if (inner.Kind == JsonTypeInfoKind.Object && inner.CreateObject is not null)
            {
                Check(inner, value, $"{prefix}{property.Name}.", failures);
                continue;
            }

            foreach (RangeAttribute range in property.AttributeProvider?.GetCustomAttributes(typeof(RangeAttribute), true) ?? [])
            {
                double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
                if (number < Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture)
                    || number > Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture))
                {
                    failures.Add(string.Create(
                        CultureInfo.InvariantCulture, $"{prefix}{property.Name} is {value}; allowed: {range.Minimum} to {range.Maximum}"));
                }
            }
        }
    }
}
