using HyperActors.Benchmarks;
using HyperActors.Benchmarks.Harness;
using HyperActors.Benchmarks.Ours;
using HyperActors.Benchmarks.Rows;

if (args.FirstOrDefault() == "child")
{
    if (args[1].StartsWith("udx-", StringComparison.Ordinal))
    {
        return await UdxBench.RunChildAsync(args[1..]);
    }

    if (args[1] == MetersBench.ChildName)
    {
        return MetersBench.RunChild(args[2..]);
    }

    if (args[1].StartsWith("dht-", StringComparison.Ordinal))
    {
        return await DhtBench.RunChildAsync(args[1..]);
    }

    if (args[1].StartsWith("page-", StringComparison.Ordinal))
    {
        return await PageBench.RunChildAsync(args[1..]);
    }

    return await new NodeSide(NodeSide.StartNodeAsync).RunAsync(args[1..]);
}

const int Runs = 3;

Dictionary<string, IReadOnlyList<Row>> suites = new(StringComparer.Ordinal)
{
    ["feed"] = FeedRows.All,
    ["replicate"] = ReplicateRows.All,
    ["udx"] = UdxBench.Rows,
};

string name = args.FirstOrDefault() ?? "all";
if (name is not ("all" or "dht" or "engine" or "page" or "wire") && !suites.ContainsKey(name))
{
    Console.Error.WriteLine($"no benchmark '{name}': all, dht, engine, page, wire, {string.Join(", ", suites.Keys)}");
    return 2;
}

if (name is "engine")
{
    return await EngineBench.RunAsync(args[1..]);
}

if (name is "dht")
{
    return await DhtBench.RunAsync();
}

if (name is "page")
{
    return await PageBench.RunAsync();
}

if (name is "all" or "wire")
{
    WireBench.Run(args.Skip(1).ToArray());
    Console.WriteLine();
}

var results = new List<Result>();
foreach (Row row in suites.Where(s => name == "all" || s.Key == name).SelectMany(s => s.Value))
{
    Console.Error.WriteLine(row.Work);

    // In turns, so that both sides see the same machine; the run in the middle counts.
    var ours = new List<Measurement>();
    var theirs = new List<Measurement>();
    for (int run = 0; run < Runs; run++)
    {
        if (row.Theirs is not null)
        {
            theirs.Add(await row.Theirs());
        }

        ours.Add(await row.Ours());
    }

    results.Add(new Result(row.Work, row.Unit, Measurement.Median(ours), theirs.Count == 0 ? null : Measurement.Median(theirs), row.Floor, row.Least));
}

if (results.Count > 0)
{
    Console.WriteLine(Table.Print(results));
}

if (name is "all")
{
    Console.WriteLine();
    await DhtBench.RunAsync();
    Console.WriteLine();
    await PageBench.RunAsync();
}

Result[] slow = [.. results.Where(r => r.IsBelow)];
foreach (Result result in slow)
{
    Console.Error.WriteLine($"not what it is held to: {result.Work}");
}

return slow.Length == 0 ? 0 : 1;
