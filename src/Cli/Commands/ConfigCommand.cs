using System.CommandLine;
using HyperActors.Api;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>config</c>: what a daemon would be told.</summary>
internal sealed class ConfigCommand : Command
{
    public ConfigCommand(CliHost host, GlobalOptions globals)
        : base("config", "What a daemon on the storage is told, and by whom")
    {
        Subcommands.Add(new ConfigShowCommand(host, globals));
        this.ShowHelpWithoutVerb(globals);
    }
}

/// <summary><c>config show</c>: every setting with its value.</summary>
internal sealed class ConfigShowCommand : Verb
{
    private readonly Argument<string?> _setting = new("SETTING")
    {
        Description = "Only settings whose names begin so [default: all]",
        HelpName = "SETTING",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _origin = new("--origin") { Description = "Show where each value comes from, and what may stand there" };

    private readonly Option<string?> _config = ConfigurationReader.FileOption();

    private readonly Option<string[]> _set = ConfigurationReader.SetOption();

    public ConfigShowCommand(CliHost host, GlobalOptions globals)
        : base("show", "Show every setting with its value", host, globals)
    {
        _setting.CompletionSources.Add(Suggest.SettingNames);
        Arguments.Add(_setting);
        Options.Add(_origin);
        Options.Add(_config);
        Options.Add(_set);
    }

    public override IReadOnlyList<string> Examples =>
        ["config show", "config show log --origin", "config show --config hyperactors.json --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound];

    protected override Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        var flags = new List<(string Key, string Value, string Flag)>();
        ConfigurationReader.AddSets(context, _set, flags);
        string wanted = context.Get(_setting) ?? string.Empty;
        SettingDto[] settings =
        [
            .. ConfigurationReader.Load(context, ConfigurationReader.FileOf(context, _config), flags).Settings
                .Where(s => s.Key.StartsWith(wanted, StringComparison.OrdinalIgnoreCase)),
        ];
        if (settings.Length == 0)
        {
            throw CliException.NotFound($"there is no setting '{wanted}'; hyperactors config show lists all");
        }

        context.Printer.Json(
            [.. settings.Select(s => new SettingResult(s.Key, s.Value, s.Default, s.Origin, s.Allowed, s.Reloadable))],
            ResultJson.Default.SettingResultArray);
        TextTable table = context.Get(_origin)
            ? new TextTable("SETTING", "VALUE", "ORIGIN", "ALLOWED")
            : new TextTable("SETTING", "VALUE");
        foreach (SettingDto setting in settings)
        {
            string value = setting.Value.Length == 0 ? "-" : setting.Value;
            if (context.Get(_origin))
            {
                table.Add(setting.Key, value, setting.Origin, setting.Allowed);
            }
            else
            {
                table.Add(setting.Key, value);
            }
        }

        context.Printer.Table(table);
        return Task.FromResult(ExitCode.Ok);
    }
}
