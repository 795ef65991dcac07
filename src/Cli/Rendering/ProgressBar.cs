using Spectre.Console;

namespace HyperActors.Cli.Rendering;

/// <summary>A progress bar on the error output when that is a terminal, and nothing otherwise.</summary>
internal static class ProgressBar
{
    private static readonly TimeSpan RefreshRate = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs <paramref name="work"/>, which reports (done, total, text) while a bar follows.</summary>
    public static async Task<T> RunAsync<T>(
        CliHost host, bool isShown, string title, Func<Action<ulong, ulong, string>, Task<T>> work)
    {
        if (!isShown || !host.IsErrorTerminal)
        {
            return await work((_, _, _) => { });
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Error) });
        Progress progress = console.Progress().AutoClear(true).HideCompleted(false).Columns(
            new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new SpinnerColumn());
        progress.RefreshRate = RefreshRate;
        return await progress.StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(title), autoStart: true);
            task.IsIndeterminate = true;
            return await work((done, total, text) =>
            {
                task.IsIndeterminate = false;
                task.MaxValue = Math.Max(total, 1);
                task.Value = done;
                task.Description = Markup.Escape($"{title} {text}");
            });
        });
    }
}
