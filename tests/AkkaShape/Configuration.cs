namespace Akka.Configuration;

public class Config;

public class ConfigurationFactory
{
    public static Config ParseString(string hocon) => Shape.Of<Config>();
}
