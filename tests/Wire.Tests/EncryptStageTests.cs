using System.Buffers;
using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Wire.Tests;

public class EncryptStageTests
{
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);

    private static readonly JsonElement Connection = Vectors.Load("secretstream.json").GetProperty("connection");

    [Theory]
    [InlineData("initiator")]
    [InlineData("responder")]
    public void A_whole_connection_is_that_of_JavaScript_to_the_byte(string role)
    {
        JsonElement me = Connection.GetProperty(role);
        var stage = new EncryptStage(
            new LinkOptions(),
            string.Equals(role, "initiator", StringComparison.Ordinal),
            KeyPair.FromSeed(me.Hex("static")),
            new FixedRandom(me.Hex("ephemeral"), me.Hex("header")),
            Now);
        var sent = new List<string>();
        var heard = new List<string>();
        var toSend = new Queue<byte[]>(Connection.Items("messages")
            .Where(m => string.Equals(m.Text("from"), role, StringComparison.Ordinal)).Select(m => m.Hex("message")));
        string[] mine = [.. Connection.Items("wire").Where(w => string.Equals(w.Text("from"), role, StringComparison.Ordinal)).Select(w => w.Text("bytes"))];

        foreach (JsonElement frame in Connection.Items("wire"))
        {
            if (!string.Equals(frame.Text("from"), role, StringComparison.Ordinal))
            {
                byte[] bytes = frame.Hex("bytes");
                heard.AddRange(StageLaws.Hear(stage, new ReadOnlySequence<byte>(bytes.AsMemory(3)), WireText.Of));
            }

            sent.AddRange(StageLaws.Transmit(stage, Now).Select(Framed));
        }

        // The setup is three frames in all; the rest are the messages, which nothing but their order ties to the other side's.
        while (toSend.TryDequeue(out byte[]? message))
        {
            byte[] frame = new byte[message.Length + SecretStream.Overhead];
            stage.Encrypt(message, frame, Now);
            sent.Add(Framed(frame));
        }

        Assert.Equal(mine, sent, StringComparer.Ordinal);
        Assert.Equal("opened", heard[0]);
        Assert.Equal(
            Connection.Items("messages")
                .Where(m => !string.Equals(m.Text("from"), role, StringComparison.Ordinal))
                .Select(m => m.Text("message")).Where(m => m.Length > 0),
            heard.Skip(1),
            StringComparer.Ordinal);
        Assert.Equal(Connection.Hex("hash"), stage.Session!.HandshakeHash.ToArray());
    }

    [Fact]
    public void Both_headers_leave_without_waiting_for_the_other_when_the_keys_are_given()
    {
        (EncryptStage a, EncryptStage b) = GivenKeys();
        Assert.Equal(EncryptStage.HeaderFrameSize, Assert.Single(StageLaws.Transmit(a, Now)).Length);
        Assert.Equal(EncryptStage.HeaderFrameSize, Assert.Single(StageLaws.Transmit(b, Now)).Length);
        Assert.True(a.CanEncrypt && b.CanEncrypt && !a.IsOpen && !b.IsOpen);
    }

    [Fact]
    public void A_header_with_our_own_stream_id_is_refused()
    {
        (EncryptStage a, _) = GivenKeys();
        byte[] own = StageLaws.Transmit(a, Now).Single();
        Assert.Equal(["opened", "failed InvalidStreamHeader"], Hear(a, own));
    }

    [Theory]
    [InlineData(55)]
    [InlineData(0)]
    public void A_header_that_is_too_short_is_refused(int size)
    {
        (EncryptStage a, EncryptStage b) = GivenKeys();
        byte[] header = StageLaws.Transmit(b, Now).Single();
        Assert.Equal(["opened", "failed InvalidStreamHeader"], Hear(a, header[..size]));
    }

    [Fact]
    public void A_header_that_is_too_long_is_refused()
    {
        (EncryptStage a, EncryptStage b) = GivenKeys();
        byte[] header = StageLaws.Transmit(b, Now).Single();
        Assert.Equal(["opened", "failed InvalidStreamHeader"], Hear(a, [.. header, 0]));
    }

    [Fact]
    public void A_frame_that_is_too_short_changed_or_out_of_order_is_refused_and_nothing_after_it_is_heard()
    {
        foreach (Func<List<byte[]>, byte[]> wrong in (Func<List<byte[]>, byte[]>[])
            [
                frames => frames[1][..16],
                frames => [],
                frames => [.. frames[1][..^1], (byte)(frames[1][^1] ^ 1)],
                frames => frames[2],
                frames => frames[0],
            ])
        {
            (EncryptStage a, EncryptStage b) = Opened();
            List<byte[]> frames = [Encrypt(b, [1]), Encrypt(b, [2]), Encrypt(b, [3])];
            Assert.Equal(["01"], Hear(a, frames[0]));
            Assert.Equal(["failed DecryptionFailed"], Hear(a, wrong(frames)));
            Assert.Empty(Hear(a, frames[1]));
            Assert.Null(a.Deadline);
        }
    }

    [Fact]
    public void An_empty_message_is_swallowed()
    {
        (EncryptStage a, EncryptStage b) = Opened();
        Assert.Empty(Hear(a, Encrypt(b, [])));
        Assert.Equal(["07"], Hear(a, Encrypt(b, [7])));
    }

    [Fact]
    public void A_handshake_that_is_not_done_in_time_fails()
    {
        var stage = new EncryptStage(new LinkOptions(), false, Keys(1), RandomSource.Seeded(1), Now);
        Assert.Equal(Now + TimeSpan.FromSeconds(10), stage.Deadline);
        stage.HandleTimeout(Now + TimeSpan.FromSeconds(10));
        Assert.Equal(["failed HandshakeTimeout"], StageLaws.Poll(stage, WireText.Of));
        Assert.Null(stage.Deadline);
    }

    [Fact]
    public void A_peer_that_withholds_its_header_fails_in_time_though_we_are_ready()
    {
        (EncryptStage a, _) = GivenKeys();
        for (int i = 0; i < 10 && a.Deadline is { } deadline; i++)
        {
            a.HandleTimeout(deadline);
            _ = StageLaws.Transmit(a, deadline);
        }

        Assert.Equal(["opened", "failed HandshakeTimeout"], StageLaws.Poll(a, WireText.Of));
    }

    [Fact]
    public void The_line_is_kept_alive_and_every_write_puts_that_off()
    {
        (EncryptStage a, EncryptStage b) = Opened();
        Assert.Equal(Now + TimeSpan.FromSeconds(5), a.Deadline);

        TimeSpan later = Now + TimeSpan.FromSeconds(4);
        a.Encrypt("x"u8, new byte[18], later);
        Assert.Equal(later + TimeSpan.FromSeconds(5), a.Deadline);

        TimeSpan due = a.Deadline!.Value;
        a.HandleTimeout(due);
        Assert.Equal(SecretStream.Overhead, Assert.Single(StageLaws.Transmit(a, due)).Length);
        Assert.Equal(due + TimeSpan.FromSeconds(5), a.Deadline);
        Assert.Empty(StageLaws.Transmit(a, due));
    }

    [Fact]
    public void A_silent_peer_fails_when_a_bound_is_set()
    {
        var options = new LinkOptions { IdleTimeout = TimeSpan.FromSeconds(3), KeepAliveInterval = TimeSpan.Zero };
        (EncryptStage a, EncryptStage b) = Opened(options);
        Assert.Equal(Now + TimeSpan.FromSeconds(3), a.Deadline);
        a.HandleInput(new ReadOnlySequence<byte>(Encrypt(b, [])), Now + TimeSpan.FromSeconds(2));
        Assert.Equal(Now + TimeSpan.FromSeconds(5), a.Deadline);
        a.HandleTimeout(Now + TimeSpan.FromSeconds(5));
        Assert.Equal(["failed IdleTimeout"], StageLaws.Poll(a, WireText.Of));
    }

    internal static (EncryptStage A, EncryptStage B) GivenKeys(LinkOptions? options = null)
    {
        byte[] hash = [.. Enumerable.Repeat((byte)7, 64)];
        byte[] one = [.. Enumerable.Repeat((byte)1, 32)];
        byte[] two = [.. Enumerable.Repeat((byte)2, 32)];
        options ??= new LinkOptions();
        return (
            new EncryptStage(options, new SessionKeys(true, one, two, hash, default, default), RandomSource.Seeded(1), Now),
            new EncryptStage(options, new SessionKeys(false, two, one, hash, default, default), RandomSource.Seeded(2), Now));
    }

    internal static (EncryptStage A, EncryptStage B) Opened(LinkOptions? options = null)
    {
        (EncryptStage a, EncryptStage b) = GivenKeys(options);
        byte[] ofA = StageLaws.Transmit(a, Now).Single();
        byte[] ofB = StageLaws.Transmit(b, Now).Single();
        Assert.Equal(["opened"], Hear(a, ofB));
        Assert.Equal(["opened"], Hear(b, ofA));
        return (a, b);
    }

    internal static byte[] Encrypt(EncryptStage stage, byte[] message)
    {
        byte[] frame = new byte[message.Length + SecretStream.Overhead];
        stage.Encrypt(message, frame, Now);
        return frame;
    }

    private static List<string> Hear(EncryptStage stage, byte[] frame) =>
        [.. StageLaws.Hear(stage, new ReadOnlySequence<byte>(frame), WireText.Of, Now)];

    private static KeyPair Keys(byte seed) => KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray());

    private static string Framed(byte[] body)
    {
        byte[] header = new byte[3];
        FrameCodec.EncodeHeader(header, body.Length);
        return Convert.ToHexStringLower([.. header, .. body]);
    }
}
