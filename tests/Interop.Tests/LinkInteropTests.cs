using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Wire;

namespace HyperActors.Interop.Tests;

/// <summary>Our link and JavaScript's secret stream with protomux, over TCP, in both roles.</summary>
public class LinkInteropTests
{
    private static readonly int[] Sizes = [0, 1, 2, 251, 252, 253, 1000, 65_516, 65_534, 65_535, 65_536, 1 << 20];

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_of_all_sizes_come_back_as_they_were_sent(bool isInitiator)
    {
        await using Ends ends = await Ends.ConnectAsync(isInitiator);
        ulong channel = await ends.OpenAsync("echo", "07");

        foreach (uint type in (uint[])[1, 2])
        {
            var writer = new MessageBatchWriter();
            for (int i = 0; i < Sizes.Length; i++)
            {
                byte[] payload = NodePeer.Pattern(5, (uint)i, Sizes[i]);
                writer.Write(type, payload);
                await ends.Link.DoAsync(link => link.Send(channel, writer.Build()!));
                int copies = type == 1 ? 1 : 3;
                foreach ((uint gotType, byte[] got) in await ends.Link.MessagesAsync(channel, copies))
                {
                    Assert.Equal(type, gotType);
                    Assert.True(payload.AsSpan().SequenceEqual(got), $"{Sizes[i]} bytes came back changed");
                }
            }
        }
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_batch_of_many_messages_comes_back_in_order(bool isInitiator)
    {
        await using Ends ends = await Ends.ConnectAsync(isInitiator);
        ulong channel = await ends.OpenAsync("echo", "07");
        var writer = new MessageBatchWriter();
        const int Count = 3000;
        for (uint i = 0; i < Count; i++)
        {
            writer.Write(1, NodePeer.Pattern(6, i, (int)(i * 37 % 1500)));
        }

        await ends.Link.DoAsync(link => link.Send(channel, writer.Build()!));
        List<(uint Type, byte[] Payload)> back = await ends.Link.MessagesAsync(channel, Count);
        Assert.Equal(Count, back.Count);
        for (uint i = 0; i < Count; i++)
        {
            Assert.True(NodePeer.Pattern(6, i, (int)(i * 37 % 1500)).AsSpan().SequenceEqual(back[(int)i].Payload));
        }
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_JavaScript_sends_alone_and_in_batches_arrives(bool isInitiator)
    {
        await using Ends ends = await Ends.ConnectAsync(isInitiator);
        ulong channel = await ends.OpenAsync("echo", "07");
        foreach (bool batch in (bool[])[false, true])
        {
            await ends.Peer.AskAsync("send", new { name = "echo/07", type = 0, seed = 9, sizes = Sizes, batch });
            List<(uint Type, byte[] Payload)> messages = await ends.Link.MessagesAsync(channel, Sizes.Length);
            Assert.Equal(Sizes, messages.Select(message => message.Payload.Length));
            for (int i = 0; i < Sizes.Length; i++)
            {
                Assert.True(NodePeer.Pattern(9, (uint)i, Sizes[i]).AsSpan().SequenceEqual(messages[i].Payload));
            }
        }
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Both_ends_know_each_other_and_share_a_hash(bool isInitiator)
    {
        await using Ends ends = await Ends.ConnectAsync(isInitiator);
        Assert.Equal(ends.Connected.HandshakeHash.ToArray(), ends.Open.Hex("handshakeHash"));
        Assert.Equal(ends.Keys.PublicKey.ToArray(), ends.Open.Hex("remotePublicKey"));
        using KeyPair theirs = KeyPair.FromSeed(Enumerable.Repeat((byte)0x33, 32).ToArray());
        Assert.Equal(theirs.PublicKey, ends.Connected.RemotePublicKey);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Channels_are_opened_rejected_closed_and_opened_again_from_both_sides(bool isInitiator)
    {
        await using Ends ends = await Ends.ConnectAsync(isInitiator);

        // What JavaScript does not want.
        ulong channel = 0;
        await ends.Link.DoAsync(link => Assert.True(link.TryOpen(Spec("nobody", "01"), default, out channel)));
        Assert.Equal(new LinkEvent.ChannelClosed(channel, WasRejected: true), await ends.Link.NextAsync<LinkEvent.ChannelClosed>());

        // What we do not want.
        await ends.Peer.AskAsync("open", new { name = "x", protocol = "nobody", channelId = "02" });
        var requested = await ends.Link.NextAsync<LinkEvent.ChannelRequested>();
        Assert.Equal("nobody", requested.Protocol);
        Assert.Equal([0x02], requested.Id.ToArray());
        await ends.Link.DoAsync(link => link.Reject(requested.RequestId));
        Assert.True((await ends.Peer.WaitForAsync("closed")).GetProperty("isRemote").GetBoolean());

        for (int round = 0; round < 3; round++)
        {
            // Opened by us, closed by JavaScript.
            channel = await ends.OpenAsync("echo", "07");
            await ends.Peer.AskAsync("close", new { name = "echo/07" });
            Assert.Equal(new LinkEvent.ChannelClosed(channel, WasRejected: false), await ends.Link.NextAsync<LinkEvent.ChannelClosed>());
            await ends.Peer.WaitForAsync("closed");

            // Opened by JavaScript with messages at once, answered late, closed by us.
            await ends.Peer.AskAsync("open", new { name = "y", protocol = "late", channelId = "03", handshake = "aabb" });
            await ends.Peer.AskAsync("send", new { name = "y", type = 0, seed = 4, sizes = (int[])[3, 300], batch = false });
            await ends.Link.NextAsync<LinkEvent.ChannelRequested>();
            await ends.Link.DoAsync(link => Assert.True(link.TryOpen(Spec("late", "03"), [1, 2], out channel)));
            Assert.Equal([0xaa, 0xbb], (await ends.Link.NextAsync<LinkEvent.ChannelOpened>()).Handshake.ToArray());
            Assert.Equal([3, 300], (await ends.Link.MessagesAsync(channel, 2)).Select(message => message.Payload.Length));
            Assert.Equal("0102", (await ends.Peer.WaitForAsync("opened", e => Is(e, "name", "y"))).Text("handshake"));
            await ends.Link.DoAsync(link => link.Close(channel));
            Assert.True((await ends.Peer.WaitForAsync("closed")).GetProperty("isRemote").GetBoolean());
        }

        JsonElement state = await ends.Peer.AskAsync("state");
        Assert.Equal(0UL, state.Number("open"));
        Assert.True(state.GetProperty("idle").GetBoolean());
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Five_hundred_channels_talk_at_once(bool isInitiator)
    {
        const int Count = 500;
        await using Ends ends = await Ends.ConnectAsync(isInitiator);
        var channels = new Dictionary<ulong, int>();
        await ends.Link.DoAsync(link =>
        {
            for (int i = 0; i < Count; i++)
            {
                Assert.True(link.TryOpen(Spec("echo", $"{i:x8}"), default, out ulong channel));
                channels.Add(channel, i);
                var writer = new MessageBatchWriter();
                writer.Write(1, NodePeer.Pattern(8, (uint)i, 100 + i));
                Assert.True(link.Send(channel, writer.Build()!));
            }
        });

        int opened = 0;
        int echoed = 0;
        while (opened < Count || echoed < Count)
        {
            switch (await ends.Link.NextAnyAsync())
            {
                case LinkEvent.ChannelOpened:
                    opened++;
                    break;
                case LinkEvent.MessagesArrived arrived:
                    using (arrived.Messages)
                    {
                        int i = channels[arrived.ChannelId];
                        foreach (Message message in arrived.Messages)
                        {
                            Assert.True(NodePeer.Pattern(8, (uint)i, 100 + i).AsSpan().SequenceEqual(message.Payload.Span));
                            echoed++;
                        }
                    }

                    break;
                case var other:
                    Assert.Fail(other.ToString());
                    break;
            }
        }

        await ends.Link.DoAsync(link =>
        {
            foreach (ulong channel in channels.Keys)
            {
                link.Close(channel);
            }
        });
        for (int i = 0; i < Count; i++)
        {
            await ends.Peer.WaitForAsync("closed");
        }

        Assert.True((await ends.Peer.AskAsync("state")).GetProperty("idle").GetBoolean());
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Keep_alives_hold_a_silent_connection_that_both_sides_watch(bool isInitiator)
    {
        var options = new LinkOptions
        {
            KeepAliveInterval = TimeSpan.FromMilliseconds(200),
            IdleTimeout = TimeSpan.FromSeconds(1),
        };
        await using Ends ends = await Ends.ConnectAsync(isInitiator, options, keepAlive: 200, timeout: 1000);
        await Task.Delay(TimeSpan.FromSeconds(3));
        ulong channel = await ends.OpenAsync("echo", "07");
        await ends.Link.DoAsync(link => link.Send(channel, Batch(1, [1, 2, 3])));
        Assert.Equal([1, 2, 3], (await ends.Link.MessagesAsync(channel, 1)).Single().Payload);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_end_on_either_side_ends_the_other(bool isInitiator)
    {
        await using (Ends ends = await Ends.ConnectAsync(isInitiator))
        {
            await ends.Peer.AskAsync("end");
            await ends.Link.NextAsync<LinkEvent.RemoteEnded>();
            await ends.Peer.WaitForAsync("close");
            Assert.Empty(ends.Peer.EventsSoFar("error"));
        }

        await using (Ends ends = await Ends.ConnectAsync(isInitiator))
        {
            ulong channel = await ends.OpenAsync("echo", "07");
            await ends.Link.DoAsync(link =>
            {
                link.Send(channel, Batch(0, new byte[100_000]));
                link.End();
            });
            Assert.Equal(100_000UL, (await ends.Peer.WaitForAsync("message")).Number("size"));
            await ends.Peer.WaitForAsync("close");
            Assert.Empty(ends.Peer.EventsSoFar("error"));
        }
    }

    private static ChannelSpec Spec(string protocol, string id) => new(protocol, Convert.FromHexString(id));

    private static bool Is(JsonElement e, string property, string value) =>
        string.Equals(e.Text(property), value, StringComparison.Ordinal);

    private static MessageBatch Batch(uint type, byte[] payload)
    {
        var writer = new MessageBatchWriter();
        writer.Write(type, payload);
        return writer.Build()!;
    }

    /// <summary>Both ends of one connection: the one that dials is the one that speaks first.</summary>
    private sealed class Ends : IAsyncDisposable
    {
        public required NodePeer Peer { get; init; }

        public required LinkOverTcp Link { get; init; }

        public required KeyPair Keys { get; init; }

        public required LinkEvent.Connected Connected { get; init; }

        public required JsonElement Open { get; init; }

        public static async Task<Ends> ConnectAsync(
            bool isInitiator, LinkOptions? options = null, int keepAlive = 0, int timeout = 0)
        {
            KeyPair keys = KeyPair.Generate(RandomSource.System);
            NodePeer peer = await NodePeer.StartAsync("link.js");
            LinkOverTcp link;
            if (isInitiator)
            {
                JsonElement listening = await peer.AskAsync("listen", new { isInitiator = false, keepAlive, timeout, seed = 0x33 });
                link = await LinkOverTcp.DialAsync((int)listening.Number("port"), isInitiator, keys, options);
            }
            else
            {
                (int port, Task<LinkOverTcp> accepted) = LinkOverTcp.Listen(isInitiator, keys, options);
                await peer.AskAsync("dial", new { port, isInitiator = true, keepAlive, timeout, seed = 0x33 });
                link = await accepted;
            }

            JsonElement open = await peer.WaitForAsync("open");
            var connected = await link.NextAsync<LinkEvent.Connected>();
            await peer.AskAsync("welcome", new { protocol = "echo", handshake = "cc" });
            return new Ends { Peer = peer, Link = link, Keys = keys, Connected = connected, Open = open };
        }

        /// <summary>Opens a channel that JavaScript welcomes.</summary>
        public async Task<ulong> OpenAsync(string protocol, string id)
        {
            ulong channel = 0;
            await Link.DoAsync(link => Assert.True(link.TryOpen(Spec(protocol, id), "hi"u8, out channel)));
            var opened = await Link.NextAsync<LinkEvent.ChannelOpened>();
            Assert.Equal(channel, opened.ChannelId);
            Assert.Equal([0xcc], opened.Handshake.ToArray());
            JsonElement theirs = await Peer.WaitForAsync("opened", e => Is(e, "name", $"{protocol}/{id}"));
            Assert.Equal("6869", theirs.Text("handshake"));
            return channel;
        }

        public async ValueTask DisposeAsync()
        {
            await Link.DisposeAsync();
            await Peer.DisposeAsync();
            Keys.Dispose();
        }
    }
}
