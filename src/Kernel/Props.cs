using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace HyperActors.Kernel;

/// <summary>How to make an actor, now and again after a failure. Immutable.</summary>
/// <remarks>
/// <see cref="Create{TActor}(Expression{Func{TActor}}, SupervisorStrategy?)"/> takes a constructor call apart as
/// Akka.NET does: the arguments are evaluated once, there and then, and serve every incarnation. Nothing is compiled
/// at run time for the arguments that actors commonly take, so it works ahead of time too.
/// </remarks>
public sealed class Props
{
    private readonly ConstructorInfo? _constructor;
    private readonly object?[] _arguments;
    private readonly Func<ActorBase>? _factory;

    private Props(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type,
        ConstructorInfo? constructor,
        object?[] arguments,
        Func<ActorBase>? factory)
    {
        Type = type;
        _constructor = constructor;
        _arguments = arguments;
        _factory = factory;
    }

    private Props(Props other)
    {
        Type = other.Type;
        _constructor = other._constructor;
        _arguments = other._arguments;
        _factory = other._factory;
        Mailbox = other.Mailbox;
        DispatcherId = other.DispatcherId;
        RouterConfig = other.RouterConfig;
        SupervisorStrategy = other.SupervisorStrategy;
        StashCapacity = other.StashCapacity;
    }

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)]
    public Type Type { get; }

    public string TypeName => Type.FullName ?? Type.Name;

    public object?[] Arguments => [.. _arguments];

    /// <summary>The name of a mailbox in <see cref="KernelSetup.Mailboxes"/>; null for the unbounded one.</summary>
    public string? Mailbox { get; private init; }

    /// <summary>The name of a dispatcher in <see cref="KernelSetup.Dispatchers"/>.</summary>
    public string Dispatcher => DispatcherId ?? MessageDispatcher.DefaultId;

    public RouterConfig? RouterConfig { get; private init; }

    /// <summary>Stands in for what the actor's own SupervisorStrategy method says; null leaves it to that.</summary>
    public SupervisorStrategy? SupervisorStrategy { get; private init; }

    internal int StashCapacity { get; private init; } = -1;

    internal string? DispatcherId { get; private init; }

    /// <summary>Takes a constructor call: <c>Props.Create(() =&gt; new Greeter(name))</c>.</summary>
    public static Props Create<TActor>(
        Expression<Func<TActor>> factory, SupervisorStrategy? supervisorStrategy = null)
        where TActor : ActorBase
    {
        ArgumentNullException.ThrowIfNull(factory);
        if (factory.Body is UnaryExpression)
        {
            // A cast says that the call is not taken apart: it makes every incarnation.
            return new Props(typeof(ActorBase), null, [], factory.Compile(preferInterpretation: true))
            {
                SupervisorStrategy = supervisorStrategy,
            };
        }

        if (factory.Body is not NewExpression { Constructor: { } constructor } call)
        {
            throw new ArgumentException("The create function must be a 'new T (args)' expression", nameof(factory));
        }

        if (!constructor.IsPublic)
        {
            throw new ArgumentException(
                $"{constructor.DeclaringType} needs a public constructor to be made from Props", nameof(factory));
        }

        object?[] arguments = call.Arguments.Count == 0 ? [] : new object?[call.Arguments.Count];
        for (int i = 0; i < arguments.Length; i++)
        {
            arguments[i] = Evaluate(call.Arguments[i]);
        }

        return new Props(TypeOf(constructor), constructor, arguments, null)
        {
            SupervisorStrategy = supervisorStrategy,
        };
    }

    public static Props Create<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TActor>(
        params object?[] args)
        where TActor : ActorBase => Create(typeof(TActor), args);

    public static Props Create<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TActor>(
        SupervisorStrategy supervisorStrategy)
        where TActor : ActorBase, new() => Create(typeof(TActor)).WithSupervisorStrategy(supervisorStrategy);

    public static Props Create(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type,
        params object?[] args)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (!typeof(ActorBase).IsAssignableFrom(type))
        {
            throw new ArgumentException($"{type} is not an actor", nameof(type));
        }

        return new Props(type, null, args ?? [], null);
    }

    /// <summary>For actors of the engine, which need no taking apart.</summary>
    internal static Props From<TActor>(Func<TActor> factory)
        where TActor : ActorBase => new(typeof(ActorBase), null, [], factory);

    public Props WithMailbox(string mailbox) => new(this) { Mailbox = mailbox };

    public Props WithDispatcher(string dispatcher) => new(this) { DispatcherId = dispatcher };

    public Props WithRouter(RouterConfig? routerConfig) => new(this) { RouterConfig = routerConfig };

    public Props WithStashCapacity(int stashCapacity) => new(this) { StashCapacity = stashCapacity };

    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy) =>
        new(this) { SupervisorStrategy = supervisorStrategy };

    public override string ToString() => $"Props({Type.Name})";

    internal ActorBase NewActor()
    {
        if (_factory is not null)
        {
            return _factory();
        }

        if (_constructor is not null)
        {
            return (ActorBase)Invokers.For(_constructor).Invoke(_arguments.AsSpan());
        }

        try
        {
            return (ActorBase)Activator.CreateInstance(Type, _arguments)!;
        }
        catch (TargetInvocationException e) when (e.InnerException is { } cause)
        {
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    [UnconditionalSuppressMessage(
        "Trimming", "IL2073", Justification = "The constructor is at hand, so it was kept; no other one is looked up.")]
    [return: DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)]
    private static Type TypeOf(ConstructorInfo constructor) => constructor.DeclaringType!;

    /// <summary>Evaluates what actors are commonly given (locals, fields, constants) by hand, and the rest by interpretation.</summary>
    private static object? Evaluate(Expression expression)
    {
        switch (expression)
        {
            case ConstantExpression constant:
                return constant.Value;
            case MemberExpression { Member: FieldInfo field } member:
                return field.GetValue(member.Expression is null ? null : Evaluate(member.Expression));
            case UnaryExpression { NodeType: ExpressionType.Convert, Method: null } convert
                when !convert.Type.IsValueType && convert.Type.IsAssignableFrom(convert.Operand.Type):
                return Evaluate(convert.Operand);
            default:
                return Expression.Lambda<Func<object?>>(Expression.Convert(expression, typeof(object)))
                    .Compile(preferInterpretation: expression is not LambdaExpression)();
        }
    }

    private static class Invokers
    {
        private static readonly ConcurrentDictionary<ConstructorInfo, ConstructorInvoker> Known = new();

        public static ConstructorInvoker For(ConstructorInfo constructor) =>
            Known.GetOrAdd(constructor, static c => ConstructorInvoker.Create(c));
    }
}
