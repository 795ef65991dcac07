using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using HyperActors.Cli.Demo;

namespace HyperActors.Cli.Tests.Demo;

public sealed class FolderArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-archive-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_folder_is_a_list_and_the_bytes_behind_it()
    {
        Write("b.txt", "BB");
        Write("a/z.txt", "zzz");
        Write("a/empty", string.Empty);
        Write("100%\nsure", "!");
        (FolderArchive archive, string content, byte[] digest) = await ReadAsync(_folder);
        Assert.Equal("hyperactors-folder 1\n1 100%25%0Asure\n0 a/empty\n3 a/z.txt\n2 b.txt\n\n!zzzBB", content);
        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(content)), digest);
        Assert.Equal((4, 6), (archive.Files, archive.FileBytes));
    }

    [Fact]
    public async Task Links_and_what_a_build_makes_are_left_out()
    {
        Write("kept", "k");
        foreach (string skipped in new[] { ".git", "bin", "obj", "node_modules" })
        {
            Write($"{skipped}/file", "x");
            Write($"inner/{skipped}/file", "x");
        }

        File.CreateSymbolicLink(Path.Combine(_folder, "link"), "/etc/hostname");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "loop"), _folder);
        Assert.Equal("hyperactors-folder 1\n1 kept\n\nk", (await ReadAsync(_folder)).Content);
    }

    [Fact]
    public async Task A_named_pipe_does_not_make_it_wait()
    {
        using (var made = Process.Start("mkfifo", [Path.Combine(_folder, "pipe")]))
        {
            made.WaitForExit();
        }

        Assert.Equal("hyperactors-folder 1\n0 pipe\n\n", (await ReadAsync(_folder)).Content);
    }

    [Fact]
    public async Task A_file_is_its_bytes()
    {
        Write("file", "content");
        Assert.Equal("content", (await ReadAsync(Path.Combine(_folder, "file"))).Content);
    }

    [Fact]
    public async Task A_file_that_shrinks_meanwhile_is_an_error_not_a_false_archive()
    {
        Write("file", "content");
        FolderArchive archive = FolderArchive.Of(_folder);
        Write("file", "c");
        var refused = await Assert.ThrowsAsync<CliException>(() => archive.WriteAsync(Stream.Null, CancellationToken.None));
        Assert.Contains("'file' became shorter", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_that_is_not_there_is_not_found() =>
        Assert.Equal(ExitCode.NotFound, Assert.Throws<CliException>(() => FolderArchive.Of(Path.Combine(_folder, "nothing"))).ExitCode);

    private static async Task<(FolderArchive Archive, string Content, byte[] Digest)> ReadAsync(string path)
    {
        FolderArchive archive = FolderArchive.Of(path);
        using var output = new MemoryStream();
        byte[] digest = await archive.WriteAsync(output, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));
        return (archive, Encoding.UTF8.GetString(output.ToArray()), digest);
    }

    private void Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
