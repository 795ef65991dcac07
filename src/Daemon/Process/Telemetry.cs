using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace HyperActors.Daemon;

/// <summary>Sends what the meters and activity sources of the process say to a collector, when the configuration wants it.</summary>
internal static class Telemetry
{
    private const string Ours = "HyperActors*";

    /// <returns>What ends it; null when nothing is sent.</returns>
    public static IDisposable? Start(TelemetryOptions options, string name)
    {
        if (!options.Otlp)
        {
            return null;
        }

        if (!Uri.TryCreate(options.OtlpEndpoint, UriKind.Absolute, out Uri? endpoint))
        {
            throw new ConfigurationException($"'{options.OtlpEndpoint}' is no address of a collector: write http://HOST:4317");
        }

        // Over HTTP each signal has a path of its own, and an endpoint that is said is taken as it is.
        void Configure(OtlpExporterOptions exporter, string signal)
        {
            bool isHttp = options.OtlpProtocol == OtlpProtocol.HttpProtobuf;
            exporter.Protocol = isHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
            exporter.Endpoint = isHttp ? new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/v1/{signal}") : endpoint;
        }

        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("hyperactors", serviceInstanceId: name);
        MeterProviderBuilder metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(Ours)
            .AddOtlpExporter((exporter, reader) =>
            {
                Configure(exporter, "metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.Interval.TotalMilliseconds;
            });
        if (!options.TurnDurations)
        {
            metrics.AddView("kernel.turn.duration", MetricStreamConfiguration.Drop);
        }

        MeterProvider meters = metrics.Build();
        TracerProvider? tracers = options.TraceRatio <= 0 ? null : Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .SetSampler(new TraceIdRatioBasedSampler(options.TraceRatio))
            .AddSource(Ours)
            .AddOtlpExporter(exporter => Configure(exporter, "traces"))
            .Build();
        return new Providers(meters, tracers);
    }

    private sealed class Providers(MeterProvider meters, TracerProvider? tracers) : IDisposable
    {
        public void Dispose()
        {
            tracers?.Dispose();
            meters.Dispose();
        }
    }
}
