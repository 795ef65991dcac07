using System.Diagnostics.CodeAnalysis;
using System.Text;
using HyperActors.Crypto;

namespace HyperActors.Cli.Parsing;

/// <summary>A topic as people write it: a discovery key, or words that stand for their hash.</summary>
internal static class Topic
{
    /// <summary>A key is taken as it is; anything else is the BLAKE2b-256 hash of its UTF-8 bytes.</summary>
    public static bool TryRead(string text, out DiscoveryKey? topic, [NotNullWhen(false)] out string? error)
    {
        topic = null;
        error = text.Length == 0 ? "a topic is a key, or any words." : null;
        if (error is not null)
        {
            return false;
        }

        if (DiscoveryKey.TryParse(text, out DiscoveryKey key))
        {
            topic = key;
            return true;
        }

        Span<byte> hash = stackalloc byte[DiscoveryKey.Size];
        Blake2b.Hash(Encoding.UTF8.GetBytes(text), hash);
        topic = new DiscoveryKey(hash);
        return true;
    }
}
