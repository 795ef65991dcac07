using System.CommandLine;
using System.Globalization;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht ping HOST:PORT</c>: whether one node is there.</summary>
internal sealed class DhtPingCommand : Verb
{
    private readonly NetworkFlags _network;

    private readonly Argument<HostPort?> _address = new("HOST:PORT")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "The node to ask",
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    public DhtPingCommand(CliHost host, GlobalOptions globals)
        : base("ping", "Ask one node whether it is there", host, globals)
    {
        Arguments.Add(_address);
        _network = new NetworkFlags(this, 0);
    }

    public override IReadOnlyList<string> Examples => ["dht ping 127.0.0.1:49737", "dht ping node1.example.org:49737 --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        IPEndPoint address = await context.Get(_address)!.Value.ResolveAsync(cancellationToken);
        NetworkOptions network = _network.Read(context);
        network.Bootstrap ??= [];
        network.IsEphemeral = true;
        await using var host = DhtHost.Start();
        IDht dht = await host.AddAsync(network, null, cancellationToken);
        TimeSpan took = await dht.PingAsync(address, cancellationToken) ?? throw CliException.Peer($"no node answers at {address}");
        double milliseconds = Math.Round(took.TotalMilliseconds, 2);
        context.Printer.Line(string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.##} ms"));
        context.Printer.Json(new DhtPingResult(address.ToString(), milliseconds), ResultJson.Default.DhtPingResult);
        return ExitCode.Ok;
    }
}
