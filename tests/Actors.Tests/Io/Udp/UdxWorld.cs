using System.Buffers;
using System.Net;
using HyperActors.Crypto;
using HyperActors.Simulation;
using HyperActors.TestKit;
using HyperActors.Udx;

namespace HyperActors.Actors.Tests;

/// <summary>Hubs on simulated datagrams, in virtual time.</summary>
public abstract class UdxWorld : ActorTest
{
    private readonly List<UdxHub> _hubs = [];

    protected UdxWorld()
    {
        Network = new SimulatedNetwork(Run, RandomSource.Seeded(Run.Seed), new Simulation.NetworkOptions());
        Datagrams = new SimulatedDatagrams(Run, RandomSource.Seeded(Run.Seed), new DatagramOptions(), Network);
    }

    private protected SimulatedNetwork Network { get; }

    private protected SimulatedDatagrams Datagrams { get; }

    public override void Dispose()
    {
        foreach (UdxHub hub in _hubs)
        {
            hub.Dispose();
        }

        Run.RunUntilIdle();
        base.Dispose();
    }

    private protected static IPAddress Address(int host) => new([203, 0, 113, (byte)host]);

    private protected UdxHub StartHub(int host, UdxOptions? options = null)
    {
        var hub = new UdxHub(Datagrams.At(Address(host)), options ?? new UdxOptions(), RandomSource.Seeded((ulong)host));
        _hubs.Add(hub);
        return hub;
    }

    private protected UdpSocket Bind(UdxHub hub, int host, UdxHub.OtherDatagram? other = null) =>
        hub.Bind(new IPEndPoint(Address(host), 0), other);

    /// <summary>A stream with both ends known, whose owner is a probe.</summary>
    private protected UdxTransport Open(UdxHub hub, UdpSocket socket, uint id, uint remoteId, UdpSocket remote, TestProbe owner)
    {
        UdxTransport transport = UdxTransport.Open(hub, id)!;
        transport.Connection.Connect(socket, remoteId, remote.LocalAddress);
        transport.Start(owner.Ref);
        return transport;
    }

    /// <summary>Lets a stretch of time pass, in which everybody has read what arrived.</summary>
    private protected List<object> Read(TestProbe owner, UdxTransport transport, TimeSpan time, bool returnsCredit = true)
    {
        var seen = new List<object>();
        for (TimeSpan end = Run.Now + time; Run.Now < end;)
        {
            Run.Advance(TimeSpan.FromMilliseconds(100));
            foreach (object message in owner.TakeAll())
            {
                seen.Add(message);
                if (message is ITransport.BytesArrived arrived && returnsCredit)
                {
                    transport.ReturnCredit(arrived.Count);
                }
            }
        }

        return seen;
    }

    private protected static byte[] BytesOf(IEnumerable<object> messages) =>
        [.. messages.OfType<ITransport.BytesArrived>().SelectMany(m => m.Owner.Memory[..m.Count].ToArray())];

    private protected static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 31 >> 3))];

    private protected static IMemoryOwner<byte> Owned(byte[] bytes) => new Owner(bytes);

    private sealed class Owner(byte[] bytes) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => bytes;

        public void Dispose()
        {
        }
    }
}
