// WebPolicy.cs - what the web commands may connect to, and how much they may fetch. The host sets it, once.

using System;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using System.IO;

namespace Reactions.PowerShell;

public static class WebPolicy
{
    public const long DefaultMaxResponseBytes = 256L << 20;

    // Asked with the host as the script named it, and the address and port about to be connected to. Null: everything.
    public static Func<string, IPAddress, int, bool> Allows { get; set; }

    // The port on this host's loopback where connections to the outside are to be had, by asking for tunnels (CONNECT); it decides
    // what is allowed. 0: there is none, and connections are made from here.
    public static int GatewayPort { get; set; }

    // Who answers in a dry run, where nothing may be sent from here; null, or null as its result: nobody, requests are real.
    public static Func<HttpMessageHandler> DryRun { get; set; }

    // The most bytes of a response, after decompression, that a command takes in or writes to a file.
    public static long MaxResponseBytes { get; set; } = DefaultMaxResponseBytes;

    // Connects like the default, but only to addresses that are allowed. The name is resolved here and the address that
    // was asked about is the one connected to, so that a name cannot mean another address a moment later.
    internal static async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        string host = context.DnsEndPoint.Host;
        int port = context.DnsEndPoint.Port;
        if (GatewayPort != 0) return await Gateway.Connect(host, port, cancel).ConfigureAwait(false);
        IPAddress[] all = IPAddress.TryParse(host, out IPAddress literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancel).ConfigureAwait(false);
        IPAddress[] allowed = Allows == null ? all : all.Where(a => Allows(host, a, port)).ToArray();
        if (allowed.Length == 0 && all.Length > 0) throw new EgressRefusedException(host, all[0], port);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, port, cancel).ConfigureAwait(false);
            return new NetworkStream(socket, true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A connection that the egress rules do not allow.</summary>
public sealed class EgressRefusedException : HttpRequestException
{
    internal EgressRefusedException(string host, IPAddress address, int port)
        : base($"Not allowed to connect to {host} ({address}, port {port}): the egress rules of this server refuse it. An administrator can list it under Egress.Allow.") { }
}
