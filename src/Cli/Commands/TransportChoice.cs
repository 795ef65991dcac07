using System.CommandLine;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;

namespace HyperActors.Cli.Commands;

/// <summary>The options of a verb that meets peers at a feed's topic, or is given an address: TCP, or a UDX stream whose two ends are named.</summary>
/// <remarks>UDX has no handshake of its own: the stream of the side that serves has the id 1, that of the one that downloads 2.</remarks>
internal sealed class TransportChoice
{
    private const uint ServingId = 1;
    private const uint DownloadingId = 2;

    private readonly Option<HostPort?> _udx = new("--udx")
    {
        Description = "Instead of TCP, a UDX stream from this address of ours",
        HelpName = "HOST:PORT",
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    private readonly Option<HostPort?> _peer = new("--udx-peer")
    {
        Description = "With --udx: the address of the other side",
        HelpName = "HOST:PORT",
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    private readonly Option<HostPort?> _tcp;
    private readonly NetworkFlags _network;

    /// <param name="verb">Gets the options.</param>
    /// <param name="tcpDescription">What <c>--tcp</c> means to it.</param>
    /// <param name="defaultPort">The UDP port when it meets peers at a topic and none is named.</param>
    public TransportChoice(Command verb, string tcpDescription, int defaultPort)
    {
        _tcp = new Option<HostPort?>("--tcp")
        {
            Description = tcpDescription,
            HelpName = "HOST:PORT",
            CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
        };
        verb.Options.Add(_tcp);
        verb.Options.Add(_udx);
        verb.Options.Add(_peer);
        _network = new NetworkFlags(verb, defaultPort, connects: true);
        verb.Validators.Add(result =>
        {
            bool hasTcp = result.GetResult(_tcp) is not null;
            bool hasUdx = result.GetResult(_udx) is not null;
            bool hasPeer = result.GetResult(_peer) is not null;
            if (hasTcp && hasUdx)
            {
                result.AddError(
                    $"{verb.Path()} takes either --tcp HOST:PORT or --udx HOST:PORT with --udx-peer HOST:PORT, or neither to meet peers at a topic; "
                    + $"see {verb.Path()} --help");
            }
            else if ((hasTcp || hasUdx) && _network.AreGiven(result))
            {
                result.AddError($"{(hasTcp ? "--tcp" : "--udx")} names an address: {NetworkFlags.Names} say which network to meet peers in");
            }
            else if (hasUdx != hasPeer)
            {
                result.AddError("--udx is our own address and --udx-peer the other side's: a UDX stream needs both");
            }
        });
    }

    /// <summary>The address of <c>--tcp</c>; null when it is UDX.</summary>
    public HostPort? Tcp(VerbContext context) => context.Get(_tcp);

    /// <summary>The network to meet peers in; null when an address is given.</summary>
    public NetworkOptions? Network(VerbContext context) =>
        context.Get(_tcp) is null && context.Get(_udx) is null ? _network.Read(context) : null;

    /// <summary>The two ends of the stream, ours first.</summary>
    public async ValueTask<UdxRoute> RouteAsync(VerbContext context, bool isServing, CancellationToken cancellationToken)
    {
        IPEndPoint local = await ResolveAsync(context.Get(_udx)!.Value, cancellationToken);
        IPEndPoint remote = await ResolveAsync(context.Get(_peer)!.Value, cancellationToken);
        return isServing ? new UdxRoute(local, ServingId, remote, DownloadingId) : new UdxRoute(local, DownloadingId, remote, ServingId);
    }

    private static async ValueTask<IPEndPoint> ResolveAsync(HostPort address, CancellationToken cancellationToken) => address.Port == 0
        ? throw new CliException(ExitCode.Usage, $"'{address}' has no port of its own: both sides of a UDX stream must know each other's")
        : await address.ResolveAsync(cancellationToken);
}
