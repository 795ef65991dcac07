using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using HyperActors.Benchmarks.Harness;
using Microsoft.Playwright;

namespace HyperActors.Benchmarks;

/// <summary>How soon does the page show a node with a thousand feeds and two hundred peers, and what do both pay for it while everything changes five times a second?</summary>
/// <remarks>The node, its peers and the browser are real, each a process of its own: the node alone is the daemon's share of a core.</remarks>
internal static partial class PageBench
{
    private const int Feeds = 1000;
    private const int Peers = 200;
    private const int Loads = 5;
    private const int MaxElements = 2000;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Watching = TimeSpan.FromSeconds(30);

    // When every list has its rows and every figure is there, on the page's own clock: it begins with the navigation.
    private const string FirstContent = """
        ([feeds, peers]) => new Promise(done => {
          const look = () => {
            const rows = (list) => document.querySelector(`#${list}-list [role=grid]`)?.getAttribute('aria-rowcount')
            rows('feed') === feeds && rows('peer') === peers && document.querySelectorAll('#actor-list [role=row]').length > 0
              ? requestAnimationFrame(() => done(performance.now()))
              : requestAnimationFrame(look)
          }
          look()
        })
        """;

    /// <summary>Measures once and prints the table; 1 when the document has more elements than it may.</summary>
    public static async Task<int> RunAsync()
    {
        if (Chromium() is not { } chromium)
        {
            await Console.Error.WriteLineAsync("no Chromium: apt-get install chromium");
            return 1;
        }

        await using Child daemon = Child.HyperActors("page-daemon", Text(Feeds));
        JsonElement ready = (await daemon.ReadyAsync()).Clone();
        string url = ready.GetProperty("url").GetString()!;
        await using Child peers = Child.HyperActors("page-peers", Text(Peers), Text(ready.GetProperty("port").GetInt32()), ready.GetProperty("keys").GetString()!);
        await peers.ReadyAsync();

        double alone = await ShareAsync(daemon, Quiet);
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox"] });
        var loads = new List<double>();
        for (int i = 0; i < Loads; i++)
        {
            Tab visited = await Tab.OpenAsync(browser, url);
            loads.Add(visited.Load);
            await visited.Page.CloseAsync();
        }

        Tab tab = await Tab.OpenAsync(browser, url);
        double heapBefore = await tab.HeapAsync();
        (double busyBefore, long bytesBefore, double blocksBefore) = (await tab.BusyAsync(), tab.Received, await tab.BlocksAsync());
        double watched = await ShareAsync(daemon, Watching);
        double changes = (await tab.BlocksAsync() - blocksBefore) / Watching.TotalSeconds / Feeds;
        double received = (tab.Received - bytesBefore) / Watching.TotalSeconds;
        double busy = (await tab.BusyAsync() - busyBefore) / Watching.TotalSeconds;
        double heap = await tab.HeapAsync();
        int elements = await tab.Page.EvaluateAsync<int>("document.getElementsByTagName('*').length");

        Console.WriteLine($"| {Feeds} feeds and {Peers} peers, all of which change five times a second | |");
        Console.WriteLine("|---|---|");
        Print("load, navigation to full content", "{0:0} ms (of {1}: {2:0} to {3:0})", Middle(loads), Loads, loads.Min(), loads.Max());
        Print("the page itself", "{0:0} kB", await tab.FilesAsync() / 1e3);
        Print("each feed changes", "{0:0.0} times a second", changes);
        Print("sent while it watches", "{0:0} kB a second", received / 1e3);
        Print("daemon, nobody watches", "{0:0.0} % of a core", alone * 100);
        Print("daemon, the page watches", "{0:0.0} % of a core", watched * 100);
        Print("the tab's main thread", "{0:0.0} % of a core", busy * 100);
        Print("elements of the document", "{0}", elements);
        Print("heap of the tab, before and after", "{0:0.0} MB, {1:0.0} MB", heapBefore / 1e6, heap / 1e6);
        return elements <= MaxElements ? 0 : 1;
    }

    private static async Task<double> ShareAsync(Child child, TimeSpan time)
    {
        (double before, long begun) = (child.ProcessorSeconds, Stopwatch.GetTimestamp());
        await Task.Delay(time);
        return (child.ProcessorSeconds - before) / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static string? Chromium() =>
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    private static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Print(string what, string format, params object[] figures) =>
        Console.WriteLine($"| {what} | {string.Format(CultureInfo.InvariantCulture, format, figures)} |");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The page in a tab of its own, and what its debugger knows.</summary>
    private sealed class Tab
    {
        private readonly ICDPSession _debugger;
        private long _received;

        private Tab(IPage page, ICDPSession debugger)
        {
            (Page, _debugger) = (page, debugger);
            debugger.Event("Network.dataReceived").OnEvent += (_, e) =>
                Interlocked.Add(ref _received, e!.Value.GetProperty("encodedDataLength").GetInt64());
        }

        public IPage Page { get; }

        /// <summary>Milliseconds from the navigation to the full content.</summary>
        public double Load { get; private set; }

        public long Received => Interlocked.Read(ref _received);

        public static async Task<Tab> OpenAsync(IBrowser browser, string url)
        {
            IPage page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 1440, Height = 900 } });
            var tab = new Tab(page, await page.Context.NewCDPSessionAsync(page));
            await tab._debugger.SendAsync("Network.enable");
            await tab._debugger.SendAsync("Performance.enable");
            await page.GotoAsync(url, new() { WaitUntil = WaitUntilState.Commit });
            tab.Load = await page.EvaluateAsync<double>(FirstContent, new[] { Text(Feeds), Text(Peers) });
            return tab;
        }

        // What the page says: asking the node would cost it something.
        public async Task<double> BlocksAsync() => double.Parse(
            await Page.EvaluateAsync<string>("document.getElementById('total-blocks').textContent"), NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

        public Task<double> FilesAsync() => Page.EvaluateAsync<double>("""
            performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
              .filter(e => !e.name.includes('/events/')).reduce((sum, e) => sum + e.transferSize, 0)
            """);

        public async Task<double> HeapAsync()
        {
            await _debugger.SendAsync("HeapProfiler.collectGarbage");
            return (await _debugger.SendAsync("Runtime.getHeapUsage"))!.Value.GetProperty("usedSize").GetDouble();
        }

        public async Task<double> BusyAsync() => (await _debugger.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics")
            .EnumerateArray().First(m => m.GetProperty("name").ValueEquals("TaskDuration")).GetProperty("value").GetDouble();
    }
}
