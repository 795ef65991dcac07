namespace HyperActors.Cli.Rendering;

/// <summary>Colours where a terminal shows them; elsewhere, with <c>NO_COLOR</c> and on a dumb terminal plain text.</summary>
internal sealed class Palette(CliHost host, bool isTerminal)
{
    private readonly bool _isOn = isTerminal && string.IsNullOrEmpty(host.Variable("NO_COLOR")) && host.Variable("TERM") != "dumb";

    public string Bold(string text) => Paint(text, 1);

    public string Dim(string text) => Paint(text, 2);

    public string Good(string text) => Paint(text, 32);

    public string Warning(string text) => Paint(text, 33);

    public string Bad(string text) => Paint(text, 31);

    private string Paint(string text, int attribute) => _isOn ? $"\u001b[{attribute}m{text}\u001b[0m" : text;
}
