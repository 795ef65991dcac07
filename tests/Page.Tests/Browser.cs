using HyperActors.TestKit;
using Microsoft.Playwright;

namespace HyperActors.Page.Tests;

/// <summary>One Chromium for all tests of this project, and what they ask of a page.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string Axe = Repository.PathOf("tests", "Interop.Tests", "js", "node_modules", "axe-core", "axe.min.js");

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Why there can be no browser on this machine; null when there can.</summary>
    public static string? SkipReason { get; } =
        FindChromium() is null ? "needs Chromium (apt-get install chromium)" :
        !File.Exists(Axe) ? "needs the JavaScript packages (npm ci in tests/Interop.Tests/js)" : null;

    public async Task InitializeAsync()
    {
        if (SkipReason is null)
        {
            _playwright = await Playwright.CreateAsync();
            _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = FindChromium(), Args = ["--no-sandbox"] });
        }
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    /// <summary>Opens a page; what goes wrong in it is added to <paramref name="errors"/>.</summary>
    public async Task<IPage> OpenAsync(string address, List<string> errors, int width = 1440, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        IPage page = await _browser!.NewPageAsync(new()
        {
            ViewportSize = new() { Width = width, Height = height },
            ColorScheme = scheme,
        });
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
            {
                errors.Add(message.Text);
            }
        };
        await page.GotoAsync(address, new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        return page;
    }

    /// <summary>What axe-core finds wrong with the page as it is, a line each.</summary>
    public static async Task<string[]> AuditAsync(IPage page)
    {
        // The page's own policy lets no script in but its own; what the debugger evaluates is not the page's.
        await page.EvaluateAsync(await File.ReadAllTextAsync(Axe) + "; globalThis.axe = axe; 0");
        return await page.EvaluateAsync<string[]>(
            "async () => (await axe.run()).violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html} ${n.failureSummary}`))");
    }

    private static string? FindChromium() =>
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
}

/// <summary>A test that needs a browser: skipped, with the reason, where there is none.</summary>
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Browser.SkipReason;
}

/// <summary>A test over data that needs a browser: skipped, with the reason, where there is none.</summary>
public sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute() => Skip = Browser.SkipReason;
}
