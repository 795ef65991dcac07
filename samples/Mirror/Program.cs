// A worker that mirrors feeds: brings all of each to its own disk, and everything that comes later.
//   dotnet run -- --storage=mirror --peer=127.0.0.1:4000 --feeds=KEY,KEY
using HyperActors.Hosting;
using HyperActors.Samples.Mirror;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddHyperActors(o => o.StoragePath = builder.Configuration["storage"] ?? "mirror");
builder.Services.AddHostedService<MirrorWorker>();
await builder.Build().RunAsync();
