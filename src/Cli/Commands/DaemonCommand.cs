using System.CommandLine;
using System.Globalization;
using System.Net;
using HyperActors.Api;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Network;
using HyperActors.Cli.Node;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Daemon;

namespace HyperActors.Cli.Commands;

/// <summary><c>daemon</c>: a node behind a local API, until stopped.</summary>
internal sealed class DaemonCommand : Verb
{
    private readonly Option<string?> _name = new("--host", "-h")
    {
        Description = "The name under which clients on this machine find the daemon [default: hyperactors]",
        HelpName = "NAME",
    };

    private readonly Option<HostPort?> _address = new("--address", "-a")
    {
        Description = "The address of the socket for the DHT and for connections",
        HelpName = "HOST:PORT",
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    private readonly Option<string[]> _bootstrap = new("--bootstrap", "-b")
    {
        Description = "A node that the network is entered through; may be given several times",
        HelpName = "HOST:PORT",
        AllowMultipleArgumentsPerToken = false,
        CustomParser = NetworkFlags.ReadBootstrap,
    };

    private readonly Option<int?> _port = new("--port", "-p")
    {
        Description = "Open the API on this port of the loopback address too; 0 takes a free one",
        HelpName = "PORT",
    };

    private readonly Option<string[]> _tcp = new("--tcp")
    {
        Description = "Take peers on this TCP address; may be given several times",
        HelpName = "ADDRESS:PORT",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _config = ConfigurationReader.FileOption();

    private readonly Option<string[]> _set = ConfigurationReader.SetOption();

    private readonly Option<string?> _logLevel = new("--log-level")
    {
        Description = "The least important lines of the log: trace, debug, information, warning, error, critical, none",
        HelpName = "LEVEL",
        CompletionSources = { Suggest.LogLevels },
    };

    public DaemonCommand(CliHost host, GlobalOptions globals)
        : base("daemon", "Run a node with a local API, until stopped; it takes up again what it did before", host, globals)
    {
        Options.Add(_name);
        Options.Add(_address);
        Options.Add(_bootstrap);
        Options.Add(_port);
        Options.Add(_tcp);
        Options.Add(_config);
        Options.Add(_set);
        Options.Add(_logLevel);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "daemon",
        "daemon -s DIR1 -h hs1 -a 127.0.0.1:3402 -b 127.0.0.1:3401 -p 7001",
        "daemon --config /etc/hyperactors.json --json --log-level debug",
        "daemon --set node.connections.maxConnections=200",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Locked, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        CliHost host = context.Host;
        string? file = ConfigurationReader.FileOf(context, _config);
        List<(string Key, string Value, string Flag)> flags = ReadFlags(context);
        Configuration Load() => ConfigurationReader.Load(context, file, flags);

        var daemon = new DaemonProcess(Load, Daemons.Registry(host), host.Variable, host.Clock);
        await daemon.RunAsync(
            host.OnHangup,
            (address, node) =>
            {
                Tell(context.Printer, address, node);
                return Task.CompletedTask;
            },
            cancellationToken);
        return ExitCode.Ok;
    }

    private static void Tell(Printer printer, DaemonAddress address, NodeDto node)
    {
        string? url = address.Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}") : null;
        printer.Json(
            new ReadyEvent(address.Name, address.Storage, node.PublicKey, address.Socket, url, address.ProcessId),
            ResultJson.Default.ReadyEvent);
        printer.Line($"name        {address.Name}");
        printer.Line($"storage     {address.Storage}");
        printer.Line($"public key  {node.PublicKey}");
        printer.Line($"API         {address.Socket}");
        if (url is not null)
        {
            printer.Line($"            {url} (the token is in {Path.Combine(address.Storage, TokenFile.Name)})");
        }
    }

    private List<(string Key, string Value, string Flag)> ReadFlags(VerbContext context)
    {
        var flags = new List<(string, string, string)>();
        ConfigurationReader.AddSets(context, _set, flags);
        Add("name", context.Get(_name), "-h");
        Add("api.port", context.Get(_port)?.ToString(CultureInfo.InvariantCulture), "-p");
        Add("log.level", context.Get(_logLevel), "--log-level");
        Add("log.json", context.Printer.IsJson ? "true" : null, "--json");
        if (context.Get(_tcp) is { Length: > 0 } listen)
        {
            Add("listen", string.Join(',', listen), "--tcp");
        }

        if (context.Get(_address) is { } address)
        {
            if (!IPAddress.TryParse(address.Host, out _))
            {
                throw CliException.Usage($"-a takes an address of this machine, such as 0.0.0.0:49737, not the name '{address.Host}'");
            }

            Add("node.network.host", address.Host, "-a");
            Add("node.network.port", address.Port.ToString(CultureInfo.InvariantCulture), "-a");
            Add("node.network.isPortFixed", address.Port == 0 ? "false" : "true", "-a");
        }

        if (context.Get(_bootstrap) is { Length: > 0 } bootstrap)
        {
            Add("node.network.bootstrap", string.Join(',', bootstrap), "-b");
        }

        return flags;

        void Add(string key, string? value, string flag)
        {
            if (value is not null)
            {
                flags.Add((key, value, flag));
            }
        }
    }
}
