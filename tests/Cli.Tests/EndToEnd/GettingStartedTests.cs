using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using HyperActors.TestKit;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>docs/getting-started.md, word for word: what it says to type is typed, what it shows has to be shown.</summary>
/// <remarks>
/// Each terminal of the page is a shell on a terminal. They are in a network namespace of their own where one can be made: the page names
/// ports, and they may be taken on the machine that runs this.
/// </remarks>
public sealed partial class GettingStartedTests : IDisposable
{
    private const string Key = "KEY";
    private const string Prompt = "ready>";

    private readonly Sandbox _sandbox = new();
    private readonly SortedDictionary<int, Terminal> _terminals = [];
    private readonly string? _namespace = MakeNamespace();
    private string _key = Key;

    public GettingStartedTests() => _sandbox.Variables["XDG_RUNTIME_DIR"] = _sandbox.Folder;

    public void Dispose()
    {
        foreach (Terminal terminal in _terminals.Values)
        {
            terminal.Dispose();
        }

        if (_namespace is not null)
        {
            Run("ip", "netns", "del", _namespace);
        }

        _sandbox.Dispose();
    }

    [TerminalFact("curl")]
    public async Task A_newcomer_shares_a_feed_between_two_daemons_and_stops_them_without_losing_a_byte()
    {
        string page = await File.ReadAllTextAsync(Repository.PathOf("docs", "getting-started.md"));
        int steps = 0;
        foreach (Match step in Step().Matches(page))
        {
            steps++;
            if (step.Groups["keys"].Success)
            {
                foreach (Match number in Number().Matches(step.Groups["keys"].Value))
                {
                    await StopAsync(TerminalOf(number.Value));
                }

                continue;
            }

            Terminal terminal = TerminalOf(step.Groups["terminal"].Value);
            foreach (string line in step.Groups["lines"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                if (step.Groups["kind"].Value == "text")
                {
                    await ExpectAsync(terminal, line);
                }
                else
                {
                    terminal.Type(line.Replace(Key, _key, StringComparison.Ordinal) + "\r");
                }
            }
        }

        Assert.True(steps >= 20, $"{steps} steps are on the page");
        byte[] one = await File.ReadAllBytesAsync(_sandbox.In("one"));
        Assert.Equal("helloworldand again"u8.ToArray(), one);
        Assert.Equal(one, await File.ReadAllBytesAsync(_sandbox.In("two")));
    }

    private Terminal TerminalOf(string number)
    {
        int index = int.Parse(number, CultureInfo.InvariantCulture);
        if (!_terminals.TryGetValue(index, out Terminal? terminal))
        {
            terminal = Terminal.Start(_sandbox, "bash --norc --noprofile -i", _namespace);
            _terminals.Add(index, terminal);
            terminal.Type($"PS1='{Prompt} '\r");
        }

        return terminal;
    }

    /// <summary>A line of the page: <c>…</c> is anything, spaces as many as there are, KEY the key; the first time it is learned.</summary>
    private async Task ExpectAsync(Terminal terminal, string line)
    {
        string pattern = string.Join(" +", line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Regex.Escape))
            .Replace("…", ".*", StringComparison.Ordinal)
            .Replace(Key, _key == Key ? "(?<key>[a-z0-9]{52})" : _key, StringComparison.Ordinal);
        Match match = await terminal.WaitForAsync($"^ *{pattern}$");
        if (match.Groups["key"].Success)
        {
            _key = match.Groups["key"].Value;
        }
    }

    private static async Task StopAsync(Terminal terminal)
    {
        terminal.Type(Terminal.CtrlC);
        await terminal.WaitForAsync($"{Prompt} $");
        terminal.Type("echo \"ended with: $?\"\r");
        Assert.Equal("0", (await terminal.WaitForAsync("^ended with: ([0-9]+)$")).Groups[1].Value);
    }

    private static string? MakeNamespace()
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"ha{Environment.ProcessId}-start");
        return Environment.UserName == "root" && Terminal.IsInstalled("ip") && Run("ip", "netns", "add", name)
            && Run("ip", "-n", name, "link", "set", "lo", "up") ? name : null;
    }

    private static bool Run(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true, UseShellExecute = false })!;
        return process.WaitForExit(Sandbox.Deadline) && process.ExitCode == 0;
    }

    [GeneratedRegex("^```(?<kind>sh|text|type) (?<terminal>[0-9])\n(?<lines>.*?)^```$|Ctrl\\+C in terminals (?<keys>[0-9][0-9, and]+)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Step();

    [GeneratedRegex("[0-9]")]
    private static partial Regex Number();
}
