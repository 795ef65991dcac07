using System.Runtime.InteropServices;

namespace HyperActors.Crypto.Interop;

/// <summary>crypto_sign.h and crypto_scalarmult_ed25519.h.</summary>
internal static unsafe partial class Libsodium
{
    [LibraryImport(Library, EntryPoint = "crypto_sign_seed_keypair")]
    public static partial int SignSeedKeyPair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Library, EntryPoint = "crypto_sign_detached")]
    public static partial int SignDetached(
        byte* signature, ulong* signatureLength, byte* message, ulong messageLength, byte* secretKey);

    [LibraryImport(Library, EntryPoint = "crypto_sign_verify_detached")]
    public static partial int SignVerifyDetached(byte* signature, byte* message, ulong messageLength, byte* publicKey);

    [LibraryImport(Library, EntryPoint = "crypto_scalarmult_ed25519_noclamp")]
    public static partial int ScalarMultEd25519NoClamp(byte* product, byte* scalar, byte* point);

    [LibraryImport(Library, EntryPoint = "crypto_hash_sha512")]
    public static partial int Sha512(byte* output, byte* input, ulong inputLength);

    [LibraryImport(Library, EntryPoint = "randombytes_buf")]
    public static partial void RandomBytes(byte* output, nuint length);
}
