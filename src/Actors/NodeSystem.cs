using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace HyperActors.Actors;

/// <summary>The actor system of a node: what its engine reports goes to the node's log, and nowhere else.</summary>
internal static partial class NodeSystem
{
    public static ActorSystem Start(string name, ILoggerFactory loggers)
    {
#if ENGINE_KEEPS_ACCOUNT
        return ActorSystem.Create(name, new KernelSetup { LoggerFactory = loggers });
#else
        // By itself the other engine writes to the standard output, which is not ours, and ends when the process is asked to: a node says when.
        ActorSystem system = ActorSystem.Create(name, ConfigurationFactory.ParseString("""
            akka {
              loggers = []
              loglevel = WARNING
              stdout-loglevel = OFF
              coordinated-shutdown.run-by-clr-shutdown-hook = off
            }
            """));
        ILogger log = loggers.CreateLogger("HyperActors.Engine");
        system.ActorOf(Props.Create(() => new EngineLogActor(log)), "engine-log");
        return system;
#endif
    }

#if !ENGINE_KEEPS_ACCOUNT
    /// <summary>Writes down what the engine reports on its event stream.</summary>
    /// <remarks>Parent: the user guardian. A restart loses what is reported meanwhile.</remarks>
    public sealed partial class EngineLogActor : ReceiveActor
    {
        public EngineLogActor(ILogger log)
        {
            Receive<Error>(e => Failed(log, e.Cause, e.LogSource, e.Message));
            Receive<Warning>(w => Warned(log, w.Cause, w.LogSource, w.Message));
        }

        protected override void PreStart()
        {
            Context.System.EventStream.Subscribe(Self, typeof(Error));
            Context.System.EventStream.Subscribe(Self, typeof(Warning));
        }

        [LoggerMessage(30, LogLevel.Error, "{Source}: {Reason}")]
        private static partial void Failed(ILogger log, Exception? cause, string source, object reason);

        [LoggerMessage(31, LogLevel.Warning, "{Source}: {Reason}")]
        private static partial void Warned(ILogger log, Exception? cause, string source, object reason);
    }
#endif
}
