using HyperActors.Cli;

using var signals = new StopSignals();
int exitCode = await CommandLine.RunAsync(args, CliHost.Process(signals), signals.Token);
return exitCode == ExitCode.Interrupted ? signals.ExitCode : exitCode;
