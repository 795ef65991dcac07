using System.CommandLine;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Cli.Parsing;

namespace HyperActors.Cli.Commands;

/// <summary>The options of a verb that takes either TCP or a UDX stream whose two ends are named.</summary>
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

    public TransportChoice(Command verb, string tcpDescription)
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
        verb.Validators.Add(result =>
        {
            bool hasTcp = result.GetResult(_tcp) is not null;
            bool hasUdx = result.GetResult(_udx) is not null;
            bool hasPeer = result.GetResult(_peer) is not null;
            if (hasTcp == hasUdx)
            {
                result.AddError($"{verb.Path()} takes either --tcp HOST:PORT or --udx HOST:PORT with --udx-peer HOST:PORT; see {verb.Path()} --help");
            }
            else if (hasUdx != hasPeer)
            {
                result.AddError("--udx is our own address and --udx-peer the other side's: a UDX stream needs both");
            }
        });
    }

    /// <summary>The address of <c>--tcp</c>; null when it is UDX.</summary>
    public HostPort? Tcp(VerbContext context) => context.Get(_tcp);

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
