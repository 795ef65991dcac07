using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Client;

namespace HyperActors.Cli.Node;

/// <summary>The daemons of this user on this machine.</summary>
internal static class Daemons
{
    public static NameRegistry Registry(CliHost host) => NameRegistry.ForUser(host.Variable, host.HomeDirectory);

    /// <summary>Connects to a daemon by its name, or to the one on a storage.</summary>
    /// <exception cref="CliException">None answers.</exception>
    public static async Task<RemoteNode> ConnectAsync(CliHost host, string? name, string storagePath, CancellationToken cancellationToken)
    {
        DaemonAddress? address = name is null ? NameRegistry.ReadFromStorage(storagePath) : Registry(host).Find(name);
        if (address is null)
        {
            string[] known = [.. Registry(host).List().Select(d => d.Name)];
            string others = known.Length == 0 ? "none runs here" : $"known are {string.Join(", ", known)}";
            throw CliException.NotFound(name is null
                ? $"no daemon runs on {storagePath}; hyperactors daemon --storage {storagePath} starts one"
                : $"there is no daemon named '{name}', {others}; hyperactors daemon -h {name} starts one");
        }

        try
        {
            return await RemoteNode.ConnectAsync(address.Socket, cancellationToken);
        }
        catch (RemoteException)
        {
            throw;
        }
        catch (HyperActorsException e)
        {
            throw new CliException(
                ExitCode.Peer,
                $"the daemon '{address.Name}' on {address.Storage} does not answer ({e.Message}); hyperactors daemon -h {address.Name} -s {address.Storage} starts it again");
        }
    }
}
