using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HyperActors.Crypto.Interop;

/// <summary>Where libsodium is found, and its first call.</summary>
internal static partial class Libsodium
{
    public const string Library = "libsodium";

    // Debian 12 ships version 23 of the interface, Debian 13 version 26: what we call is in both.
    private static readonly string[] Names =
        ["libsodium.so.23", "libsodium.so.26", "libsodium.so", "libsodium.dylib", "libsodium.23.dylib", "libsodium.26.dylib", "libsodium.dll", "sodium.dll"];

#pragma warning disable CA2255 // A module initializer in a library: the resolver must be there before the first call into libsodium, whichever it is.
    [ModuleInitializer]
    internal static void Initialize() =>
        NativeLibrary.SetDllImportResolver(typeof(Libsodium).Assembly, Resolve);
#pragma warning restore CA2255

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (!string.Equals(name, Library, StringComparison.Ordinal))
        {
            return IntPtr.Zero;
        }

        foreach (string candidate in Names)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, searchPath, out IntPtr handle))
            {
                Start(handle);
                return handle;
            }
        }

        throw new DllNotFoundException(
            $"libsodium was not found (tried {string.Join(", ", Names)}). Install it: 'apt-get install libsodium23' on Debian, 'brew install libsodium' on macOS.");
    }

    // sodium_init picks the fastest code for this processor; before it, every call takes the portable path.
    private static unsafe void Start(IntPtr handle)
    {
        var init = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(handle, "sodium_init");
        if (init() < 0)
        {
            throw new DllNotFoundException("libsodium could not start (sodium_init failed): the system gives no random numbers.");
        }
    }
}
