using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace HyperActors.Daemon;

/// <summary>One value of the configuration: where it stands, what it may be, how to read and write it.</summary>
internal sealed class Setting
{
    private readonly Func<object, object?> _holder;
    private readonly JsonPropertyInfo _property;
    private readonly Type _type;
    private readonly RangeAttribute? _range;

    private Setting(string key, JsonPropertyInfo property, Func<object, object?> holder)
    {
        Key = key;
        _property = property;
        _holder = holder;
        _type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        IsNullable = Nullable.GetUnderlyingType(property.PropertyType) is not null || (_type == typeof(IList<string>) && property.IsGetNullable);
        _range = property.AttributeProvider?.GetCustomAttributes(typeof(RangeAttribute), true).OfType<RangeAttribute>().FirstOrDefault();
    }

    /// <summary>Its place: <c>api.port</c>.</summary>
    public string Key { get; }

    public bool IsNullable { get; }

    public bool IsMap => _type == typeof(IDictionary<string, LogLevel>);

    public bool IsList => _type == typeof(IList<string>);

    /// <summary>True for numbers and truths: JSON writes them without quotes.</summary>
    public bool IsBare => _type == typeof(bool) || IsNumber;

    /// <summary>What may stand there, in words.</summary>
    public string Allowed
    {
        get
        {
            string words = _type switch
            {
                _ when _type == typeof(bool) => "true, false",
                { IsEnum: true } => string.Join(", ", Enum.GetNames(_type).Select(Camel)),
                _ when _type == typeof(TimeSpan) => "a time: 500ms, 30s, 5m, 2h",
                _ when IsNumber && _range is not null => string.Create(
                    CultureInfo.InvariantCulture, $"{_range.Minimum} to {_range.Maximum}"),
                _ when IsNumber => "a number",
                _ when IsList => "a list of texts",
                _ when IsMap => $"names with levels: {string.Join(", ", Enum.GetNames<LogLevel>().Select(Camel))}",
                _ => "a text",
            };
            return IsNullable ? $"{words}, or null" : words;
        }
    }

    private bool IsNumber => _type == typeof(int) || _type == typeof(long) || _type == typeof(double) || _type == typeof(uint)
        || _type == typeof(byte);

    /// <summary>Every setting of a kind of options, in the order of the source.</summary>
    /// <param name="type">The shape of the options.</param>
    /// <param name="prefix">What stands before their names.</param>
    /// <param name="part">Where in the whole they are.</param>
    public static IReadOnlyList<Setting> Of(JsonTypeInfo type, string prefix, Func<object, object?> part)
    {
        var settings = new List<Setting>();
        Collect(type, prefix, part, settings);
        return settings;
    }

    /// <summary>The value, as the configuration writes it.</summary>
    public string Read(object options) => Text(_holder(options) is { } holder ? _property.Get!(holder) : null);

    /// <summary>Reads a text and puts it in its place; false when it may not stand there.</summary>
    public bool TryWrite(object options, string text)
    {
        if (!TryParse(text, out object? value))
        {
            return false;
        }

        _property.Set!(_holder(options)!, value);
        return true;
    }

    private static void Collect(JsonTypeInfo type, string prefix, Func<object, object?> holder, List<Setting> settings)
    {
        foreach (JsonPropertyInfo property in type.Properties)
        {
            if (property.Get is null || property.Set is null)
            {
                continue;
            }

            string key = prefix + property.Name;
            JsonTypeInfo inner = type.Options.GetTypeInfo(property.PropertyType);
            if (IsLeaf(property.PropertyType))
            {
                settings.Add(new Setting(key, property, holder));
            }
            else if (inner.Kind == JsonTypeInfoKind.Object && inner.CreateObject is { } create)
            {
                // A part that is not there by default is made when something is said of it.
                Collect(inner, key + ".", root => holder(root) is { } outer ? Part(property, outer, create) : null, settings);
            }
        }
    }

    private static object Part(JsonPropertyInfo property, object outer, Func<object> create)
    {
        object? part = property.Get!(outer);
        if (part is null)
        {
            part = create();
            property.Set!(outer, part);
        }

        return part;
    }

    private static bool IsLeaf(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsEnum || type.IsPrimitive || type == typeof(string) || type == typeof(TimeSpan)
            || type == typeof(IList<string>) || type == typeof(IDictionary<string, LogLevel>);
    }

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static string Text(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        Enum e => Camel(e.ToString()),
        TimeSpan time => Time.Print(time),
        IList<string> list => string.Join(',', list),
        IDictionary<string, LogLevel> map => string.Join(
            ',', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={Camel(p.Value.ToString())}")),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private bool TryParse(string text, out object? value)
    {
        value = null;
        if (text == "null" && IsNullable)
        {
            return true;
        }

        if (IsList)
        {
            value = text.Length == 0 ? new List<string>() : text.Split(',', StringSplitOptions.TrimEntries).ToList();
            return true;
        }

        if (IsMap)
        {
            return TryParseMap(text, out value);
        }

        if (_type == typeof(string))
        {
            value = text;
            return true;
        }

        if (_type == typeof(TimeSpan))
        {
            bool isTime = Time.TryParse(text, out TimeSpan time);
            value = time;
            return isTime;
        }

        if (_type.IsEnum)
        {
            return !char.IsAsciiDigit(text.FirstOrDefault('0')) && text[0] is not ('-' or '+') && !text.Contains(',', StringComparison.Ordinal)
                && Enum.TryParse(_type, text, ignoreCase: true, out value);
        }

        return _type == typeof(bool) ? TryParseBool(text, out value) : TryParseNumber(text, out value);
    }

    private static bool TryParseBool(string text, out object? value)
    {
        value = text == "true";
        return text is "true" or "false";
    }

    private static bool TryParseMap(string text, out object? value)
    {
        var map = new Dictionary<string, LogLevel>(StringComparer.Ordinal);
        value = map;
        foreach (string entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = entry.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts.Length != 2 || parts[1].Length == 0 || char.IsAsciiDigit(parts[1][0])
                || !Enum.TryParse(parts[1], ignoreCase: true, out LogLevel level))
            {
                return false;
            }

            map[parts[0]] = level;
        }

        return true;
    }

    private bool TryParseNumber(string text, out object? value)
    {
        bool isRead;
        double number;
        if (_type == typeof(double))
        {
            isRead = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
            value = number;
        }
        else
        {
            isRead = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole);
            number = whole;
            isRead &= _type == typeof(long)
                || (_type == typeof(int) && whole is >= int.MinValue and <= int.MaxValue)
                || (_type == typeof(uint) && whole is >= 0 and <= uint.MaxValue)
                || (_type == typeof(byte) && whole is >= 0 and <= byte.MaxValue);
            value = isRead ? Convert.ChangeType(whole, _type, CultureInfo.InvariantCulture) : null;
        }

        return isRead && (_range is null
            || (number >= Convert.ToDouble(_range.Minimum, CultureInfo.InvariantCulture)
                && number <= Convert.ToDouble(_range.Maximum, CultureInfo.InvariantCulture)));
    }
}

/// <summary>Spans of time as people write them: <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>2h</c>.</summary>
internal static class Time
{
    private static readonly (string Suffix, TimeSpan Unit)[] Units =
    [
        ("h", TimeSpan.FromHours(1)), ("m", TimeSpan.FromMinutes(1)), ("s", TimeSpan.FromSeconds(1)), ("ms", TimeSpan.FromMilliseconds(1)),
    ];

    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        string digits = text.TrimEnd('m', 's', 'h');
        string suffix = text[digits.Length..];
        foreach ((string known, TimeSpan unit) in Units)
        {
            if (suffix == known
                && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number <= TimeSpan.FromDays(24) / unit)
            {
                time = number * unit;
                return true;
            }
        }

        return false;
    }

    public static string Print(TimeSpan time)
    {
        foreach ((string suffix, TimeSpan unit) in Units)
        {
            if (time.Ticks % unit.Ticks == 0 && (time != default || suffix == "s"))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / unit.Ticks}{suffix}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms");
    }
}
