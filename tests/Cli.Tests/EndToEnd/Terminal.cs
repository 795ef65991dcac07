using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>A program on a terminal of its own, typed to and read from. Every wait has a deadline.</summary>
/// <remarks>The terminal is made by util-linux' <c>script</c>.</remarks>
internal sealed partial class Terminal : IDisposable
{
    public const string CtrlC = "\u0003";

    private readonly Process _process;
    private readonly StringBuilder _shown = new();
    private readonly SemaphoreSlim _more = new(0);
    private readonly Task _reading;
    private int _seen;

    private Terminal(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>Why there can be no terminal with this program on it; null when there can.</summary>
    public static string? MissingFor(string program) => new[] { "script", program }.FirstOrDefault(name => !IsInstalled(name)) is { } missing
        ? $"{missing} is not installed"
        : null;

    /// <summary>Starts a program in the sandbox, on a terminal of 120 columns and 40 lines.</summary>
    public static Terminal Start(Sandbox sandbox, string command, string? inNamespace = null)
    {
        string[] words = ["script", "-q", "-e", "-f", "-c", $"stty cols 120 rows 40; exec {command}", "/dev/null"];
        if (inNamespace is not null)
        {
            words = ["ip", "netns", "exec", inNamespace, .. words];
        }

        var start = new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = sandbox.Folder,
        };
        sandbox.SetEnvironment(start.Environment);
        start.Environment["PATH"] = $"{Path.GetDirectoryName(Sandbox.Executable)}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["TERM"] = "xterm";
        return new Terminal(Process.Start(start)!);
    }

    /// <summary>Everything that was shown, control sequences and all.</summary>
    public string Raw
    {
        get
        {
            lock (_shown)
            {
                return _shown.ToString();
            }
        }
    }

    public void Type(string keys)
    {
        _process.StandardInput.Write(keys);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until a pattern is shown behind what was waited for before.</summary>
    public async Task<Match> WaitForAsync(string pattern)
    {
        using var deadline = new CancellationTokenSource(Sandbox.Deadline);
        while (true)
        {
            string text = Plain(Raw);
            Match match = Regex.Match(text[Math.Min(_seen, text.Length)..], pattern, RegexOptions.Multiline, Sandbox.Deadline);
            if (match.Success)
            {
                _seen += match.Index + match.Length;
                return match;
            }

            if (_reading.IsCompleted && text == Plain(Raw))
            {
                Assert.Fail($"the terminal is closed, and '{pattern}' was not shown:\n{text}");
            }

            try
            {
                await _more.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"'{pattern}' was not shown:\n{text}");
            }
        }
    }

    /// <summary>Waits until the program has ended, and gives its exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await _reading.WaitAsync(Sandbox.Deadline);
        await _process.WaitForExitAsync().WaitAsync(Sandbox.Deadline);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            // From the leaves: with the terminal a shell goes too, and a daemon, which takes a hangup for a wish to reload, would be nobody's child.
            foreach (int id in Descendants(_process.Id).Reverse())
            {
                using var killed = Process.Start("kill", ["-9", id.ToString(CultureInfo.InvariantCulture)]);
                killed.WaitForExit(Sandbox.Deadline);
            }

            _process.Kill();
            _process.WaitForExit(Sandbox.Deadline);
        }

        _process.Dispose();
        _more.Dispose();
    }

    public static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
        .Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>What a reader sees: no control sequences, ends of lines as everywhere else.</summary>
    public static string Plain(string text) => Control().Replace(text, string.Empty).Replace("\r", string.Empty, StringComparison.Ordinal);

    /// <summary>The processes below one, each behind the one that started it.</summary>
    private static IEnumerable<int> Descendants(int id)
    {
        string children = $"/proc/{id}/task/{id}/children";
        int[] ids = File.Exists(children)
            ? [.. File.ReadAllText(children).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture))]
            : [];
        return ids.SelectMany(child => Descendants(child).Prepend(child));
    }

    private async Task ReadAsync()
    {
        char[] buffer = new char[4096];
        int count;
        while ((count = await _process.StandardOutput.ReadAsync(buffer)) > 0)
        {
            lock (_shown)
            {
                _shown.Append(buffer, 0, count);
            }

            _more.Release();
        }

        _more.Release();
    }

    [GeneratedRegex("\u001b(\\[[0-9;?>=]*[a-zA-Z]|\\][^\u0007]*\u0007|[()][AB012]|[=>])|\u0007", RegexOptions.NonBacktracking)]
    private static partial Regex Control();
}

/// <summary>A test that needs a terminal and a program on it: skipped, with the reason, where one of them is missing.</summary>
public sealed class TerminalFactAttribute : FactAttribute
{
    public TerminalFactAttribute(string program = "bash") => Skip = Terminal.MissingFor(program);
}
