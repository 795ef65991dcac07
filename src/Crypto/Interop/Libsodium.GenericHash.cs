using System.Runtime.InteropServices;

namespace HyperActors.Crypto.Interop;

/// <summary>crypto_generichash.h: BLAKE2b.</summary>
internal static unsafe partial class Libsodium
{
    public const int GenericHashStateSize = 384;
    public const int GenericHashStateAlignment = 64;

    [LibraryImport(Library, EntryPoint = "crypto_generichash")]
    public static partial int GenericHash(
        byte* output, nuint outputLength, byte* input, ulong inputLength, byte* key, nuint keyLength);

    /// <summary>For inputs of some hundred bytes: the call is shorter than what the runtime does around others.</summary>
    [LibraryImport(Library, EntryPoint = "crypto_generichash")]
    [SuppressGCTransition]
    public static partial int GenericHashShort(
        byte* output, nuint outputLength, byte* input, ulong inputLength, byte* key, nuint keyLength);

    [LibraryImport(Library, EntryPoint = "crypto_generichash_init")]
    [SuppressGCTransition]
    public static partial int GenericHashInit(byte* state, byte* key, nuint keyLength, nuint outputLength);

    [LibraryImport(Library, EntryPoint = "crypto_generichash_update")]
    public static partial int GenericHashUpdate(byte* state, byte* input, ulong inputLength);

    [LibraryImport(Library, EntryPoint = "crypto_generichash_update")]
    [SuppressGCTransition]
    public static partial int GenericHashUpdateShort(byte* state, byte* input, ulong inputLength);

    [LibraryImport(Library, EntryPoint = "crypto_generichash_final")]
    [SuppressGCTransition]
    public static partial int GenericHashFinal(byte* state, byte* output, nuint outputLength);
}
