namespace HyperActors.Wire;

/// <summary>One message of a channel.</summary>
/// <param name="Type">Its number in the channel's protocol.</param>
/// <param name="Payload">The rest; it lives as long as the batch that it came in.</param>
public readonly record struct Message(uint Type, ReadOnlyMemory<byte> Payload);
