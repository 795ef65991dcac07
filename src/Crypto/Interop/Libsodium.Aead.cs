using System.Runtime.InteropServices;

namespace HyperActors.Crypto.Interop;

/// <summary>crypto_aead_chacha20poly1305.h and crypto_secretstream_xchacha20poly1305.h.</summary>
internal static unsafe partial class Libsodium
{
    [LibraryImport(Library, EntryPoint = "crypto_aead_chacha20poly1305_ietf_encrypt")]
    public static partial int AeadEncrypt(
        byte* output, ulong* outputLength, byte* plaintext, ulong plaintextLength,
        byte* associated, ulong associatedLength, byte* secretNonce, byte* nonce, byte* key);

    [LibraryImport(Library, EntryPoint = "crypto_aead_chacha20poly1305_ietf_decrypt")]
    public static partial int AeadDecrypt(
        byte* output, ulong* outputLength, byte* secretNonce, byte* ciphertext, ulong ciphertextLength,
        byte* associated, ulong associatedLength, byte* nonce, byte* key);

    [LibraryImport(Library, EntryPoint = "crypto_secretstream_xchacha20poly1305_init_pull")]
    public static partial int SecretStreamInitPull(SecretStreamState* state, byte* header, byte* key);

    [LibraryImport(Library, EntryPoint = "crypto_secretstream_xchacha20poly1305_push")]
    public static partial int SecretStreamPush(
        SecretStreamState* state, byte* output, ulong* outputLength, byte* plaintext, ulong plaintextLength,
        byte* associated, ulong associatedLength, byte tag);

    [LibraryImport(Library, EntryPoint = "crypto_secretstream_xchacha20poly1305_pull")]
    public static partial int SecretStreamPull(
        SecretStreamState* state, byte* output, ulong* outputLength, byte* tag, byte* ciphertext, ulong ciphertextLength,
        byte* associated, ulong associatedLength);
}

/// <summary>crypto_secretstream_xchacha20poly1305_state: key, nonce, padding.</summary>
[StructLayout(LayoutKind.Sequential, Size = 52)]
internal struct SecretStreamState;
