using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace HyperActors.Packaging.Tests;

/// <summary>What users of an assembly see, as lines of C#: public and protected, sorted, nullability included.</summary>
internal static class Signatures
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(char)] = "char",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
        [typeof(void)] = "void",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    private static readonly Dictionary<string, string> Operators = new(StringComparer.Ordinal)
    {
        ["op_Equality"] = "==",
        ["op_Inequality"] = "!=",
        ["op_LessThan"] = "<",
        ["op_GreaterThan"] = ">",
        ["op_LessThanOrEqual"] = "<=",
        ["op_GreaterThanOrEqual"] = ">=",
        ["op_Addition"] = "+",
        ["op_Subtraction"] = "-",
        ["op_ExclusiveOr"] = "^",
        ["op_BitwiseAnd"] = "&",
        ["op_BitwiseOr"] = "|",
        ["op_OnesComplement"] = "~",
        ["op_Implicit"] = "implicit",
        ["op_Explicit"] = "explicit",
    };

    /// <summary>The types of an assembly that others can name, in order.</summary>
    public static IReadOnlyList<Type> TypesOf(Assembly assembly) =>
        [.. assembly.GetTypes().Where(IsSeen).OrderBy(NameWithOuter, StringComparer.Ordinal)];

    /// <summary>The members of a type that others can call: fields, constructors, properties, events, methods, each in order.</summary>
    public static IReadOnlyList<MemberInfo> MembersOf(Type type) => typeof(Delegate).IsAssignableFrom(type) ? [] :
    [
        .. type.GetMembers(Own)
            .Where(m => m is not Type && IsSeen(m, type) && !IsWrittenByTheCompiler(m) && !(type.IsEnum && m.Name == "value__"))
            .OrderBy(Kind).ThenBy(m => type.IsEnum ? ((FieldInfo)m).GetRawConstantValue() : null).ThenBy(m => m.Name, StringComparer.Ordinal).ThenBy(Of, StringComparer.Ordinal),
    ];

    /// <summary>A type's name with those of the types around it, as C# writes it.</summary>
    public static string NameWithOuter(Type type)
    {
        Type[] arguments = type.GetGenericArguments();
        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string own = type.Name.Split('`')[0] + (arguments.Length > outer ? $"<{string.Join(", ", arguments.Skip(outer).Select(a => a.Name))}>" : string.Empty);
        return type.DeclaringType is { } declaring ? $"{NameWithOuter(declaring)}.{own}" : own;
    }

    /// <summary>The line that declares a type.</summary>
    public static string Of(Type type)
    {
        string access = type.IsNestedFamily || type.IsNestedFamORAssem ? "protected " : "public ";
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            MethodInfo call = type.GetMethod("Invoke")!;
            return $"{access}delegate {Result(call)} {NameWithOuter(type)}({Parameters(call)})";
        }

        if (type.IsEnum)
        {
            return $"{access}enum {NameWithOuter(type)} : {NameOf(Enum.GetUnderlyingType(type))}";
        }

        var line = new StringBuilder(access);
        bool isRecord = type.GetMethod("<Clone>$", Own) is not null
            || type.IsValueType && type.GetMethod("PrintMembers", Own)?.IsDefined(typeof(CompilerGeneratedAttribute)) == true;
        if (type.IsValueType)
        {
            line.Append(type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : string.Empty)
                .Append(type.IsByRefLike ? "ref " : string.Empty).Append(isRecord ? "record struct " : "struct ");
        }
        else if (type.IsInterface)
        {
            line.Append("interface ");
        }
        else
        {
            line.Append(type.IsAbstract && type.IsSealed ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : string.Empty)
                .Append(isRecord ? "record " : "class ");
        }

        line.Append(NameWithOuter(type));
        string[] bases = [.. Bases(type)];
        return line.Append(bases.Length > 0 ? $" : {string.Join(", ", bases)}" : string.Empty).Append(Constraints(type.GetGenericArguments())).ToString();
    }

    /// <summary>The line that declares a member.</summary>
    public static string Of(MemberInfo member) => member switch
    {
        FieldInfo { DeclaringType.IsEnum: true } field =>
            string.Create(CultureInfo.InvariantCulture, $"{field.Name} = {field.GetRawConstantValue()}"),
        FieldInfo field => $"{Access(field.IsFamily || field.IsFamilyOrAssembly)}{Modifiers(field)}{NameOf(Nullability.Create(field), field.FieldType)} {field.Name}"
            + (field.IsLiteral ? $" = {Literal(field.GetRawConstantValue(), field.FieldType)}" : string.Empty),
        ConstructorInfo constructor => $"{Access(!constructor.IsPublic)}{constructor.DeclaringType!.Name.Split('`')[0]}({Parameters(constructor)})",
        PropertyInfo property => Of(property),
        EventInfo raised => $"{Access(!raised.AddMethod!.IsPublic)}{Modifiers(raised.AddMethod)}event {NameOf(Nullability.Create(raised), raised.EventHandlerType!)} {raised.Name}",
        MethodInfo method => Of(method),
        _ => throw new NotSupportedException(member.ToString()),
    };

    /// <summary>A type as a signature names it.</summary>
    public static string NameOf(Type type) => NameOf(null, type);

    private static string Of(PropertyInfo property)
    {
        MethodInfo first = property.GetMethod is { } get && (get.IsPublic || property.SetMethod is null) ? get : property.SetMethod ?? property.GetMethod!;
        bool isProtected = !first.IsPublic;
        string Accessor(MethodInfo? accessor, string word) => accessor is null || !(accessor.IsPublic || accessor.IsFamily || accessor.IsFamilyOrAssembly)
            ? string.Empty
            : $"{(!accessor.IsPublic && !isProtected ? "protected " : string.Empty)}{word}; ";
        bool isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        string name = property.GetIndexParameters() is { Length: > 0 } index ? $"this[{string.Join(", ", index.Select(Of))}]" : property.Name;
        return $"{Access(isProtected)}{Modifiers(first)}{(property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : string.Empty)}"
            + $"{NameOf(Nullability.Create(property), property.PropertyType)} {name} {{ {Accessor(property.GetMethod, "get")}{Accessor(property.SetMethod, isInit ? "init" : "set")}}}";
    }

    private static string Of(MethodInfo method)
    {
        string start = Access(!method.IsPublic) + Modifiers(method);
        if (method.Name is "op_Implicit" or "op_Explicit")
        {
            return $"{start}{Operators[method.Name]} operator {Result(method)}({Parameters(method)})";
        }

        string name = Operators.TryGetValue(method.Name, out string? sign) ? $"operator {sign}" : method.Name;
        Type[] arguments = method.GetGenericArguments();
        string generic = arguments.Length == 0 ? string.Empty : $"<{string.Join(", ", arguments.Select(a => a.Name))}>";
        string self = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : string.Empty;
        return $"{start}{Result(method)} {name}{generic}({self}{Parameters(method)}){Constraints(arguments)}";
    }

    private static string Of(ParameterInfo parameter)
    {
        string pass = parameter.ParameterType.IsByRef ? parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref " : string.Empty;
        string many = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : string.Empty;
        string scoped = parameter.IsDefined(typeof(ScopedRefAttribute)) && !parameter.IsOut ? "scoped " : string.Empty;
        string end = parameter.HasDefaultValue ? $" = {Literal(parameter.RawDefaultValue, parameter.ParameterType)}" : string.Empty;
        return $"{scoped}{many}{pass}{NameOf(Nullability.Create(parameter), parameter.ParameterType)} {parameter.Name}{end}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Of));

    private static string Result(MethodInfo method)
    {
        string reference = method.ReturnType.IsByRef
            ? method.ReturnParameter.GetRequiredCustomModifiers().Any(m => m.Name == "InAttribute") ? "ref readonly " : "ref "
            : string.Empty;
        return reference + NameOf(Nullability.Create(method.ReturnParameter), method.ReturnType);
    }

    private static string NameOf(NullabilityInfo? info, Type type)
    {
        if (type.IsByRef)
        {
            // The context speaks of what is behind the reference.
            return NameOf(info?.ElementType ?? info, type.GetElementType()!);
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return NameOf(info is { GenericTypeArguments: [{ } inner] } ? inner : null, value) + "?";
        }

        string mark = !type.IsValueType && !type.IsPointer && (info?.ReadState ?? NullabilityState.Unknown) == NullabilityState.Nullable ? "?" : string.Empty;
        if (type.IsArray)
        {
            // The context takes the elements of a T[] for nullable, whatever the signature says.
            Type element = type.GetElementType()!;
            return $"{NameOf(element.IsGenericParameter ? null : info?.ElementType, element)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        }

        if (type.IsPointer)
        {
            return NameOf(type.GetElementType()!) + "*";
        }

        if (Keywords.TryGetValue(type, out string? keyword) || type.IsGenericParameter)
        {
            return (keyword ?? type.Name) + mark;
        }

        Type[] arguments = type.GetGenericArguments();
        string[] names = [.. arguments.Select((a, i) => NameOf(info is not null && i < info.GenericTypeArguments.Length ? info.GenericTypeArguments[i] : null, a))];
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true)
        {
            return $"({string.Join(", ", names)})";
        }

        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string own = type.Name.Split('`')[0] + (names.Length > outer ? $"<{string.Join(", ", names.Skip(outer))}>" : string.Empty);
        return (type.DeclaringType is { } declaring ? $"{NameWithOuter(declaring)}.{own}" : own) + mark;
    }

    private static IEnumerable<string> Bases(Type type)
    {
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
        {
            yield return NameOf(parent);
        }

        Type[] all = type.GetInterfaces();
        foreach (string name in all
            .Where(i => i.IsVisible && type.BaseType?.IsAssignableTo(i) != true && !all.Any(o => o != i && o.IsAssignableTo(i)))
            .Where(i => !(i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEquatable<>) && i.GetGenericArguments()[0] == type))
            .Select(NameOf).Order(StringComparer.Ordinal))
        {
            yield return name;
        }
    }

    private static string Constraints(Type[] arguments)
    {
        var line = new StringBuilder();
        foreach (Type argument in arguments.Where(a => a.IsGenericParameter))
        {
            GenericParameterAttributes attributes = argument.GenericParameterAttributes;
            bool isValue = attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
            List<string> all = [];
            if (isValue)
            {
                all.Add("struct");
            }
            else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            {
                all.Add("class");
            }

            all.AddRange(argument.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(NameOf).Order(StringComparer.Ordinal));
            if (!isValue && attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
            {
                all.Add("new()");
            }

            if (attributes.HasFlag(GenericParameterAttributes.AllowByRefLike))
            {
                all.Add("allows ref struct");
            }

            line.Append(all.Count > 0 ? $" where {argument.Name} : {string.Join(", ", all)}" : string.Empty);
        }

        return line.ToString();
    }

    private static string Access(bool isProtected) => isProtected ? "protected " : "public ";

    private static string Modifiers(FieldInfo field) =>
        field.IsLiteral ? "const " : (field.IsStatic ? "static " : string.Empty) + (field.IsInitOnly ? "readonly " : string.Empty);

    private static string Modifiers(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface)
        {
            return method.IsStatic ? method.IsAbstract ? "static abstract " : "static " : method.IsAbstract ? string.Empty : "virtual ";
        }

        string isStatic = method.IsStatic ? "static " : string.Empty;
        bool isOverride = method.IsVirtual && method.GetBaseDefinition().DeclaringType != method.DeclaringType;
        return isStatic + (method.IsAbstract ? "abstract " : isOverride ? method.IsFinal ? "sealed override " : "override "
            : method is { IsVirtual: true, IsFinal: false } && !method.DeclaringType.IsSealed ? "virtual " : string.Empty);
    }

    private static string Literal(object? value, Type type) => value switch
    {
        null => type.IsValueType && Nullable.GetUnderlyingType(type) is null ? "default" : "null",
        bool flag => flag ? "true" : "false",
        string text => $"\"{text}\"",
        char letter => $"'{letter}'",
        _ when (Nullable.GetUnderlyingType(type) ?? type) is { IsEnum: true } options => $"{NameOf(options)}.{Enum.ToObject(options, value)}",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static int Kind(MemberInfo member) => member switch
    {
        FieldInfo => 0,
        ConstructorInfo => 1,
        PropertyInfo => 2,
        EventInfo => 3,
        _ => 4,
    };

    private static bool IsSeen(Type type) =>
        (type.IsPublic || type.IsNestedPublic || (type.IsNestedFamily || type.IsNestedFamORAssem) && !type.DeclaringType!.IsSealed)
        && (type.DeclaringType is not { } outer || IsSeen(outer));

    private static bool IsSeen(MemberInfo member, Type type) => member switch
    {
        FieldInfo field => field.IsPublic || !type.IsSealed && (field.IsFamily || field.IsFamilyOrAssembly),
        MethodBase method => method.IsPublic || !type.IsSealed && (method.IsFamily || method.IsFamilyOrAssembly),
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(a => IsSeen(a, type)),
        EventInfo raised => IsSeen(raised.AddMethod!, type),
        _ => false,
    };

    private static bool IsWrittenByTheCompiler(MemberInfo member) =>
        member.IsDefined(typeof(CompilerGeneratedAttribute))
        || member.Name.Contains('<', StringComparison.Ordinal)
        || member is MethodInfo { IsSpecialName: true } method && !Operators.ContainsKey(method.Name)
        || member is PropertyInfo { Name: "EqualityContract" };
}
