namespace HyperActors.Simulation;

/// <summary>A simulated disk that did not do what it was asked to.</summary>
public sealed class SimulatedDiskException(string message) : IOException(message);
