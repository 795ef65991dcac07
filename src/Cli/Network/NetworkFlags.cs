using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using System.Net.Sockets;
using HyperActors.Actors;
using HyperActors.Cli.Commands;
using HyperActors.Cli.Parsing;
using HyperActors.Crypto;

namespace HyperActors.Cli.Network;

/// <summary>The options that say which network a node joins, and where it listens.</summary>
internal sealed class NetworkFlags
{
    private const int MaxPort = 65_535;

    private readonly int _defaultPort;
    private readonly bool _connects;

    /// <param name="command">Gets the options.</param>
    /// <param name="defaultPort">The port when none is named.</param>
    /// <param name="connects">True where peers are connected to: relays can be named then.</param>
    public NetworkFlags(Command command, int defaultPort, bool connects = false)
    {
        _defaultPort = defaultPort;
        _connects = connects;
        Port = new Option<int?>("--port")
        {
            Description = defaultPort == 0
                ? "The port to listen on [default: a free one]"
                : $"The port to listen on; 0 takes a free one [default: {defaultPort}, or one of the next four]",
            HelpName = "P",
            CustomParser = ArgumentReader.One<int?>(ReadPort),
        };
        command.Options.Add(Host);
        command.Options.Add(Port);
        command.Options.Add(Address);
        command.Options.Add(Bootstrap);
        if (connects)
        {
            command.Options.Add(Relays);
        }
    }

    private Option<string?> Host { get; } = new("--host")
    {
        Description = "The IPv4 address to listen on: 127.0.0.1 stays on this machine [default: 0.0.0.0, every interface]",
        HelpName = "ADDR",
        CustomParser = ArgumentReader.One<string?>(ReadHost),
    };

    private Option<int?> Port { get; }

    private Option<HostPort?> Address { get; } = new("-a")
    {
        Description = "Short for --host and --port",
        HelpName = "HOST:PORT",
        CustomParser = ArgumentReader.One<HostPort?>(ReadAddress),
    };

    private Option<string[]> Bootstrap { get; } = new("--bootstrap", "-b")
    {
        Description = "A node to enter the network through; may be given several times [default: those of the public network]",
        HelpName = "HOST:PORT",
        AllowMultipleArgumentsPerToken = false,
        CustomParser = ReadBootstrap,
    };

    private Option<string[]> Relays { get; } = new("--relay-through")
    {
        Description = "A node to go through where no direct way to a peer is found; may be given several times",
        HelpName = "KEY",
        AllowMultipleArgumentsPerToken = false,
        CustomParser = result =>
        {
            var read = new List<string>();
            foreach (string text in result.Tokens.Select(token => token.Value))
            {
                if (ArgumentReader.Peer(text, out PublicKey? key, out string? error))
                {
                    read.Add(key!.Value.ToString());
                }
                else
                {
                    result.AddError(error);
                }
            }

            return [.. read];
        },
    };

    /// <summary>Their names, for messages.</summary>
    public const string Names = "--host, --port, -a, --bootstrap and --relay-through";

    /// <summary>True when one of them is on the command line.</summary>
    public bool AreGiven(CommandResult result) =>
        result.GetResult(Host) is not null || result.GetResult(Port) is not null
        || result.GetResult(Address) is not null || result.GetResult(Bootstrap) is not null
        || result.GetResult(Relays) is not null;

    /// <summary>What the command line says; nothing beyond it is decided here.</summary>
    public NetworkOptions Read(VerbContext context)
    {
        HostPort? address = context.Get(Address);
        if (address is not null && (context.Get(Host) is not null || context.Get(Port) is not null))
        {
            throw CliException.Usage("-a stands for --host and --port: give it alone");
        }

        int? port = address?.Port ?? context.Get(Port);
        var options = new NetworkOptions { Port = port ?? _defaultPort, IsPortFixed = port is > 0 };
        if ((address?.Host ?? context.Get(Host)) is { } host)
        {
            options.Host = host;
        }

        if (context.Get(Bootstrap) is { Length: > 0 } bootstrap)
        {
            options.Bootstrap = bootstrap;
        }

        if (_connects && context.Get(Relays) is { Length: > 0 } relays)
        {
            options.RelayThrough = relays;
        }

        return options;
    }

    /// <summary>The parser of an option that names nodes to enter through.</summary>
    public static string[] ReadBootstrap(ArgumentResult result)
    {
        var read = new List<string>();
        foreach (string text in result.Tokens.Select(token => token.Value))
        {
            if (BootstrapAddress.TryRead(text, out string? address, out string? error))
            {
                read.Add(address!);
            }
            else
            {
                result.AddError(error);
            }
        }

        return [.. read];
    }

    private static bool ReadHost(string text, out string? host, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? error)
    {
        bool isRead = IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork;
        host = text;
        error = isRead ? null : $"'{text}' is not an IPv4 address: 0.0.0.0 is every interface, 127.0.0.1 this machine alone.";
        return isRead;
    }

    private static bool ReadPort(string text, out int? port, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? error)
    {
        bool isRead = int.TryParse(
            text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) && number <= MaxPort;
        port = number;
        error = isRead ? null : $"'{text}' is not a port: a port is a number from 0 to {MaxPort}.";
        return isRead;
    }

    private static bool ReadAddress(string text, out HostPort? address, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? error)
    {
        bool isRead = HostPort.TryParse(text, out HostPort read, out error);
        address = read;
        return isRead && ReadHost(read.Host, out _, out error);
    }
}
