using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using HyperActors.Cli.Tests.Commands;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>The executable while it runs. Every wait has a deadline.</summary>
internal sealed partial class RunningCli : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly string[] _args;

    public RunningCli(Process process, string[] args)
    {
        _process = process;
        _args = args;
        _error = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Writes to the standard input; a process that has ended already takes nothing, which is no fault here.</summary>
    /// <returns>False when it has.</returns>
    public async Task<bool> WriteAsync(byte[] bytes)
    {
        try
        {
            await Input.WriteAsync(bytes).AsTask().WaitAsync(Sandbox.Deadline);
            await Input.FlushAsync().WaitAsync(Sandbox.Deadline);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public Task<bool> WriteAsync(string text) => WriteAsync(Encoding.UTF8.GetBytes(text));

    public void CloseInput()
    {
        try
        {
            Input.Close();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Leaves the process without a reader of its output.</summary>
    public void CloseOutput() => _process.StandardOutput.Close();

    /// <summary>The next line of the standard output; null at its end.</summary>
    public async Task<string?> ReadLineAsync()
    {
        // Byte by byte, so that what follows is left for whoever reads next.
        var line = new List<byte>();
        byte[] one = new byte[1];
        while (await Output.ReadAsync(one).AsTask().WaitAsync(Sandbox.Deadline) == 1)
        {
            if (one[0] == '\n')
            {
                return Encoding.UTF8.GetString([.. line]);
            }

            line.Add(one[0]);
        }

        return line.Count == 0 ? null : Encoding.UTF8.GetString([.. line]);
    }

    public void Signal(PosixSignalNumber signal) => Assert.Equal(0, Kill(_process.Id, (int)signal));

    /// <summary>Waits for the end and hands over what was not read yet.</summary>
    public async Task<Outcome> EndAsync()
    {
        using var output = new MemoryStream();
        await Output.CopyToAsync(output).WaitAsync(Sandbox.Deadline);
        (int exitCode, string error) = await ExitAsync();
        return new Outcome(exitCode, output.ToArray(), error);
    }

    /// <summary>Waits for the end, whatever becomes of the output.</summary>
    public async Task<(int ExitCode, string Error)> ExitAsync()
    {
        string error = await _error.WaitAsync(Sandbox.Deadline);
        await _process.WaitForExitAsync().WaitAsync(Sandbox.Deadline);
        ReferenceTests.AssertTold(_args, _process.ExitCode);
        return (_process.ExitCode, error);
    }

    public void Dispose()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(Sandbox.Deadline);
        }
        catch (Exception ended) when (ended is InvalidOperationException or Win32Exception)
        {
            // It is no more.
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}

internal enum PosixSignalNumber
{
    Hangup = 1,
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}
