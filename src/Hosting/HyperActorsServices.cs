using System.Diagnostics.Metrics;
using HyperActors.Abstractions;
using HyperActors.Actors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HyperActors.Hosting;

/// <summary>Nodes as services of a host.</summary>
public static class HyperActorsServices
{
    /// <summary>The name of the health check, and what the names of keyed nodes' checks begin with.</summary>
    public const string HealthCheck = "hyperactors";

    /// <summary>Adds a node: injected as <see cref="IHyperNode"/>, started and stopped with the host.</summary>
    /// <remarks>What hosts add later comes earlier to its end: services that use the node are stopped before it.</remarks>
    public static IServiceCollection AddHyperActors(this IServiceCollection services, Action<NodeOptions> configure) =>
        services.AddNode(null, configure);

    /// <summary>Adds one of several nodes: injected as <c>[FromKeyedServices(key)] IHyperNode</c>.</summary>
    /// <inheritdoc cref="AddHyperActors(IServiceCollection, Action{NodeOptions})" path="remarks"/>
    public static IServiceCollection AddHyperActors(this IServiceCollection services, string key, Action<NodeOptions> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        return services.AddNode(key, configure);
    }

    private static IServiceCollection AddNode(this IServiceCollection services, string? key, Action<NodeOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        string name = key ?? Options.DefaultName;
        services.AddOptions<NodeOptions>(name).Configure(configure).ValidateOnStart();
        services.AddSingleton<IValidateOptions<NodeOptions>>(new NodeOptionsValidator(name));

        HostedNode Make(IServiceProvider provider)
        {
            NodeOptions options = provider.GetRequiredService<IOptionsMonitor<NodeOptions>>().Get(name);
            if (provider.GetService<ILoggerFactory>() is { } loggers)
            {
                options.LoggerFactory = loggers;
            }

            return new HostedNode(options, key ?? HealthCheck, provider.GetService<IMeterFactory>());
        }

        if (key is null)
        {
            services.AddSingleton(Make);
            services.AddSingleton<IHyperNode>(provider => provider.GetRequiredService<HostedNode>());
            services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<HostedNode>());
        }
        else
        {
            services.AddKeyedSingleton(key, (provider, _) => Make(provider));
            services.AddKeyedSingleton<IHyperNode>(key, (provider, k) => provider.GetRequiredKeyedService<HostedNode>(k));
            services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<HostedNode>(key));
        }

        services.AddHealthChecks().Add(new HealthCheckRegistration(
            key is null ? HealthCheck : $"{HealthCheck}-{key}",
            provider => key is null
                ? provider.GetRequiredService<HostedNode>()
                : provider.GetRequiredKeyedService<HostedNode>(key),
            null,
            null));
        return services;
    }
}
