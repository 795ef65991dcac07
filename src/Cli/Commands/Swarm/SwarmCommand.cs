using System.CommandLine;

namespace HyperActors.Cli.Commands;

/// <summary>The verbs on the swarm.</summary>
internal sealed class SwarmCommand : Command
{
    public SwarmCommand(CliHost host, GlobalOptions globals)
        : base("swarm", "Meet peers at a topic")
    {
        Add(new SwarmJoinCommand(host, globals));
        this.ShowHelpWithoutVerb(globals);
    }
}
