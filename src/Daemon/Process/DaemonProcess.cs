using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;
using HyperActors.Catalog;
using Microsoft.Extensions.Logging.Console;

namespace HyperActors.Daemon;

/// <summary>A daemon from its start to its end: the node, what it takes up again, the API, and the words to those who wait for it.</summary>
public sealed class DaemonProcess
{
    private const string WebHost = "Microsoft.Extensions.Hosting.Internal.Host";

    private readonly Func<Configuration> _load;
    private readonly NameRegistry _names;
    private readonly ServiceManager _manager;
    private readonly TimeProvider _clock;
    private Configuration _configuration;

    /// <param name="load">Reads the configuration: now, and again at each reload.</param>
    /// <param name="names">Where clients on this machine look for daemons.</param>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="clock">The time.</param>
    /// <exception cref="ConfigurationException">Something in the configuration is unknown or out of range.</exception>
    public DaemonProcess(Func<Configuration> load, NameRegistry names, Func<string, string?> variable, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(load);
        _load = load;
        _names = names;
        _manager = new ServiceManager(variable);
        _clock = clock;
        _configuration = load();
    }

    /// <summary>Runs until <paramref name="stop"/>, or until somebody asks the API to stop.</summary>
    /// <param name="reloads">Hears how to make the daemon read its configuration again.</param>
    /// <param name="started">Hears when the daemon can be used.</param>
    /// <param name="stop">Stops it.</param>
    public async Task RunAsync(Action<Action> reloads, Func<DaemonAddress, NodeDto, Task> started, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(reloads);
        ArgumentNullException.ThrowIfNull(started);
        DaemonOptions options = _configuration.Options;
        var levels = new LogLevels(options.Log);
        using var events = new NotableEvents(_clock);
        using ILoggerFactory loggers = MakeLoggers(options.Log, levels, events);
        ILogger log = loggers.CreateLogger("HyperActors.Daemon");
        using IDisposable? telemetry = Telemetry.Start(options.Telemetry, options.Name);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);

        options.Node.LoggerFactory = loggers;
        options.Node.StoragePath = Path.GetFullPath(options.Node.StoragePath);
        (HyperNode node, ApiServer api) = await OpenAsync(options, loggers, stop);
        await using HyperNode nodeUntilTheEnd = node;
        await using var keeper = new Keeper(node, NodeMemory.Open(Path.Combine(options.Node.StoragePath, "catalog.db")), log, _clock);
        Action<IReadOnlyDictionary<string, string>> change = static _ => { };
        using var daemon = new DaemonNode
        {
            Node = node,
            Name = options.Name,
            StoragePath = options.Node.StoragePath,
            Actors = node.LookAtActors,
            Settings = () => _configuration.Settings,
            ChangeSettings = changes => change(changes),
            Stop = ending.Cancel,
            Events = events,
            Clock = _clock,
            Started = _clock.GetTimestamp(),
            Keeper = keeper,
        };
        await using ApiServer apiUntilTheEnd = api;
        foreach (string address in options.Listen)
        {
            Log.ListeningTcp(log, await node.ListenTcpAsync(IPEndPoint.Parse(address), stop));
        }

        await api.StartAsync(daemon, stop);
        var reached = new DaemonAddress(options.Name, options.Node.StoragePath, api.SocketPath, api.Port, Environment.ProcessId);
        await CheckNameAsync(reached);
        NameRegistry.WriteToStorage(reached);
        _names.Add(reached);
        try
        {
            await keeper.ResumeAsync(stop);
            change = changes => Change(changes, levels, api, node, log);
            reloads(() => Reload(levels, api, node, log));
            Log.Ready(log, node.PublicKey.ToString(), options.Node.StoragePath, options.Name);
            await started(reached, await NodeEndpoints.DescribeAsync(daemon, stop));
            _manager.Ready();
            await WatchAsync(node, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // It has no other end.
        }
        finally
        {
            _manager.Stopping();
            Log.Stopping(log);
            _names.Remove(reached);
            NameRegistry.RemoveFromStorage(reached.Storage);
        }
    }

    /// <summary>Opens the node; while its actors take their places, the API is put together.</summary>
    private static async Task<(HyperNode Node, ApiServer Api)> OpenAsync(DaemonOptions options, ILoggerFactory loggers, CancellationToken stop)
    {
        // The storage is held once this returns, or it has failed already.
        Task<HyperNode> opening = HyperNode.StartAsync(options.Node, stop);
        if (opening.IsFaulted)
        {
            await opening;
        }

        ApiServer api;
        try
        {
            api = new ApiServer(options.Node.StoragePath, options.Api, loggers);
        }
        catch
        {
            await (await opening).DisposeAsync();
            throw;
        }

        try
        {
            return (await opening, api);
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }
    }

    private static ILoggerFactory MakeLoggers(LogOptions options, LogLevels levels, NotableEvents events) => LoggerFactory.Create(logging =>
    {
        logging.SetMinimumLevel(LogLevel.Trace);

        // What the operator reads follows the levels; what the page shows does not.
        // The web host tells of a failed start in a page of frames, and throws it at us besides: we say it in a line.
        logging.AddFilter<ConsoleLoggerProvider>((category, level) => category != WebHost && levels.Allows(category, level));
        logging.AddProvider(events);
        if (options.Json)
        {
            logging.AddJsonConsole(console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            });
        }

        // The standard output belongs to results.
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    /// <summary>A name that another storage's daemon has, and that answers, is not taken away from it.</summary>
    private async Task CheckNameAsync(DaemonAddress mine)
    {
        if (_names.Find(mine.Name) is not { } other || other.Storage == mine.Storage || !await AnswersAsync(other.Socket))
        {
            return;
        }

        throw new ConfigurationException(
            $"a daemon named '{mine.Name}' runs already, on {other.Storage} (process {other.ProcessId}): give this one another name with -h");
    }

    private static async Task<bool> AnswersAsync(string socketPath)
    {
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(socketPath));
            return true;
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Waits for the end, and meanwhile tells the watchdog that the node answers.</summary>
    private async Task WatchAsync(HyperNode node, CancellationToken cancellationToken)
    {
        if (_manager.WatchdogInterval is not { } interval)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return;
        }

        using var timer = new PeriodicTimer(interval, _clock);
        do
        {
            // A node that does not answer says nothing: the watchdog then starts it anew.
            await node.ListConnectionsAsync(cancellationToken);
            _manager.Alive();
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>What a caller of the API changes holds until the configuration is read again.</summary>
    private void Change(IReadOnlyDictionary<string, string> changes, LogLevels levels, ApiServer api, HyperNode node, ILogger log) =>
        TakeUp(_configuration.With(changes), levels, api, node, log);

    private void TakeUp(Configuration loaded, LogLevels levels, ApiServer api, HyperNode node, ILogger log)
    {
        IReadOnlyList<string> changed = Changes(_configuration, loaded);
        levels.Options = loaded.Options.Log;
        api.Reload(loaded.Options.Api);
        node.Reconfigure(loaded.Options.Node);
        _configuration = loaded;
        Log.Reloaded(log, changed.Count == 0 ? "nothing has changed" : string.Join(", ", changed));
    }

    /// <summary>What differs between two configurations, and of it what a running daemon cannot take up.</summary>
    internal static IReadOnlyList<string> Changes(Configuration before, Configuration after) =>
    [
        .. after.Settings.Zip(before.Settings)
            .Where(pair => pair.First.Value != pair.Second.Value)
            .Select(pair => pair.First.Reloadable ? pair.First.Key : $"{pair.First.Key} (needs a restart)"),
    ];

    private void Reload(LogLevels levels, ApiServer api, HyperNode node, ILogger log)
    {
        try
        {
            _manager.Reloading((long)(_clock.GetTimestamp() * (1_000_000.0 / _clock.TimestampFrequency)));
            Configuration loaded = _load();
            TakeUp(loaded, levels, api, node, log);
        }
        catch (ConfigurationException e)
        {
            Log.ReloadFailed(log, e.Message);
        }
        finally
        {
            _manager.Ready();
        }
    }
}
