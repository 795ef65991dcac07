using System.Diagnostics;
using System.Globalization;
using System.Text;
using HyperActors.Abstractions;

namespace HyperActors.Actors;

/// <summary>Holds a storage directory for this process alone, and keeps its version.</summary>
/// <remarks>
/// The lock is on the file <c>version</c>; the file <c>lock</c> says who has it, since nobody can read a file that is
/// locked. The operating system lets go of the lock when the process dies, however it dies.
/// </remarks>
internal sealed class StoreLock : IDisposable
{
    private readonly FileStream _version;
    private readonly string _holderPath;

    private StoreLock(FileStream version, string holderPath)
    {
        _version = version;
        _holderPath = holderPath;
    }

    /// <summary>Takes the lock of <paramref name="directory"/>, which exists.</summary>
    /// <exception cref="StoreLockedException">Another process has it; the message names it.</exception>
    public static StoreLock Take(string directory)
    {
        string path = Path.Combine(directory, "version");
        string holderPath = Path.Combine(directory, "lock");
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new StoreLockedException(
                $"the storage {directory} is in use by {ReadHolder(holderPath)}. Stop it, or name another directory.", e);
        }

        try
        {
            using var process = Process.GetCurrentProcess();
            File.WriteAllText(
                holderPath, string.Create(CultureInfo.InvariantCulture, $"{process.ProcessName} (process {Environment.ProcessId})\n"));
            return new StoreLock(file, holderPath);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What the version file says; empty for a directory that is new.</summary>
    public string ReadVersion()
    {
        _version.Position = 0;
        using var reader = new StreamReader(_version, leaveOpen: true);
        return reader.ReadToEnd().Trim();
    }

    /// <summary>Writes the version of a new directory.</summary>
    public void WriteVersion(string version)
    {
        _version.Position = 0;
        _version.Write(Encoding.UTF8.GetBytes(version + "\n"));
        _version.Flush();
    }

    /// <summary>Lets go.</summary>
    public void Dispose()
    {
        try
        {
            File.Delete(_holderPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Only a note to others; the lock is what counts.
        }

        _version.Dispose();
    }

    private static string ReadHolder(string path)
    {
        try
        {
            string holder = File.ReadAllText(path).Trim();
            return holder.Length == 0 ? "another process" : holder;
        }
        catch (IOException)
        {
            return "another process";
        }
    }
}
