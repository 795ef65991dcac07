using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Demo;

/// <summary>A JavaScript Hypercore 11 in a process of its own, where Node and the npm packages are installed.</summary>
internal sealed class JsPeer
{
    /// <summary>Names the folder whose <c>node_modules</c> hold the packages, or a file in it.</summary>
    public const string FolderVariable = "HYPERACTORS_JS_PEER";

    private const string Script = "js-peer.cjs";

    private static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(10);

    private readonly string _packages;

    private JsPeer(string packages) => _packages = packages;

    /// <summary>The peer, or why there is none.</summary>
    public static (JsPeer? Peer, string? WhyNot) Find(CliHost host)
    {
        if (!HasNode())
        {
            return (null, "Node is not installed");
        }

        string? named = host.Variable(FolderVariable);
        IEnumerable<string> folders = string.IsNullOrEmpty(named)
            ? Checkout.Above(AppContext.BaseDirectory).Select(folder => Path.Combine(folder, "tests", "Interop.Tests", "js"))
            : [Directory.Exists(named) ? named : Path.GetDirectoryName(Path.GetFullPath(named))!];
        string? packages = folders.FirstOrDefault(folder => Directory.Exists(Path.Combine(folder, "node_modules", "hyperswarm")));
        return packages is null
            ? (null, $"the npm packages are not installed; ./build.sh demo installs them, or {FolderVariable} names their folder")
            : (new JsPeer(packages), null);
    }

    /// <summary>Lets the peer download the first <paramref name="length"/> blocks of a feed from whoever it meets at its topic.</summary>
    /// <param name="folder">For its store.</param>
    /// <param name="bootstrap">A node of the DHT to look in.</param>
    /// <param name="key">The feed.</param>
    /// <param name="length">How many blocks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CliException">It could not; the message says why.</exception>
    public async Task<JsPeerResult> DownloadAsync(
        string folder, IPEndPoint bootstrap, FeedKey key, ulong length, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(MaxTime);
        using Process process = Start(
            "-",
            _packages,
            folder,
            bootstrap.Address.ToString(),
            bootstrap.Port.ToString(CultureInfo.InvariantCulture),
            key.ToHex(),
            length.ToString(CultureInfo.InvariantCulture));
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
            await using (Stream script = typeof(JsPeer).Assembly.GetManifestResourceStream(Script)!)
            {
                await script.CopyToAsync(process.StandardInput.BaseStream, limit.Token);
            }

            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0
                ? JsonSerializer.Deserialize(await output, ResultJson.Default.JsPeerResult)!
                : throw new CliException(ExitCode.Failed, $"the JavaScript peer failed: {(await error).Trim()}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CliException(ExitCode.Failed, $"the JavaScript peer took longer than {MaxTime.TotalMinutes:0} minutes");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static bool HasNode()
    {
        try
        {
            using Process process = Start("--version");
            process.StandardInput.Close();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("node")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
