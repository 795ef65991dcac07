using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Actors;

/// <summary>The door to the disk above a single feed: which feeds there are, and the store's own key.</summary>
/// <remarks>Layout: <c>store/primary-key</c>, <c>store/cores/aa/bb/(discovery key in hex)/</c>, as Corestore 6 has it.</remarks>
public interface IStoreDisk
{
    /// <summary>The 32 bytes that all named keys grow from, made on the first call.</summary>
    byte[] ReadPrimaryKey(RandomSource random);

    /// <summary>True when there is a directory for that feed.</summary>
    bool HasFeed(DiscoveryKey discoveryKey);

    /// <summary>Every feed with a directory, in the order of their discovery keys.</summary>
    IReadOnlyList<DiscoveryKey> ListFeeds();

    /// <summary>The files of a feed; the directory is made when it is not there.</summary>
    IDevice OpenFeed(DiscoveryKey discoveryKey);
}
