using System.Diagnostics;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Nat.Tests;

/// <summary>The lab's translators do what their names say.</summary>
[Collection("lab")]
public class NatLabTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [NatTheory]
    [InlineData(NatBehaviour.FullCone, true, true, true)]
    [InlineData(NatBehaviour.AddressRestricted, true, true, false)]
    [InlineData(NatBehaviour.PortRestricted, true, false, false)]
    [InlineData(NatBehaviour.Symmetric, false, false, false)]
    public async Task A_translator_does_as_it_is_named(NatBehaviour behaviour, bool keepsPort, bool letsPortsIn, bool letsHostsIn)
    {
        await using NatLab lab = await NatLab.StartAsync(publicHosts: 2);
        string host = await lab.AddHostAsync(behaviour);
        string first = NatLab.PublicHost(0);
        string second = NatLab.PublicHost(1);
        Process mirror = lab.Start(lab.Internet, "node", Script("mirror.mjs"), first, second);
        Assert.Equal("ready", await mirror.StandardOutput.ReadLineAsync().WaitAsync(Patience));

        Process ask = lab.Start(host, "node", Script("ask.mjs"), first, second);
        var answers = new List<Answer>();
        while (await ask.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            answers.Add(JsonSerializer.Deserialize<Answer>(line, JsonSerializerOptions.Web)!);
        }

        Answer[] toFirst = [.. answers.Where(a => a.Asked == $"{first}:7000")];
        Assert.Contains(toFirst, a => a.Name == $"{first}:7000");
        Assert.Equal(letsPortsIn, toFirst.Any(a => a.Name == $"{first}:7001"));
        Assert.Equal(letsHostsIn, toFirst.Any(a => a.Name == $"{second}:7000"));
        Assert.Equal(keepsPort, answers.Select(a => a.Seen).Distinct(StringComparer.Ordinal).Count() == 1);
    }

    private static string Script(string name) => Repository.PathOf("tests", "Nat.Tests", "js", name);

    private sealed record Answer(string Asked, string Name, string Seen);
}
