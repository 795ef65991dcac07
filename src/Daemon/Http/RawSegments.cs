using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing.Patterns;

namespace HyperActors.Daemon;

/// <summary>Reads the values in a path from what the caller sent: the server leaves an encoded slash as it is, and a name may hold one.</summary>
internal static class RawSegments
{
    public static void Read(HttpContext context)
    {
        if (context.GetEndpoint() is not RouteEndpoint { RoutePattern.Parameters.Count: > 0 } endpoint
            || context.Features.Get<IHttpRequestFeature>()?.RawTarget is not { } target
            || !target.Contains('%', StringComparison.Ordinal))
        {
            return;
        }

        string[] segments = target.Split('?')[0].Trim('/').Split('/');
        IReadOnlyList<RoutePatternPathSegment> pattern = endpoint.RoutePattern.PathSegments;
        for (int i = 0; i < pattern.Count && i < segments.Length; i++)
        {
            if (pattern[i].Parts is [RoutePatternParameterPart { IsCatchAll: false } parameter])
            {
                context.Request.RouteValues[parameter.Name] = Uri.UnescapeDataString(segments[i]);
            }
        }
    }
}
