using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>Ends a call with a problem.</summary>
internal sealed class ApiException(string code, string detail) : Exception(detail)
{
    public string Code { get; } = code;

    public static ApiException BadRequest(string detail) => new(ApiCodes.BadRequest, detail);

    public static ApiException NoFeed(string nameOrKey) => new(
        ApiCodes.FeedNotFound, $"there is no feed '{nameOrKey}' in this storage; POST {ApiRoutes.Feeds} opens one");
}
