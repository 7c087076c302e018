// Gateway.cs - connections by way of the server, where this process has a network of its own with nothing in it.

using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Reactions.PowerShell;

static class Gateway
{
    const int MaxHeadBytes = 8192;

    // The environment names the gateway as everybody's proxy. For the web commands it is no proxy but the way to one, or to the target: only
    // what a script itself has set counts.
    internal sealed class OtherProxies : IWebProxy
    {
        public ICredentials Credentials { get => HttpClient.DefaultProxy.Credentials; set { } }
        public bool IsBypassed(Uri target) => GetProxy(target) == null;

        public Uri GetProxy(Uri target) =>
            !HttpClient.DefaultProxy.IsBypassed(target) && HttpClient.DefaultProxy.GetProxy(target) is { } proxy && !(proxy.IsLoopback && proxy.Port == WebPolicy.GatewayPort) ? proxy : null;
    }

    internal static async ValueTask<Stream> Connect(string host, int port, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, WebPolicy.GatewayPort, cancel).ConfigureAwait(false);
            var stream = new NetworkStream(socket, true);
            string target = (host.Contains(':') ? $"[{host}]" : host) + ":" + port;
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"), cancel).ConfigureAwait(false);
            (string head, string rest) = await ReadHead(stream, cancel).ConfigureAwait(false);
            if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
            {
                using var reader = new StreamReader(stream, Encoding.UTF8);
                throw Failure(host, port, head, (rest + await reader.ReadToEndAsync(cancel).ConfigureAwait(false)).Trim());
            }
            // A server of HTTP says nothing before it is asked.
            return rest.Length == 0 ? stream : throw new HttpRequestException($"{target} began to speak before it was asked anything: it is no HTTP server.");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static async Task<(string Head, string Behind)> ReadHead(NetworkStream stream, CancellationToken cancel)
    {
        var bytes = new byte[MaxHeadBytes];
        for (int n = 0; n < bytes.Length;)
        {
            int read = await stream.ReadAsync(bytes.AsMemory(n), cancel).ConfigureAwait(false);
            if (read == 0) break;
            n += read;
            int end = bytes.AsSpan(0, n).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return (Encoding.ASCII.GetString(bytes, 0, end), Encoding.UTF8.GetString(bytes, end + 4, n - end - 4));
        }
        throw new HttpRequestException("The server's gateway ended the connection.");
    }

    static HttpRequestException Failure(string host, int port, string head, string why)
    {
        foreach (string line in head.Split("\r\n"))
            if (line.StartsWith("Refused-Address:", StringComparison.OrdinalIgnoreCase) && IPAddress.TryParse(line[16..].Trim(), out IPAddress address))
                return new EgressRefusedException(host, address, port);
        return new HttpRequestException(why.Length > 0 ? why : $"The server's gateway could not connect to {host}:{port}.");
    }
}
