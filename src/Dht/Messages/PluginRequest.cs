using HyperActors.Compact;

namespace HyperActors.Dht;

/// <summary>A command of a protocol that some nodes know.</summary>
/// <param name="Plugin">The protocol's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Command">The command's number in it.</param>
/// <param name="Value">What goes with the command; null for nothing.</param>
/// <remarks><code>| name: string | version: uint | command: uint | flags: uint | [1] value: buffer |</code></remarks>
public sealed record PluginRequest(string Plugin, ulong Version, ulong Command, ReadOnlyMemory<byte>? Value) : IEncodable
{
    /// <summary>The longest name that is read.</summary>
    public const int MaxNameSize = 256;

    public static bool TryDecode(ref CompactReader reader, out PluginRequest request)
    {
        string plugin = reader.ReadString(MaxNameSize);
        ulong version = reader.ReadUInt();
        ulong command = reader.ReadUInt();
        ReadOnlyMemory<byte>? value = (reader.ReadUInt() & 1) != 0 ? reader.ReadBuffer().ToArray() : default(ReadOnlyMemory<byte>?);
        request = new PluginRequest(plugin, version, command, value);
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteString(Plugin);
        writer.WriteUInt(Version);
        writer.WriteUInt(Command);
        writer.WriteUInt(Value is null ? 0 : 1u);
        if (Value is { } value)
        {
            writer.WriteBuffer(value.Span);
        }
    }
}
