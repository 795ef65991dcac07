namespace Akka.Configuration;

public class Config;

public class ConfigurationFactory
{
    public static Config ParseString(string hocon) => Shape.Of<Config>();
}

public class ConfigurationException : Akka.Actor.AkkaException
{
    public ConfigurationException(string message)
        : base(message)
    {
    }
}
