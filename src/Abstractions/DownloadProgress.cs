namespace HyperActors.Abstractions;

/// <summary>How far a download has come.</summary>
/// <param name="Blocks">Blocks of the range that are on this disk.</param>
/// <param name="Total">Blocks in the range, as far as its end is known.</param>
/// <param name="Bytes">Bytes that this download has brought.</param>
public readonly record struct DownloadProgress(ulong Blocks, ulong Total, ulong Bytes);
