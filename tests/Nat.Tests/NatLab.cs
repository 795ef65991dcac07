using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace HyperActors.Nat.Tests;

/// <summary>An internet of network namespaces: public hosts on one bridge, and private hosts behind translators of every kind.</summary>
/// <remarks>
/// <code>
/// public hosts 45.10.n.1 ---- bridge ---- 45.20.n.1 router n 192.168.1.1 ---- 192.168.1.2 host n
/// </code>
/// Routers translate with nftables. What nobody asked for is dropped before translation: connection tracking would otherwise
/// take it for a conversation of the router's own and give the port to nobody else. Nothing leaves the machine, and all of it
/// is gone with the lab.
/// </remarks>
internal sealed class NatLab : IAsyncDisposable
{
    private const string HostBehind = "192.168.1.2";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Lazy<string?> Missing = new(FindWhatIsMissing);

    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"ha{Environment.ProcessId}");
    private readonly List<string> _namespaces = [];
    private readonly List<Process> _processes = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-nat-").FullName;
    private int _hosts;

    private NatLab()
    {
    }

    /// <summary>Why there can be no lab on this machine; null when there can.</summary>
    public static string? SkipReason => Missing.Value;

    /// <summary>The namespace of the public hosts.</summary>
    public string Internet => _prefix + "-inet";

    /// <summary>Builds the internet with so many public hosts.</summary>
    public static async Task<NatLab> StartAsync(int publicHosts)
    {
        var lab = new NatLab();
        try
        {
            var script = new StringBuilder();
            lab.AddNamespace(script, lab.Internet);
            script.AppendLine(CultureInfo.InvariantCulture, $"ip -n {lab.Internet} link add br0 type bridge");
            script.AppendLine(CultureInfo.InvariantCulture, $"ip -n {lab.Internet} link set br0 up");
            for (int i = 0; i < publicHosts; i++)
            {
                script.AppendLine(CultureInfo.InvariantCulture, $"ip -n {lab.Internet} addr add {PublicHost(i)}/8 dev br0");
            }

            await RunScriptAsync(script);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>The address of a public host: each in a network of its own, as strangers are.</summary>
    public static string PublicHost(int index) => string.Create(CultureInfo.InvariantCulture, $"45.10.{index + 1}.1");

    /// <summary>Puts a host behind a translator of its own.</summary>
    /// <returns>The host's namespace.</returns>
    public async Task<string> AddHostAsync(NatBehaviour behaviour)
    {
        int number = ++_hosts;
        string id = number.ToString(CultureInfo.InvariantCulture);
        string router = $"{_prefix}-r{id}";
        string host = $"{_prefix}-h{id}";
        string outside = $"45.20.{id}.1";
        var script = new StringBuilder();
        AddNamespace(script, router);
        AddNamespace(script, host);
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            ip -n {router} link add wan type veth peer name w{id} netns {Internet}
            ip -n {Internet} link set w{id} master br0 up
            ip -n {router} link set wan up
            ip -n {router} addr add {outside}/8 dev wan
            ip -n {router} link add lan type veth peer name eth0 netns {host}
            ip -n {router} link set lan up
            ip -n {router} addr add 192.168.1.1/24 dev lan
            ip -n {host} link set eth0 up
            ip -n {host} addr add {HostBehind}/24 dev eth0
            ip -n {host} route add default via 192.168.1.1
            ip netns exec {router} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
            ip netns exec {router} nft -f - <<'RULES'
            {RulesOf(behaviour, outside)}
            RULES
            """);
        await RunScriptAsync(script);
        return host;
    }

    /// <summary>A folder for what a host keeps; it is gone with the lab.</summary>
    public string FolderFor(string host) => Path.Combine(_folder, host);

    /// <summary>Starts a program in a namespace; it ends with the lab at the latest.</summary>
    public Process Start(string inNamespace, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("ip")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in new[] { "netns", "exec", inNamespace, program }.Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        lock (_processes)
        {
            _processes.Add(process);
        }

        return process;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync().WaitAsync(Patience);
            process.Dispose();
        }

        var script = new StringBuilder();
        foreach (string name in _namespaces)
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"ip netns del {name} 2>/dev/null || true");
        }

        await RunScriptAsync(script);
        Directory.Delete(_folder, recursive: true);
    }

    // Sets that forget after a minute stand for the table of a real translator; the kernel's own tracking does the rest.
    private static string RulesOf(NatBehaviour behaviour, string outside)
    {
        // A port is open to somebody from the moment that something was sent from it; what differs is to whom.
        return behaviour switch
        {
            NatBehaviour.FullCone => Cone("inet_service", "udp sport", "udp dport"),
            NatBehaviour.AddressRestricted => Cone("ipv4_addr . inet_service", "ip daddr . udp sport", "ip saddr . udp dport"),
            NatBehaviour.PortRestricted => Cone(
                "ipv4_addr . inet_service . inet_service", "ip daddr . udp dport . udp sport", "ip saddr . udp sport . udp dport"),
            _ => """
                table ip lab {
                chain in { type filter hook prerouting priority mangle; iifname "wan" ct state new drop; }
                chain post { type nat hook postrouting priority srcnat; oifname "wan" meta l4proto udp masquerade random,fully-random; }
                }
                """,
        };

        string Cone(string type, string sentTo, string cameFrom) => $$"""
            table ip lab {
            set seen { type {{type}}; flags dynamic,timeout; timeout 60s; size 65535; }
            chain out { type filter hook forward priority filter; oifname "wan" meta l4proto udp update @seen { {{sentTo}} }; }
            chain in { type filter hook prerouting priority raw; iifname "wan" meta l4proto udp {{cameFrom}} != @seen drop; }
            chain pre { type nat hook prerouting priority dstnat; iifname "wan" meta l4proto udp dnat to {{HostBehind}}; }
            chain post { type nat hook postrouting priority srcnat; oifname "wan" meta l4proto udp snat to {{outside}}; }
            }
            """;
    }

    private static string? FindWhatIsMissing()
    {
        foreach (string tool in new[] { "ip", "nft" })
        {
            if (!new[] { "/usr/sbin", "/usr/bin", "/sbin", "/bin" }.Any(folder => File.Exists(Path.Combine(folder, tool))))
            {
                return $"needs network namespaces with translators: '{tool}' is missing (apt-get install iproute2 nftables)";
            }
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"ha{Environment.ProcessId}-try");
        using Process attempt = Process.Start(new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", $"ip netns add {name} && ip netns exec {name} nft list ruleset; e=$?; ip netns del {name}; exit $e" },
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        string error = attempt.StandardError.ReadToEnd();
        attempt.WaitForExit();
        return attempt.ExitCode == 0 ? null : $"needs network namespaces, which this machine does not allow: {error.Trim()}";
    }

    private static async Task RunScriptAsync(StringBuilder script)
    {
        using Process shell = Process.Start(new ProcessStartInfo("sh")
        {
            ArgumentList = { "-e" },
            RedirectStandardInput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        await shell.StandardInput.WriteAsync(script.ToString());
        shell.StandardInput.Close();
        string error = await shell.StandardError.ReadToEndAsync().WaitAsync(Patience);
        await shell.WaitForExitAsync().WaitAsync(Patience);
        if (shell.ExitCode != 0)
        {
            throw new InvalidOperationException($"the lab could not be built: {error}");
        }
    }

    private void AddNamespace(StringBuilder script, string name)
    {
        _namespaces.Add(name);
        script.AppendLine(CultureInfo.InvariantCulture, $"ip netns add {name}");
        script.AppendLine(CultureInfo.InvariantCulture, $"ip -n {name} link set lo up");
    }
}
