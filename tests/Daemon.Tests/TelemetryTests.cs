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

        using TcpClient caller = await collector.AcceptTcpClientAsync().WaitAsync(Server.Deadline);
        var heard = new StringBuilder();
        byte[] buffer = new byte[64 << 10];
        while (!heard.ToString().Contains("kernel.processed", StringComparison.Ordinal))
        {
            int count = await caller.GetStream().ReadAsync(buffer).AsTask().WaitAsync(Server.Deadline);
            Assert.NotEqual(0, count);
            heard.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        Assert.StartsWith("POST /v1/metrics HTTP/1.1", heard.ToString(), StringComparison.Ordinal);
        Assert.Contains("hyperactors.feeds", heard.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("kernel.turn.duration", heard.ToString(), StringComparison.Ordinal);
        await caller.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
    }

    [Fact]
    public void Nothing_is_sent_unless_it_is_wanted_and_a_wrong_collector_is_told()
    {
        Assert.Null(Telemetry.Start(new TelemetryOptions(), "test"));
        Assert.Throws<ConfigurationException>(() => Telemetry.Start(new TelemetryOptions { Otlp = true, OtlpEndpoint = "x" }, "test"));
    }
}
