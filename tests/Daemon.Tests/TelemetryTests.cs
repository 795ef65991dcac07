using System.Net;
using System.Net.Sockets;
using System.Text;

namespace HyperActors.Daemon.Tests;

/// <summary>What is sent to a collector.</summary>
public class TelemetryTests
{
    [Fact]
    public async Task Metrics_go_to_the_collector_that_the_configuration_names()
    {
        using var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        await using Server server = await Server.StartAsync();
        using IDisposable? sending = Telemetry.Start(
            new TelemetryOptions
            {
                Otlp = true,
                OtlpProtocol = OtlpProtocol.HttpProtobuf,
                OtlpEndpoint = $"http://127.0.0.1:{((IPEndPoint)collector.LocalEndpoint).Port}",
                Interval = TimeSpan.FromMilliseconds(100),
            },
            "test");
        Assert.NotNull(sending);

        // The first one may go out before the node's meters are there; a caller that gets no answer leaves.
        string heard;
        do
        {
            using TcpClient caller = await collector.AcceptTcpClientAsync().WaitAsync(Server.Deadline);
            heard = await RequestAsync(caller.GetStream());
            await caller.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
        }
        while (!heard.Contains("kernel.processed", StringComparison.Ordinal));

        Assert.StartsWith("POST /v1/metrics HTTP/1.1", heard, StringComparison.Ordinal);
        Assert.Contains("hyperactors.feeds", heard, StringComparison.Ordinal);
        Assert.DoesNotContain("kernel.turn.duration", heard, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_sent_unless_it_is_wanted_and_a_wrong_collector_is_told()
    {
        Assert.Null(Telemetry.Start(new TelemetryOptions(), "test"));
        Assert.Throws<ConfigurationException>(() => Telemetry.Start(new TelemetryOptions { Otlp = true, OtlpEndpoint = "x" }, "test"));
    }

    // One request with all of its body.
    private static async Task<string> RequestAsync(NetworkStream stream)
    {
        var heard = new StringBuilder();
        byte[] buffer = new byte[64 << 10];
        int body = -1;
        int length = 0;
        while (body < 0 || heard.Length < body + length)
        {
            int count = await stream.ReadAsync(buffer).AsTask().WaitAsync(Server.Deadline);
            Assert.NotEqual(0, count);
            heard.Append(Encoding.Latin1.GetString(buffer, 0, count));
            if (body < 0 && heard.ToString().IndexOf("\r\n\r\n", StringComparison.Ordinal) is >= 0 and int end)
            {
                body = end + 4;
                string line = heard.ToString().Split("\r\n").Single(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
                length = int.Parse(line.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        return heard.ToString();
    }
}
