using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>What every endpoint says of itself.</summary>
internal static class EndpointExtensions
{
    /// <summary>The endpoint's name and its sentence in the API document.</summary>
    public static RouteHandlerBuilder Named(this RouteHandlerBuilder endpoint, string name, string summary) =>
        endpoint.WithName(name).WithSummary(summary)
            .Produces<ApiProblem>(StatusCodes.Status400BadRequest, ApiProblem.ContentType);

    /// <summary>The endpoint answers with a stream of events.</summary>
    public static RouteHandlerBuilder Streams(this RouteHandlerBuilder endpoint) =>
        endpoint.Produces(StatusCodes.Status200OK, null, "text/event-stream");
}
