using System.CommandLine;
using System.Globalization;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Network;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>doctor</c>: how this machine stands in the network, and what to do about it.</summary>
internal sealed class DoctorCommand : Verb
{
    private const int Asked = 5;

    /// <summary>As long as the first questions of a node may take, lost packets included.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly NetworkFlags _network;

    public DoctorCommand(CliHost host, GlobalOptions globals)
        : base("doctor", "Tell how others reach this machine, how far the nearest nodes are, and what to do about it", host, globals) =>
        _network = new NetworkFlags(this, NetworkOptions.DefaultPort);

    public override IReadOnlyList<string> Examples => ["doctor", "doctor --json", "doctor --port 49737 -b 127.0.0.1:49737"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        NetworkOptions network = _network.Read(context);
        await using var host = DhtHost.Start();
        IDht dht = await host.AddAsync(network, null, cancellationToken);
        try
        {
            await dht.WaitUntilReadyAsync(cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Then it is told what is known by now.
        }

        DhtInfo info = await dht.GetInfoAsync(cancellationToken);
        var nearest = new List<DoctorNode>();
        foreach (DhtContact contact in info.Nearest.Take(Asked))
        {
            TimeSpan? took = await dht.PingAsync(contact.Address, cancellationToken);
            nearest.Add(new DoctorNode(
                contact.Address.ToString(), contact.SharedBits, took is { } time ? Math.Round(time.TotalMilliseconds, 2) : null));
        }

        // Asked once more: the test of the firewall may have ended since, when its answer was slower than the others.
        info = await dht.GetInfoAsync(cancellationToken);
        DoctorResult result = Judge(info, network, nearest);
        context.Printer.Json(result, ResultJson.Default.DoctorResult);
        foreach (string line in Print(result, context.Printer.Palette))
        {
            context.Printer.Line(line);
        }

        return result.Contacts > 0 ? ExitCode.Ok : ExitCode.Peer;
    }

    /// <summary>What the findings mean.</summary>
    internal static DoctorResult Judge(DhtInfo info, NetworkOptions network, IReadOnlyList<DoctorNode> nearest)
    {
        int contacts = info.Buckets.Sum(bucket => bucket.Contacts);
        int port = info.LocalAddress?.Port ?? network.Port;
        var advice = new List<string>();
        string verdict = "good";
        if (contacts == 0)
        {
            verdict = "offline";
            advice.Add(
                $"Nobody answered of {string.Join(", ", network.Bootstrap ?? [.. NetworkOptions.PublicBootstrap])}: check the way to the Internet, "
                + "that UDP may leave this network, and the addresses of --bootstrap.");
        }
        else if (info.Nat == NatKind.Random)
        {
            verdict = "limited";
            advice.Add(
                "The network translator gives every destination another port: peers behind such a one too are reached through a relay alone, "
                + $"and others only after some time. Forward UDP port {port} to this machine, or turn the router's symmetric NAT off.");
        }
        else if (info.Nat == NatKind.Unknown)
        {
            verdict = "limited";
            advice.Add("Too few nodes answered to tell what kind of network translator there is; run it again, or with more nodes in the network.");
        }
        else if (info.IsFirewalled)
        {
            advice.Add(
                $"Peers get through once both sides have sent to each other, which happens by itself. To be reached at once, forward UDP port {port} to this machine.");
        }
        else
        {
            advice.Add("Everybody can send to this machine. Nothing has to be done.");
        }

        if (nearest.Count > 0 && nearest.All(node => node.Milliseconds is null))
        {
            verdict = "limited";
            advice.Add("None of the nearest nodes answered just now: the connection loses much, or it has just changed.");
        }

        if (info.IsDegraded)
        {
            verdict = "limited";
            advice.Add("More than half of all requests are lost.");
        }

        return new DoctorResult(
            verdict, info.LocalAddress?.ToString(), info.PublicAddress?.ToString(), Words.Nat(info.Nat), info.IsFirewalled, contacts, nearest, advice);
    }

    private static IEnumerable<string> Print(DoctorResult result, Palette palette)
    {
        yield return $"verdict    {(result.Verdict switch
        {
            "good" => palette.Good(result.Verdict),
            "limited" => palette.Warning(result.Verdict),
            _ => palette.Bad(result.Verdict),
        })}";
        yield return $"listening  {result.LocalAddress ?? "-"}";
        yield return $"seen at    {result.PublicAddress ?? "-"}";
        yield return $"nat        {result.Nat}";
        yield return $"reachable  {(result.Firewalled ? "after this machine has sent first" : "by everybody")}";
        yield return $"contacts   {result.Contacts.ToString(CultureInfo.InvariantCulture)}";
        foreach (DoctorNode node in result.Nearest)
        {
            string time = node.Milliseconds is { } milliseconds
                ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.##} ms")
                : "no answer";
            yield return $"nearest    {node.Address}, {time}, {node.SharedBits.ToString(CultureInfo.InvariantCulture)} bits of its id are ours";
        }

        foreach (string advice in result.Advice)
        {
            yield return advice;
        }
    }
}
