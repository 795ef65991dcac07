using System.Diagnostics.Metrics;
using HyperActors.Abstractions;
using HyperActors.Actors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HyperActors.Hosting.Tests;

/// <summary>A node that lives as long as its host.</summary>
public sealed class HostingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-hosting-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_service_finds_the_node_running_and_still_running_when_it_stops()
    {
        using IHost host = Make(services =>
        {
            // Added before the node: the order makes no difference.
            services.AddHostedService<Writer>();
            services.AddHyperActors(o => o.StoragePath = In("a"));
        });
        await host.StartAsync();
        await host.StopAsync();
        await using HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = In("a") });
        await using Feed feed = await node.OpenFeedAsync("notes");
        Assert.Equal(2UL, feed.Length);
    }

    [Fact]
    public async Task Options_that_cannot_be_stop_the_start_and_all_are_told()
    {
        using IHost host = Make(services => services.AddHyperActors(o =>
        {
            o.StoragePath = " ";
            o.Feeds.MaxBlockSize = 0;
            o.Links.MaxChannels = -1;
        }));
        OptionsValidationException refused = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Equal(3, refused.Failures.Count());
        Assert.Contains("feeds.maxBlockSize is 0; allowed: 1 to 15728640", refused.Failures);
    }

    [Fact]
    public async Task Several_nodes_live_in_one_process_by_key()
    {
        using IHost host = Make(services =>
        {
            services.AddHyperActors("one", o => o.StoragePath = In("one"));
            services.AddHyperActors("two", o => o.StoragePath = In("two"));
        });
        await host.StartAsync();
        var one = host.Services.GetRequiredKeyedService<IHyperNode>("one");
        var two = host.Services.GetRequiredKeyedService<IHyperNode>("two");
        Assert.NotEqual(one.PublicKey, two.PublicKey);
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(["hyperactors-one", "hyperactors-two"], report.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(HealthStatus.Healthy, report.Status);
        await host.StopAsync();
        Assert.Equal(HealthStatus.Unhealthy, (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status);
    }

    [Fact]
    public async Task A_node_that_is_not_started_says_so()
    {
        using IHost host = Make(services => services.AddHyperActors(o => o.StoragePath = In("a")));
        var node = host.Services.GetRequiredService<IHyperNode>();
        Assert.Throws<InvalidOperationException>(() => node.PublicKey);
        await host.StartAsync();
        Assert.False(node.PublicKey.IsZero);
        await host.StopAsync();
    }

    [Fact]
    public async Task The_figures_of_the_node_come_from_the_hosts_meters()
    {
        using IHost host = Make(services => services.AddHyperActors(o => o.StoragePath = In("a")));
        await host.StartAsync();
        await using (IFeed feed = await host.Services.GetRequiredService<IHyperNode>().OpenFeedAsync("notes"))
        {
            await feed.AppendAsync("abc"u8.ToArray());
        }

        double size = 0;
        object? scope = null;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "hyperactors.feed.size")
            {
                scope = instrument.Meter.Scope;
            }

            if (instrument.Meter.Name == NodeMeter.Name)
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
        {
            if (instrument.Name == "hyperactors.feed.size")
            {
                size = Math.Max(size, value);
            }
        });
        listener.Start();
        while (size == 0)
        {
            // The figures are one reading old.
            listener.RecordObservableInstruments();
            await Task.Yield();
        }

        Assert.Equal(3, size);
        Assert.NotNull(scope);
        await host.StopAsync();
    }

    private static IHost Make(Action<IServiceCollection> configure)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Services.AddMetrics();
        configure(builder.Services);
        return builder.Build();
    }

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>Appends when it starts, and when it stops.</summary>
    private sealed class Writer(IHyperNode node) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => AppendAsync();

        public Task StopAsync(CancellationToken cancellationToken) => AppendAsync();

        private async Task AppendAsync()
        {
            await using IFeed feed = await node.OpenFeedAsync("notes");
            await feed.AppendAsync("x"u8.ToArray());
        }
    }
}
