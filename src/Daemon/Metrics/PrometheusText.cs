using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace HyperActors.Daemon;

/// <summary>What the meters of the process say, as Prometheus reads it. docs/metrics.md lists the names.</summary>
/// <remarks>
/// Counters and histograms are added up here from the moment of construction; gauges and observed counters are asked when
/// somebody reads. Only meters whose name begins with one of ours are listened to.
/// </remarks>
public sealed class PrometheusText : IDisposable
{
    /// <summary>The type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Sets of tags that one instrument may have: beyond it nothing new is counted.</summary>
    private const int MaxSeries = 1000;

    /// <summary>Seconds; what takes longer is in the last bucket.</summary>
    private static readonly double[] Bounds =
        [0.000_01, 0.000_1, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, Family> _families = new();
    private readonly Lock _reading = new();

    /// <param name="meters">What the names of the meters begin with.</param>
    /// <param name="without">Instruments that are left out: listening to them costs more than they tell.</param>
    public PrometheusText(IReadOnlyCollection<string> meters, IReadOnlyCollection<string>? without = null)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meters.Any(m => instrument.Meter.Name.StartsWith(m, StringComparison.Ordinal))
                && without?.Contains(instrument.Name, StringComparer.Ordinal) != true)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Record(i, value, tags));
        _listener.SetMeasurementEventCallback<float>((i, value, tags, _) => Record(i, value, tags));
        _listener.Start();
    }

    /// <summary>Everything, now.</summary>
    public string Write()
    {
        lock (_reading)
        {
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (IGrouping<string, KeyValuePair<Instrument, Family>> family in _families
                .GroupBy(f => NameOf(f.Key), StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal))
            {
                Instrument instrument = family.First().Key;
                if (!string.IsNullOrEmpty(instrument.Description))
                {
                    text.Append("# HELP ").Append(family.Key).Append(' ')
                        .Append(instrument.Description.ReplaceLineEndings(" ").Replace("\\", "\\\\", StringComparison.Ordinal)).Append('\n');
                }

                text.Append("# TYPE ").Append(family.Key).Append(' ').Append(TypeOf(instrument)).Append('\n');
                foreach ((_, Family series) in family)
                {
                    series.Write(text, family.Key);
                }
            }

            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>The name in Prometheus: dots become underscores, the unit is spelt out, counters end in <c>_total</c>.</summary>
    public static string NameOf(Instrument instrument)
    {
        string name = string.Concat(instrument.Name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        string unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "ms" => "_milliseconds",
            _ => string.Empty,
        };
        string total = TypeOf(instrument) == "counter" ? "_total" : string.Empty;
        return $"{name}{(name.EndsWith(unit, StringComparison.Ordinal) ? string.Empty : unit)}{total}";
    }

    private static string TypeOf(Instrument instrument)
    {
        Type type = instrument.GetType();
        string name = type.Name;
        return name.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
            : name.StartsWith("Counter", StringComparison.Ordinal) || name.StartsWith("ObservableCounter", StringComparison.Ordinal) ? "counter"
            : "gauge";
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        Family family = _families.GetOrAdd(instrument, static i => new Family(TypeOf(i) == "histogram"));
        family.Record(value, tags, isAbsolute: instrument.IsObservable || instrument.GetType().Name.StartsWith("Gauge", StringComparison.Ordinal));
    }

    /// <summary>The series of one instrument.</summary>
    private sealed class Family(bool isHistogram)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, bool isAbsolute)
        {
            string labels = tags.IsEmpty ? string.Empty : Labels(tags);
            lock (_gate)
            {
                if (!_series.TryGetValue(labels, out Series? series))
                {
                    if (_series.Count >= MaxSeries)
                    {
                        return;
                    }

                    series = new Series(isHistogram ? new long[Bounds.Length + 1] : null);
                    _series.Add(labels, series);
                }

                series.Sum = isAbsolute ? value : series.Sum + value;
                series.Count++;
                if (series.Buckets is { } buckets)
                {
                    int bucket = Array.BinarySearch(Bounds, value);
                    buckets[bucket < 0 ? ~bucket : bucket]++;
                }
            }
        }

        public void Write(StringBuilder text, string name)
        {
            lock (_gate)
            {
                foreach ((string labels, Series series) in _series)
                {
                    if (series.Buckets is not { } buckets)
                    {
                        Line(text, name, labels, series.Sum);
                        continue;
                    }

                    long count = 0;
                    for (int i = 0; i < buckets.Length; i++)
                    {
                        count += buckets[i];
                        string le = i < Bounds.Length ? Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                        Line(text, name + "_bucket", labels.Length == 0 ? $"le=\"{le}\"" : $"{labels},le=\"{le}\"", count);
                    }

                    Line(text, name + "_sum", labels, series.Sum);
                    Line(text, name + "_count", labels, series.Count);
                }
            }
        }

        private static void Line(StringBuilder text, string name, string labels, double value)
        {
            text.Append(name);
            if (labels.Length > 0)
            {
                text.Append('{').Append(labels).Append('}');
            }

            text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
        }

        private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var text = new StringBuilder();
            foreach ((string key, object? value) in tags)
            {
                text.Append(text.Length == 0 ? string.Empty : ",");
                foreach (char c in key)
                {
                    text.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
                }

                text.Append("=\"");
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture)?
                    .Replace("\\", "\\\\", StringComparison.Ordinal)
                    .Replace("\"", "\\\"", StringComparison.Ordinal)
                    .Replace("\n", "\\n", StringComparison.Ordinal)).Append('"');
            }

            return text.ToString();
        }
    }

    private sealed class Series(long[]? buckets)
    {
        public long[]? Buckets => buckets;

        public double Sum { get; set; }

        public long Count { get; set; }
    }
}
