using System.Net;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Actors;

namespace HyperActors.Interop.Tests;

/// <summary>Tests that change what the whole process shares: they run when no other does.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;

/// <summary>The example that README.md shows, word for word, and that it does what it says.</summary>
[Collection(nameof(WholeProcess))]
public sealed class ReadmeExampleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-readme-").FullName;
    private readonly string _previous = Environment.CurrentDirectory;
    private readonly TextWriter _console = Console.Out;

    public void Dispose()
    {
        Environment.CurrentDirectory = _previous;
        Console.SetOut(_console);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_example_of_the_README_prints_what_was_appended()
    {
        Environment.CurrentDirectory = _folder;
        var output = new StringWriter();
        Console.SetOut(output);

        await RunAsync();

        Assert.Equal("hello", output.ToString().Trim());
    }

    private static async Task RunAsync()
    {
        await using HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = "data" });
        await using Feed notes = await node.OpenFeedAsync("notes");      // writable: its key grows from the store's own
        await notes.AppendAsync("hello"u8.ToArray());
        IPEndPoint address = await node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0));

        await using HyperNode reader = await HyperNode.StartAsync(new NodeOptions { StoragePath = "copy" });
        await using Feed copy = await reader.OpenFeedAsync(notes.Key);   // known by its key alone
        await reader.ConnectTcpAsync("127.0.0.1", address.Port);
        Block block = await copy.GetAsync(0);                            // here once it is proven
        Console.WriteLine(Encoding.UTF8.GetString(block.Bytes.Span));
    }
}
