namespace HyperActors.Storage;

/// <summary>The door to the disk: the files of one feed.</summary>
/// <remarks>A device never throws at its caller: what goes wrong is in the result.</remarks>
public interface IDevice : IDisposable
{
    /// <summary>Carries out a request, at once when that is cheap.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="completed">Called once, on any thread, unless the answer was given at once.</param>
    /// <param name="result">The answer when it was given at once.</param>
    /// <returns>True when the answer was given at once; then <paramref name="completed"/> is not called.</returns>
    bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result);
}
