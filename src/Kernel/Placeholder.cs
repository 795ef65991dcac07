namespace HyperActors.Kernel;

internal static class Placeholder;
