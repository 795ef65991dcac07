using System.Runtime.InteropServices;

namespace HyperActors.Crypto.Interop;

/// <summary>crypto_secretbox.h: XSalsa20-Poly1305.</summary>
internal static unsafe partial class Libsodium
{
    [LibraryImport(Library, EntryPoint = "crypto_secretbox_easy")]
    public static partial int SecretBoxEasy(byte* output, byte* plaintext, ulong plaintextLength, byte* nonce, byte* key);

    [LibraryImport(Library, EntryPoint = "crypto_secretbox_open_easy")]
    public static partial int SecretBoxOpenEasy(byte* output, byte* ciphertext, ulong ciphertextLength, byte* nonce, byte* key);
}
