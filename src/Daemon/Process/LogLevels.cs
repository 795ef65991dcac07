namespace HyperActors.Daemon;

/// <summary>What is logged of each part. Replaced as a whole when the configuration is read again.</summary>
internal sealed class LogLevels(LogOptions options)
{
    private LogOptions _options = options;

    public LogOptions Options
    {
        get => Volatile.Read(ref _options);
        set => Volatile.Write(ref _options, value);
    }

    public bool Allows(string? category, LogLevel level)
    {
        LogOptions current = Options;
        LogLevel least = current.Level;
        int length = -1;
        foreach ((string prefix, LogLevel of) in current.Categories)
        {
            if (prefix.Length > length && category?.StartsWith(prefix, StringComparison.Ordinal) == true)
            {
                length = prefix.Length;
                least = of;
            }
        }

        return level >= least && level != LogLevel.None;
    }
}
