using System.CommandLine;

namespace HyperActors.Cli.Commands;

/// <summary>The verbs on feeds.</summary>
internal sealed class FeedCommand : Command
{
    public FeedCommand(CliHost host, GlobalOptions globals)
        : base("feed", "Make, fill, read, serve and download feeds")
    {
        Add(new FeedCreateCommand(host, globals));
        Add(new FeedAppendCommand(host, globals));
        Add(new FeedCatCommand(host, globals));
        Add(new FeedInfoCommand(host, globals));
        Add(new FeedListCommand(host, globals));
        Add(new FeedTruncateCommand(host, globals));
        Add(new FeedServeCommand(host, globals));
        Add(new FeedDownloadCommand(host, globals));
        this.ShowHelpWithoutVerb(globals);
    }
}
