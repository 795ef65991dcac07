using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace HyperActors.Catalog;

/// <summary>SQLite's library out of the program itself, where the program was compiled to native code and is all that there is.</summary>
/// <remarks>
/// Such a program holds it as the resource <c>libe_sqlite3</c> (<c>src/Cli/Cli.csproj</c>). It is loaded from memory (memfd_create(2)):
/// nothing is written beside the program, and a disk that nothing may run from does no harm.
/// </remarks>
internal static partial class CarriedSqlite
{
    private const string Resource = "libe_sqlite3";
    private const uint CloseOnExec = 1;

    /// <summary>Makes SQLite ready: the program's own, else the one that lies beside it.</summary>
    public static void Initialize()
    {
        if (OperatingSystem.IsLinux() && Assembly.GetEntryAssembly() is { } program && program.GetManifestResourceInfo(Resource) is not null)
        {
            nint library = Load(program);
            NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == "e_sqlite3" ? library : 0);
        }

        Batteries_V2.Init();
    }

    private static nint Load(Assembly program)
    {
        int fd = Create(Resource, CloseOnExec);
        if (fd < 0)
        {
            throw new DllNotFoundException($"SQLite can't be loaded from memory: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        // The descriptor stays open: its path is what the loader knows the library by.
        string path = $"/proc/self/fd/{fd}";
        using (Stream resource = program.GetManifestResourceStream(Resource)!)
        using (FileStream file = File.OpenWrite(path))
        {
            resource.CopyTo(file);
        }

        return NativeLibrary.Load(path);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Create(string name, uint flags);
}
