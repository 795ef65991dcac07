namespace HyperActors.Wire.Tests;

/// <summary>Events of stages in lines, for laws and vectors to compare.</summary>
internal static class WireText
{
    public const string Failure = "failed";

    public static IEnumerable<string> Of(FrameEvent e) =>
        [e.Kind == FrameEventKind.Frame ? Of(e.Body) : $"{Failure} {e.Error}"];

    public static IEnumerable<string> Of(EncryptEvent e) => e.Kind switch
    {
        EncryptEventKind.Opened => ["opened"],
        EncryptEventKind.Message => [Of(e.Message)],
        _ => [$"{Failure} {e.Error}"],
    };

    public static IEnumerable<string> Of(LinkEvent e)
    {
        switch (e)
        {
            case LinkEvent.MessagesArrived arrived:
                using (arrived.Messages)
                {
                    var lines = new List<string>();
                    foreach (Message message in arrived.Messages)
                    {
                        lines.Add($"{arrived.ChannelId}: {message.Type} {Of(message.Payload.Span)}");
                    }

                    return lines;
                }

            case LinkEvent.ChannelOpened opened:
                return [$"opened {opened.ChannelId} {Of(opened.Handshake.Span)}"];
            case LinkEvent.ChannelRequested requested:
                return [$"requested {requested.RequestId} {requested.Protocol} {Of(requested.Id.Span)}"];
            case LinkEvent.Failed failed:
                return [$"{Failure} {failed.Error}"];
            default:
                return [e.ToString()];
        }
    }

    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
