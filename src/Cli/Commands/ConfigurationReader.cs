using System.CommandLine;
using HyperActors.Cli.Completion;
using HyperActors.Daemon;

namespace HyperActors.Cli.Commands;

/// <summary>The configuration as a command line finds it: its own flags, the environment, a file.</summary>
internal static class ConfigurationReader
{
    public static Option<string?> FileOption() => new("--config")
    {
        Description = "The configuration [default: $HYPERACTORS_CONFIG, else hyperactors.json in the storage, when it is there]",
        HelpName = "FILE",
        CompletionSources = { Suggest.Files },
    };

    public static Option<string[]> SetOption() => new("--set")
    {
        Description = "Set one value of the configuration; may be given several times",
        HelpName = "KEY=VALUE",
        AllowMultipleArgumentsPerToken = false,
        CompletionSources = { Suggest.Settings },
    };

    /// <summary>The file to read; null when there is none.</summary>
    public static string? FileOf(VerbContext context, Option<string?> option)
    {
        string? named = context.Get(option) ?? context.Host.Variable("HYPERACTORS_CONFIG");
        if (!string.IsNullOrEmpty(named))
        {
            return Path.GetFullPath(named);
        }

        string usual = Path.Combine(context.StoragePath, "hyperactors.json");
        return File.Exists(usual) ? usual : null;
    }

    public static void AddSets(VerbContext context, Option<string[]> option, List<(string Key, string Value, string Flag)> flags)
    {
        foreach (string set in context.Get(option) ?? [])
        {
            int equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw CliException.Usage($"--set takes KEY=VALUE, not '{set}'");
            }

            flags.Add((set[..equals], set[(equals + 1)..], $"--set {set[..equals]}"));
        }
    }

    /// <summary>Reads it all. The storage is said by its own option, unless the file or the environment says it and the option does not.</summary>
    public static Configuration Load(VerbContext context, string? file, IReadOnlyList<(string Key, string Value, string Flag)> flags)
    {
        List<(string, string, string)> all = [.. flags];
        Configuration configuration = Configuration.Load(file, context.Host.Variables(), all);
        bool isSaid = configuration.Settings.First(s => s.Key == "node.storagePath").Origin != "default";
        if (isSaid && !context.IsStorageGiven)
        {
            return configuration;
        }

        all.Add(("node.storagePath", context.StoragePath, context.IsStorageGiven ? "--storage" : "the usual place"));
        return Configuration.Load(file, context.Host.Variables(), all);
    }
}
