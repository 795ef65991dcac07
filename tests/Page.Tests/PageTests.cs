using HyperActors.TestKit;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace HyperActors.Page.Tests;

/// <summary>The page in a real browser, over states that a test makes up.</summary>
public sealed class PageTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly List<string> _errors = [];
    private FakeDaemon _daemon = null!;

    public async Task InitializeAsync() => _daemon = await FakeDaemon.StartAsync();

    public async Task DisposeAsync()
    {
        await _daemon.DisposeAsync();
        Assert.Empty(_errors);
    }

    [BrowserTheory]
    [InlineData(390, 844, ColorScheme.Light)]
    [InlineData(390, 844, ColorScheme.Dark)]
    [InlineData(1440, 900, ColorScheme.Light)]
    [InlineData(1440, 900, ColorScheme.Dark)]
    public async Task Axe_finds_nothing_and_nothing_is_wider_than_the_window(int width, int height, ColorScheme scheme)
    {
        _daemon.Document = States.Busy(feeds: 1000, peers: 200);
        IPage page = await OpenLiveAsync(width, height, scheme);
        await Expect(page.GetByRole(AriaRole.Grid, new() { Name = "Feeds" })).ToBeVisibleAsync();
        Assert.Empty(await Browser.AuditAsync(page));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        await page.ScreenshotAsync(new()
        {
            Path = Repository.PathOf("artifacts", "page", $"page-{width}-{scheme}.png"),
            FullPage = true,
        });

        foreach (string button in new[] { "Add a feed", "Join a topic", "Limits" })
        {
            await page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
            await LookAtDialogAsync(button);
        }

        foreach (string list in new[] { "Feeds", "Peers", "Topics" })
        {
            await page.GetByRole(AriaRole.Grid, new() { Name = list, Exact = true }).FocusAsync();
            await page.Keyboard.PressAsync("Enter");
            await LookAtDialogAsync(list);
        }

        async Task LookAtDialogAsync(string name)
        {
            await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
            Assert.Empty(await Browser.AuditAsync(page));
            await page.ScreenshotAsync(new() { Path = Repository.PathOf("artifacts", "page", $"{name.Replace(' ', '-')}-{width}-{scheme}.png") });
            await page.Keyboard.PressAsync("Escape");
            await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        }
    }

    [BrowserFact]
    public async Task A_thousand_feeds_and_two_hundred_peers_take_few_elements_however_long_they_change()
    {
        _daemon.Document = States.Busy(feeds: 1000, peers: 200);
        IPage page = await OpenLiveAsync();
        await page.WaitForFunctionAsync(
            "() => Number(document.getElementById('total-blocks').textContent.replace(',', '')) >= 123476", null, new() { Timeout = 120_000 });
        await ScrollThroughAsync(page, "Feeds");
        await ScrollThroughAsync(page, "Peers");
        int elements = await page.EvaluateAsync<int>("document.getElementsByTagName('*').length");
        Assert.InRange(elements, 100, 2000);
        Assert.Equal("1000", await page.GetByRole(AriaRole.Grid, new() { Name = "Feeds" }).GetAttributeAsync("aria-rowcount"));
    }

    [BrowserFact]
    public async Task A_topic_is_joined_by_keyboard_alone()
    {
        _daemon.Document = States.Busy(feeds: 3, peers: 1);
        IPage page = await OpenLiveAsync();
        await TabToAsync(page, "Join a topic");
        await page.Keyboard.PressAsync("Enter");
        string topic = new('a', 64);
        await page.Keyboard.TypeAsync(topic);
        await TabToAsync(page, "Look for others there");
        await page.Keyboard.PressAsync("Space");
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal($$"""POST /v1/swarm/topics {"topic":"{{topic}}","server":true,"client":false,"limit":null}""", Take());
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Join a topic" })).ToBeFocusedAsync();
    }

    [BrowserFact]
    public async Task A_feed_is_chosen_by_keyboard_and_kept_from_downloading()
    {
        _daemon.Document = States.Busy(feeds: 300, peers: 0);
        IPage page = await OpenLiveAsync();
        await TabToAsync(page, "Feeds");
        await page.Keyboard.PressAsync("End");
        await page.Keyboard.PressAsync("ArrowUp");
        await page.Keyboard.PressAsync("Home");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "feed-2", Exact = true })).ToBeVisibleAsync();
        await TabToAsync(page, "Bring all of it here");
        await page.Keyboard.PressAsync("Space");
        await TabToAsync(page, "Save");
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal($$"""PUT /v1/feeds/{{States.Key(2)}}/keep {"seed":true,"download":true}""", Take());
    }

    [BrowserFact]
    public async Task A_feed_is_added_by_its_key_or_by_its_name()
    {
        _daemon.Document = States.Busy(feeds: 0, peers: 0);
        IPage page = await OpenLiveAsync();
        await Expect(page.GetByText("No feeds yet.")).ToBeVisibleAsync();
        string key = States.Key(7);
        foreach ((string typed, string request) in new[]
        {
            (key, $$"""POST /v1/feeds {"key":"{{key}}"}"""),
            ("notes", """POST /v1/feeds {"name":"notes"}"""),
        })
        {
            await page.GetByRole(AriaRole.Button, new() { Name = "Add a feed" }).ClickAsync();
            await page.GetByLabel("Name or key").FillAsync(typed);
            await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
            Assert.Equal(request, Take());
            Assert.Equal($$"""PUT /v1/feeds/{{typed}}/keep {"seed":true,"download":true}""", Take());
        }
    }

    [BrowserFact]
    public async Task What_the_daemon_refuses_is_said_in_the_dialog_which_stays_open()
    {
        _daemon.Document = States.Busy(feeds: 1, peers: 0);
        _daemon.Problem = "a topic is 64 hex digits or 52 characters of z-base-32";
        IPage page = await OpenLiveAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Join a topic" }).ClickAsync();
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Topic" }).FillAsync("nonsense");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync(_daemon.Problem);
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
    }

    [BrowserFact]
    public async Task Pause_suspends_the_swarm_and_goes_on_with_it()
    {
        _daemon.Document = States.Busy(feeds: 1, peers: 0);
        IPage page = await OpenLiveAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        Assert.Equal("""PUT /v1/swarm/suspend {"suspended":true}""", Take());
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        Assert.Equal("""PUT /v1/swarm/suspend {"suspended":false}""", Take());
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Pause" })).ToBeVisibleAsync();
    }

    [BrowserFact]
    public async Task A_node_that_somebody_else_paused_says_so_and_goes_on_from_here()
    {
        _daemon.Document = States.Paused;
        IPage page = await OpenLiveAsync();
        await Expect(page.GetByText("Paused: it announces nothing")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        Assert.Equal("""PUT /v1/swarm/suspend {"suspended":false}""", Take());
    }

    [BrowserFact]
    public async Task A_damaged_feed_is_shown_as_one_with_the_reason()
    {
        _daemon.Document = States.OneFeed("notes", damage: "the tree does not match its signature");
        IPage page = await OpenLiveAsync();
        await Expect(page.GetByText("1 feed cannot be opened.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Row).GetByText("damaged").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("the tree does not match its signature");
    }

    [BrowserFact]
    public async Task A_dialog_shows_its_peer_as_that_changes()
    {
        _daemon.Document = States.Busy(feeds: 0, peers: 1);
        IPage page = await OpenLiveAsync();
        await page.GetByRole(AriaRole.Grid, new() { Name = "Peers" }).GetByRole(AriaRole.Row).ClickAsync();
        ILocator facts = page.GetByRole(AriaRole.Dialog).Locator("dl");
        string before = (await facts.TextContentAsync())!;
        await Expect(facts).Not.ToHaveTextAsync(before, new() { Timeout = 30_000 });
    }

    [BrowserFact]
    public async Task A_limit_is_changed_and_what_was_not_touched_is_not_sent()
    {
        _daemon.Document = States.Busy(feeds: 1, peers: 0);
        IPage page = await OpenLiveAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Limits" }).ClickAsync();
        await page.GetByLabel("Connections to peers, at most").FillAsync("12");
        await page.GetByLabel("What is logged").SelectOptionAsync("debug");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        Assert.Equal("""PATCH /v1/node/config {"node.connections.maxConnections":"12","log.level":"debug"}""", Take());
    }

    [BrowserFact]
    public async Task A_lost_daemon_is_told_and_found_again()
    {
        _daemon.Document = States.Busy(feeds: 5, peers: 2);
        IPage page = await OpenLiveAsync();
        _daemon.IsGone = true;
        _daemon.Cut();
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("lost the daemon");
        _daemon.IsGone = false;
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("live", new() { Timeout = 30_000 });
    }

    [BrowserFact]
    public async Task A_token_comes_with_the_address_or_is_asked_for_and_leaves_the_address()
    {
        _daemon.Document = States.Busy(feeds: 1, peers: 0);
        _daemon.Token = "secret";
        IPage given = await browser.OpenAsync(_daemon.Address + "/#token=secret", _errors);
        await Expect(given.GetByRole(AriaRole.Status)).ToHaveTextAsync("live");
        Assert.DoesNotContain("secret", given.Url, StringComparison.Ordinal);

        IPage asked = await browser.OpenAsync(_daemon.Address, _errors);
        await asked.GetByRole(AriaRole.Textbox, new() { Name = "Token" }).FillAsync("secret");
        await asked.Keyboard.PressAsync("Enter");
        await Expect(asked.GetByRole(AriaRole.Status)).ToHaveTextAsync("live");
    }

    [BrowserFact]
    public async Task Names_are_text_whatever_they_look_like()
    {
        const string Name = "<img src=x onerror=alert(1)>";
        _daemon.Document = States.OneFeed(Name);
        IPage page = await OpenLiveAsync();
        await Expect(page.GetByRole(AriaRole.Row).GetByText(Name)).ToBeVisibleAsync();
        Assert.Equal(0, await page.Locator("#feed-list img").CountAsync());
    }

    private static async Task ScrollThroughAsync(IPage page, string list)
    {
        ILocator grid = page.GetByRole(AriaRole.Grid, new() { Name = list, Exact = true });
        await grid.FocusAsync();
        for (int i = 0; i < 30; i++)
        {
            await page.Keyboard.PressAsync("PageDown");
        }

        await page.Keyboard.PressAsync("End");
        string last = (await grid.GetAttributeAsync("aria-rowcount"))!;
        await Expect(grid.Locator($"[aria-rowindex='{last}']")).ToHaveClassAsync("active");
    }

    // As a hand at the keyboard would: from where the focus is, forward, until the wanted thing has it.
    private static async Task TabToAsync(IPage page, string name)
    {
        const string FocusedName = """
            () => {
              const e = document.activeElement
              return (e.getAttribute('aria-label') ?? (e.labels?.[0] ?? e).textContent ?? '').trim()
            }
            """;
        for (int i = 0; i < 60; i++)
        {
            if (await page.EvaluateAsync<string>(FocusedName) == name)
            {
                return;
            }

            await page.Keyboard.PressAsync("Tab");
        }

        Assert.Fail($"'{name}' is not reached by the keyboard");
    }

    private string Take()
    {
        Assert.True(_daemon.Requests.TryTake(out string? request, TimeSpan.FromSeconds(30)), "nothing was asked of the daemon");
        return request!;
    }

    private async Task<IPage> OpenLiveAsync(int width = 1440, int height = 900, ColorScheme scheme = ColorScheme.Light)
    {
        IPage page = await browser.OpenAsync(_daemon.Address, _errors, width, height, scheme);
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("live", new() { Timeout = 30_000 });
        return page;
    }
}
