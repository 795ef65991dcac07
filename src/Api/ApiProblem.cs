namespace HyperActors.Api;

/// <summary>What went wrong, as RFC 9457 has it: the body of every answer that is no success.</summary>
/// <param name="Type">A name of the kind of problem: <c>urn:hyperactors:</c> and the code.</param>
/// <param name="Title">The kind of problem in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong here, and what to do.</param>
/// <param name="Code">One of <see cref="ApiCodes"/>: what programs look at.</param>
public sealed record ApiProblem(string Type, string Title, int Status, string Detail, string Code)
{
    public const string ContentType = "application/problem+json";

    public static ApiProblem Of(string code, string detail)
    {
        (int status, string title) = ApiCodes.Describe(code);
        return new ApiProblem($"urn:hyperactors:{code}", title, status, detail, code);
    }
}

/// <summary>The codes of problems. A client turns each into the exception that an embedded node throws.</summary>
public static class ApiCodes
{
    public const string BadRequest = "bad-request";
    public const string OutOfRange = "out-of-range";
    public const string Unauthorized = "unauthorized";
    public const string Forbidden = "forbidden";
    public const string NotFound = "not-found";
    public const string FeedNotFound = "feed-not-found";
    public const string NotHere = "not-here";
    public const string MethodNotAllowed = "method-not-allowed";
    public const string FeedExists = "feed-exists";
    public const string FeedNotWritable = "feed-not-writable";
    public const string BlockTooLarge = "block-too-large";
    public const string BodyTooLarge = "body-too-large";
    public const string BodyTooSlow = "body-too-slow";
    public const string UnsupportedMediaType = "unsupported-media-type";
    public const string RangeNotSatisfiable = "range-not-satisfiable";
    public const string FeedFailed = "feed-failed";
    public const string ConnectionFailed = "connection-failed";
    public const string NodeFailed = "node-failed";
    public const string NotSupported = "not-supported";
    public const string Busy = "busy";
    public const string Stopping = "stopping";
    public const string Internal = "internal";

    private static readonly Dictionary<string, (int Status, string Title)> Known = new(StringComparer.Ordinal)
    {
        [BadRequest] = (400, "The request makes no sense"),
        [OutOfRange] = (400, "A number is out of range"),
        [Unauthorized] = (401, "The token is missing or wrong"),
        [Forbidden] = (403, "Not from there"),
        [NotFound] = (404, "There is nothing there"),
        [FeedNotFound] = (404, "There is no such feed"),
        [NotHere] = (404, "The block is not on this disk"),
        [MethodNotAllowed] = (405, "Not by this method"),
        [FeedExists] = (409, "A feed of that name exists"),
        [FeedNotWritable] = (403, "The feed cannot be written here"),
        [BlockTooLarge] = (413, "A block is too large"),
        [BodyTooLarge] = (413, "The body is too large"),
        [BodyTooSlow] = (408, "The body came too slowly"),
        [UnsupportedMediaType] = (415, "Not in this media type"),
        [RangeNotSatisfiable] = (416, "The range is not in the feed"),
        [FeedFailed] = (500, "The feed has stopped"),
        [ConnectionFailed] = (502, "No connection came about"),
        [NodeFailed] = (500, "The node cannot do this"),
        [NotSupported] = (501, "This node does not have that part"),
        [Busy] = (503, "Too much at a time"),
        [Stopping] = (503, "The node is stopping"),
        [Internal] = (500, "A fault of hyperactors itself"),
    };

    /// <summary>Every code there is.</summary>
    public static IReadOnlyCollection<string> All => Known.Keys;

    /// <summary>The status and the words of a code.</summary>
    public static (int Status, string Title) Describe(string code) => Known[code];
}
