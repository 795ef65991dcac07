using System.Buffers;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

/// <summary>Two of our muxes do what a script says, and write and hear what two of JavaScript's did.</summary>
public class MuxVectorsTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);

    private static readonly JsonElement Scripts = Vectors.Load("mux.json").GetProperty("scripts");

    public static TheoryData<string> Names => [.. Scripts.EnumerateObject().Select(script => script.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_frame_is_that_of_JavaScript(string script)
    {
        var a = new Side();
        var b = new Side();
        var frames = new List<string>();
        var heard = new List<string>();
        var expectedFrames = new List<string>();
        var expectedHeard = new List<string>();
        foreach (JsonElement step in Scripts.GetProperty(script).EnumerateArray())
        {
            Side side = string.Equals(step.Text("who"), "a", StringComparison.Ordinal) ? a : b;
            side.Do(step.Text("step"), [.. step.Items("args")]);
            if (step.Items("args").LastOrDefault() is { ValueKind: JsonValueKind.Object } options
                && options.TryGetProperty("together", out _))
            {
                continue;
            }

            Carry(a, b, frames, heard);
            foreach (JsonElement frame in step.Items("frames"))
            {
                expectedFrames.Add($"{frame.Text("from")} {frame.Text("bytes")}");
            }

            foreach (JsonElement e in step.Items("heard"))
            {
                string what = e.Text("what");
                expectedHeard.Add(what switch
                {
                    "message" => $"{e.Text("who")} {e.Text("channel")} {e.Number("type")} {e.Text("payload")}",
                    "opened" => $"{e.Text("who")} {e.Text("channel")} opened {e.Text("handshake")}",
                    _ => $"{e.Text("who")} {e.Text("channel")} closed",
                });
            }

            // Which side moves first is the scheduler's choice; what each says and hears, and in what order, is not.
            foreach (char who in (char[])['a', 'b'])
            {
                Assert.Equal(Of(who, expectedFrames), Of(who, frames), StringComparer.Ordinal);
                Assert.Equal(Of(who, expectedHeard), Of(who, heard), StringComparer.Ordinal);
            }
        }

        Assert.NotEmpty(frames);
    }

    private static IEnumerable<string> Of(char who, List<string> lines) => lines.Where(line => line[0] == who);

    private static void Carry(Side a, Side b, List<string> frames, List<string> heard)
    {
        bool moved = true;
        while (moved)
        {
            List<byte[]> ofA = StageLaws.Transmit(a.Mux, Now);
            List<byte[]> ofB = StageLaws.Transmit(b.Mux, Now);
            moved = ofA.Count + ofB.Count > 0;
            foreach ((char who, List<byte[]> sent, Side to) in ((char, List<byte[]>, Side)[])[('a', ofA, b), ('b', ofB, a)])
            {
                foreach (byte[] frame in sent)
                {
                    frames.Add($"{who} {Convert.ToHexStringLower(frame)}");
                    to.Mux.HandleInput(new ReadOnlySequence<byte>(frame), Now);
                }
            }

            heard.AddRange(a.Poll().Select(line => $"a {line}"));
            heard.AddRange(b.Poll().Select(line => $"b {line}"));
        }
    }

    /// <summary>One user: answers requests as the script says, and rejects what nobody said anything about.</summary>
    private sealed class Side
    {
        private readonly Dictionary<string, ulong> _channels = new(StringComparer.Ordinal);
        private readonly Dictionary<ulong, string> _names = [];
        private readonly HashSet<string> _awaited = new(StringComparer.Ordinal);
        private readonly List<ulong> _requests = [];

        public MuxStage Mux { get; } = new(new LinkOptions());

        public void Do(string step, JsonElement[] args)
        {
            switch (step)
            {
                case "pair":
                    _awaited.Add(args[0].GetString()!);
                    break;
                case "reject":
                    _requests.ForEach(Mux.Reject);
                    break;
                case "open":
                    Open(args);
                    break;
                case "close":
                    Mux.Close(_channels[args[0].GetString()!]);
                    break;
                case "send":
                    Send(args[0], [(args[1], args[2])]);
                    break;
                case "batch":
                    Send(args[0], [.. args[1].EnumerateArray().Select(message => (message[0], message[1]))]);
                    break;
                default:
                    Assert.Fail(step);
                    break;
            }
        }

        public List<string> Poll()
        {
            var lines = new List<string>();
            while (Mux.TryPollEvent(out LinkEvent? e))
            {
                switch (e)
                {
                    case LinkEvent.ChannelRequested requested:
                        _requests.Add(requested.RequestId);
                        if (!_awaited.Contains(requested.Protocol))
                        {
                            Mux.Reject(requested.RequestId);
                        }

                        break;
                    case LinkEvent.ChannelOpened opened:
                        lines.Add($"{_names[opened.ChannelId]} opened {WireText.Of(opened.Handshake.Span)}");
                        break;
                    case LinkEvent.ChannelClosed closed:
                        lines.Add($"{_names[closed.ChannelId]} closed");
                        break;
                    case LinkEvent.MessagesArrived arrived:
                        foreach (Message message in arrived.Messages)
                        {
                            lines.Add($"{_names[arrived.ChannelId]} {message.Type} {WireText.Of(message.Payload.Span)}");
                        }

                        arrived.Messages.Dispose();
                        break;
                    default:
                        Assert.Fail(e.ToString());
                        break;
                }
            }

            return lines;
        }

        private void Open(JsonElement[] args)
        {
            byte[] id = args[2].ValueKind == JsonValueKind.Null ? [] : args[2].Hex();
            JsonElement options = args.Length > 4 ? args[4] : default;
            bool hasOptions = options.ValueKind == JsonValueKind.Object;
            var spec = new ChannelSpec(args[1].GetString()!, id)
            {
                Aliases = hasOptions && options.TryGetProperty("aliases", out JsonElement aliases)
                    ? [.. aliases.EnumerateArray().Select(alias => alias.GetString()!)]
                    : [],
                IsUnique = !hasOptions || !options.TryGetProperty("unique", out JsonElement unique) || unique.GetBoolean(),
            };
            Assert.True(Mux.TryOpen(spec, args[3].Hex(), out ulong channel));
            _channels[args[0].GetString()!] = channel;
            _names[channel] = args[0].GetString()!;
        }

        private void Send(JsonElement channel, List<(JsonElement Type, JsonElement Payload)> messages)
        {
            var writer = new MessageBatchWriter();
            foreach ((JsonElement type, JsonElement payload) in messages)
            {
                writer.Write(type.GetUInt32(), payload.Hex());
            }

            // A script may go on talking on a channel that the other side has rejected: that goes nowhere.
            Mux.Send(_channels[channel.GetString()!], writer.Build()!);
        }
    }
}
