using System.Net;
using System.Net.Sockets;

namespace HyperActors.Daemon;

/// <summary>A Unix socket that nobody but the owner can open, not even while it is being made.</summary>
internal static class PrivateSocket
{
    /// <summary>What a path of a Unix socket may have (<c>sun_path</c>), with room for the folder that it is made in.</summary>
    public const int MaxPathLength = 90;

    private const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Binds in a private folder beside the path, then moves the socket to it: what stood there is replaced.</summary>
    public static Socket Bind(string path)
    {
        string folder = $"{path}.{Environment.ProcessId:x}";
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                File.Delete(path);
                socket.Bind(new UnixDomainSocketEndPoint(path));
                return socket;
            }

            Directory.CreateDirectory(folder, Mine | UnixFileMode.UserExecute);
            string aside = Path.Combine(folder, "s");
            File.Delete(aside);
            socket.Bind(new UnixDomainSocketEndPoint(aside));
            File.SetUnixFileMode(aside, Mine);
            File.Move(aside, path, overwrite: true);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
