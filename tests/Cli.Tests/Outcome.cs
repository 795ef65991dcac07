using System.Text;

namespace HyperActors.Cli.Tests;

/// <summary>What a command line left behind.</summary>
internal sealed record Outcome(int ExitCode, byte[] Bytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(Bytes);
}
