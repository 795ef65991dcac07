using System.Net;
using System.Net.NetworkInformation;
using System.Threading.Channels;
using HyperActors.Swarm;

namespace HyperActors.Actors.Tests;

/// <summary>Real multicast, on the loopback interface alone.</summary>
public sealed class MulticastDoorTests
{
    [Fact]
    public async Task What_one_says_on_the_loopback_interface_all_hear_from_the_right_port()
    {
        string loopback = NetworkInterface.GetAllNetworkInterfaces().First(n => n.NetworkInterfaceType == NetworkInterfaceType.Loopback).Name;
        var door = new MulticastDoor([loopback], IPAddress.Any);
        LocalInterface face = Assert.Single(door.FindInterfaces());
        using ActorSystem system = ActorSystem.Create("multicast");
        var heard = Channel.CreateUnbounded<IMulticastDoor.PacketArrived>();
        IActorRef listener = system.ActorOf(Props.Create(() => new Listener(heard.Writer)));
        using IMulticastSocket? first = door.Open(face, listener);
        using IMulticastSocket? second = door.Open(face, listener);
        Assert.NotNull(first);
        Assert.NotNull(second);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));

        first.Send("hello, everybody"u8, LocalDiscovery.Group);

        for (int i = 0; i < 2; i++)
        {
            IMulticastDoor.PacketArrived packet = await heard.Reader.ReadAsync(patience.Token);
            Assert.Equal("hello, everybody"u8.ToArray(), packet.Packet.ToArray());
            Assert.Equal(new IPEndPoint(IPAddress.Loopback, LocalDiscovery.Port), packet.Source);
            Assert.Equal(face, packet.Interface);
        }
    }

    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("172.16.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.1.1", true)]
    [InlineData("169.254.1.1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("8.8.8.8", false)]
    public void Only_private_addresses_are_told(string address, bool isPrivate) =>
        Assert.Equal(isPrivate, MulticastDoor.IsPrivate(IPAddress.Parse(address)));

    private sealed class Listener : ReceiveActor
    {
        public Listener(ChannelWriter<IMulticastDoor.PacketArrived> heard) =>
            Receive<IMulticastDoor.PacketArrived>(m => heard.TryWrite(m));
    }
}
