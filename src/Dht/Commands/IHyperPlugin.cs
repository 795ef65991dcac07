namespace HyperActors.Dht;

/// <summary>A protocol of one's own between nodes of the DHT.</summary>
public interface IHyperPlugin
{
    string Name { get; }

    /// <summary>Requests of another version are met with silence.</summary>
    ulong Version { get; }

    /// <summary>Answers now, later, or never. It must not throw, whatever the request holds.</summary>
    void HandleRequest(PluginRequest request, IncomingRequest incoming);
}
