using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace HyperActors.Page.Tests;

/// <summary>What a newcomer does: two daemons, a feed of the one added on the page of the other.</summary>
public sealed class TwoDaemonsTests(Browser browser) : IClassFixture<Browser>
{
    [BrowserFact]
    public async Task A_feed_of_one_daemon_is_added_on_the_page_of_the_other_and_comes_over()
    {
        var errors = new List<string>();
        await using TwoDaemons daemons = await TwoDaemons.StartAsync();
        string key = (await daemons.RunAsync(0, null, "feed", "create", "notes"))!;
        await daemons.RunAsync(0, "one\ntwo\nthree\n", "feed", "append", "notes", "--lines");

        IPage writer = await browser.OpenAsync(daemons.Pages[0], errors);
        await AddAsync(writer, "notes");
        IPage reader = await browser.OpenAsync(daemons.Pages[1], errors);
        await AddAsync(reader, key);

        ILocator row = reader.GetByRole(AriaRole.Grid, new() { Name = "Feeds" }).GetByRole(AriaRole.Row);
        await Expect(row).ToContainTextAsync("100 %", new() { Timeout = 60_000 });
        await Expect(row).ToContainTextAsync("1 peer");
        await Expect(reader.Locator("#total-blocks")).ToHaveTextAsync("3");
        await Expect(reader.Locator("#total-peers")).ToHaveTextAsync("1");
        await Expect(reader.Locator("#dht-facts")).ToContainTextAsync("online");
        Assert.Empty(await Browser.AuditAsync(reader));
        Assert.Equal("onetwothree", await daemons.RunAsync(1, null, "feed", "cat", key));

        // A page of somebody else, even with the token in its hands, learns nothing and stops nothing.
        IPage stranger = await browser.OpenAsync("about:blank", errors);
        Assert.Equal(["TypeError", "TypeError", "TypeError"], await stranger.EvaluateAsync<string[]>(
            """
            async ([url, token]) => {
              const headers = { authorization: `Bearer ${token}` }
              const told = (path, options) => fetch(url + path, options).then(r => r.type, e => e.name)
              return [
                await told('/v1/node', { headers }),
                await told('/v1/node/stop', { method: 'POST', headers }),
                await told('/v1/node/stop', { method: 'POST', mode: 'no-cors' })
              ]
            }
            """,
            daemons.Pages[1].Split("/#token=")));
        errors.RemoveAll(e => e.Contains("CORS", StringComparison.Ordinal));
        Assert.Equal("onetwothree", await daemons.RunAsync(1, null, "feed", "cat", key));
        await Expect(reader.GetByRole(AriaRole.Status)).ToHaveTextAsync("live");
        Assert.Empty(errors);
    }

    private static async Task AddAsync(IPage page, string feed)
    {
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("live", new() { Timeout = 30_000 });
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a feed" }).ClickAsync();
        await page.GetByLabel("Name or key").FillAsync(feed);
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
    }
}
