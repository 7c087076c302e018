// Broker.cs - what a run asks of the server: API calls, feed requests, permission to connect.
//
// Scripts hold no key and reach Octopus only through here. Any thread may ask; each waits for its own answer. Cancelling
// the run, or its end, fails every question that waits and all that come later.

using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;

namespace Reactions.PowerShell;

internal sealed class BrokerReply
{
    public int Status;                          // 0: nobody answered
    public Dictionary<string, string> Headers;  // names without case
    public byte[] Body;
    public bool IsWithheld;                     // a dry run: nothing was sent
    public string Error;                        // why there is no answer, or null

    // UTF-8 with or without a byte order mark; what is no UTF-8 shows U+FFFD.
    public string Text => Encoding.UTF8.GetString(Body is [0xEF, 0xBB, 0xBF, ..] ? Body[3..] : Body);
}

internal sealed class Broker(RunIdentity run, Channel channel, RunLog log)
{
    const int MaximumBody = 20 * 1024 * 1024;

    readonly Dictionary<long, TaskCompletionSource<JsonElement>> waiting = [];
    long lastCall;
    string closedBecause;

    public BrokerReply Octopus(string method, string path, IDictionary<string, string> headers, string body) =>
        Call("octopus", "Path", method, path, headers, body, null);

    public BrokerReply OctopusBytes(string method, string path, IDictionary<string, string> headers, byte[] body) =>
        Call("octopus", "Path", method, path, headers, null, body);

    public BrokerReply Feed(string url, IDictionary<string, string> headers) => Call("feed", "Url", "GET", url, headers, null, null);

    // A dry run's web requests: the server makes the reads and withholds the rest.
    public BrokerReply Web(string method, string url, IDictionary<string, string> headers, byte[] body) => Call("feed", "Url", method, url, headers, null, body);

    BrokerReply Call(string purpose, string target, string method, string pathOrUrl, IDictionary<string, string> headers, string body, byte[] bytes)
    {
        if (Math.Max(body?.Length ?? 0, bytes?.Length ?? 0) > MaximumBody)
            throw new ArgumentException($"The body of {method} {pathOrUrl} is longer than {MaximumBody >> 20} MB, the most that a script can send.");
        JsonElement reply = Ask("call", frame => {
            frame.Name("Purpose").Value(purpose).Name("Method").Value(method).Name(target).Value(pathOrUrl).Name("Headers").BeginObject();
            foreach (KeyValuePair<string, string> header in headers ?? new Dictionary<string, string>())
                frame.Name(header.Key).Value(header.Value);
            frame.EndObject().Name("Body").Value(body);
            if (bytes != null)
                frame.Name("BodyBase64").Value(Convert.ToBase64String(bytes));
        });
        return new BrokerReply {
            Status = (int)reply.NumberOf("Status", 0), Headers = FromJson.NamedTexts(reply.Member("Headers")), IsWithheld = reply.FlagOf("Withheld"),
            Error = reply.TextOf("Error"), Body = reply.TextOf("Body") is { } text ? Encoding.UTF8.GetBytes(text) : Bytes(reply.TextOf("BodyBase64")) };
    }

    static byte[] Bytes(string base64) => base64 == null ? [] : Convert.FromBase64String(base64);

    public bool MayConnect(string host, string address, int port, out string reason)
    {
        JsonElement reply = Ask("egress", frame => frame.Name("Host").Value(host).Name("Address").Value(address).Name("Port").Value(port));
        reason = reply.TextOf("Reason");
        return reply.FlagOf("Allowed");
    }

    JsonElement Ask(string type, Action<JsonText> fill)
    {
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        long id;
        lock (waiting)
        {
            if (closedBecause != null)
                throw new InvalidOperationException(closedBecause);
            waiting[id = ++lastCall] = answer;
        }
        try
        {
            log.Flush(); // what the script said before it asked stands before it
            var frame = new JsonText();
            run.Begin(frame, type).Name("CallId").Value(id);
            fill(frame);
            channel.Write(frame.EndObject());
            return answer.Task.GetAwaiter().GetResult();
        }
        finally
        {
            lock (waiting)
                waiting.Remove(id);
        }
    }

    // An answer from the server. One that nobody waits for is dropped.
    public void Answer(JsonElement frame)
    {
        TaskCompletionSource<JsonElement> answer;
        lock (waiting)
            waiting.Remove(frame.NumberOf("CallId", 0), out answer);
        answer?.TrySetResult(frame);
    }

    public void Close(string because, bool isStopping)
    {
        List<TaskCompletionSource<JsonElement>> all;
        lock (waiting)
        {
            closedBecause ??= because;
            all = [.. waiting.Values];
            waiting.Clear();
        }
        foreach (TaskCompletionSource<JsonElement> answer in all)
            answer.TrySetException(isStopping ? new PipelineStoppedException() : new InvalidOperationException(because));
    }
}
