// Worker.cs - serves the protocol: says hello, prepares a runspace, runs what comes, says it is ready again.
//
// One thread runs scripts, one after the other, on a stack of its own; another reads frames, so that
// a cancel or an answer reaches a script that runs. docs/worker-protocol.md is the protocol.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Text.Json;
using System.Threading;

namespace Reactions.PowerShell;

/// <summary>An engine that scripts run in.</summary>
public interface IEngine
{
    string Name { get; }                            // "bundled" or "pwsh"
    IReadOnlyCollection<string> Missing { get; }    // everyday commands it lacks
    /// <summary>A new runspace, opened, for the calling thread, with that folder as its location.</summary>
    Runspace Open(PSHost host, string folder);
    /// <summary>Before a script runs in a runspace that Open gave: what only some scripts need.</summary>
    void Suit(Runspace runspace, string script);
}

public static class Worker
{
    // Room for some 2 000 calls within each other. The engine unwinds an overflow in time that grows with the third power of the
    // depth: a second at 1 MB, eleven at 2 MB, minutes at the usual 8 MB.
    const int StackBytes = 1536 * 1024, IdleMilliseconds = 1500;

    static Channel channel;
    static readonly BlockingCollection<byte[]> frames = [];
    static readonly object guard = new();
    static JsonElement? earlyCancel;   // came while its run still waited to be taken up
    internal static volatile Run Current;

    /// <summary>Serves until the server closes the descriptor or says exit.</summary>
    public static void Serve(IEngine engine)
    {
        string number = Environment.GetEnvironmentVariable("REACTIONS_PROTOCOL_FD");
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor))
            throw new ArgumentException($"REACTIONS_PROTOCOL_FD is '{number}'; the server passes the number of a connected socket there");
        Environment.SetEnvironmentVariable("REACTIONS_PROTOCOL_FD", null);
        channel = new Channel(descriptor);
        var runner = new Thread(() => ServeOnThisThread(engine), StackBytes) { Name = "scripts" };
        runner.Start();
        runner.Join();
        Environment.Exit(0); // threads that scripts left do not keep this process alive
    }

    static void ServeOnThisThread(IEngine engine)
    {
        string folder = WorkFolder(out bool isOurs);
        Console.SetOut(new ConsoleWriter(Level.Host));
        Console.SetError(new ConsoleWriter(Level.Error));
        var surroundings = new Surroundings(folder, Console.Out, Console.Error);
        Environment.CurrentDirectory = folder;
        RunLog.StartFlushing();
        try
        {
            new Thread(ReadFrames, 256 * 1024) { IsBackground = true, Name = "frames" }.Start();
            var runspaces = new Runspaces(engine, folder);
            Warm(runspaces, surroundings);
            Send(frame => {
                frame.Name("Type").Value("hello").Name("Protocol").Value(1).Name("Engine").Value(engine.Name).Name("PSVersion").Value(runspaces.Next().EngineVersion)
                    .Name("Pid").Value(Environment.ProcessId).Name("Missing").BeginArray();
                foreach (string missing in engine.Missing)
                    frame.Value(missing);
                frame.EndArray();
            });
            SayReady(runspaces);
            Loop(runspaces, surroundings);
        }
        catch (IOException)
        {
            // The server is gone.
        }
        if (isOurs)
            Directory.Delete(folder, true);
    }

    static string WorkFolder(out bool isOurs)
    {
        string given = Environment.GetEnvironmentVariable("REACTIONS_WORK_DIR");
        isOurs = string.IsNullOrEmpty(given);
        return isOurs ? Directory.CreateTempSubdirectory("reactions-").FullName : Path.GetFullPath(given);
    }

    // Runs one script through all of the machinery with nobody listening, so that the first real one finds it compiled.
    static void Warm(Runspaces runspaces, Surroundings surroundings)
    {
        const string Frame = """
            {"Type":"run","RunId":"warm","Fence":0,"Script":"param([string]$Name) $x = @{ a = 1 } | ForEach-Object { $_ }; try { throw 'x' } catch { Write-Warning \"$_\" }; Write-Host \"$Name\"; [pscustomobject]@{ a = 1; b = @(1, 'x') }","PayloadKind":"json",
            "Payload":{"a":[1,2.5,"x",null,true]},"Query":{"name":"x"},"Route":{},"Request":{"Headers":{"a":"b"}},"Event":{"Id":"Events-0"},"OctopusParameters":{"Octopus.Release.Number":"1"},"Ids":{},"Modules":[]}
            """;
        for (int i = 0; i < 3; i++)
        {
            new Run(FromJson.Parse(Frame), null).Execute(runspaces, surroundings);
            surroundings.Restore();
            runspaces.Renew();
            surroundings.BeforeRun();
        }
    }

    static void Loop(Runspaces runspaces, Surroundings surroundings)
    {
        bool hasRun = true;
        for (;;)
        {
            if (!frames.TryTake(out byte[] bytes, hasRun ? IdleMilliseconds : Timeout.Infinite))
            {
                // Idle: give memory back, once.
                GC.Collect(2, GCCollectionMode.Aggressive, true, true);
                hasRun = false;
                continue;
            }
            if (bytes == null)
                return;
            JsonElement frame = FromJson.Parse(bytes);
            switch (frame.TextOf("Type"))
            {
                case "run":
                    var run = new Run(frame, channel);
                    lock (guard)
                    {
                        Current = run;
                        if (earlyCancel is { } cancel && run.Identity.IsIn(cancel))
                            run.Cancel(cancel.TextOf("Reason"));
                        earlyCancel = null;
                    }
                    run.Execute(runspaces, surroundings);
                    Current = null;
                    surroundings.Restore();
                    runspaces.Renew();
                    surroundings.BeforeRun();
                    SayReady(runspaces);
                    runspaces.CloseUsed();
                    hasRun = true;
                    break;
                case "parse":
                    AnswerParse(frame);
                    break;
                case "exit":
                    return;
                default:
                    throw new IOException($"the server sent a frame of type '{frame.TextOf("Type")}'");
            }
        }
    }

    static void ReadFrames()
    {
        try
        {
            for (;;)
            {
                byte[] bytes = channel.Read();
                if (bytes == null)
                    break;
                if (IsForTheRunning(bytes))
                    continue;
                frames.Add(bytes);
            }
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // What follows cannot be read: as good as gone.
        }
        frames.Add(null);
        if (Current != null)
            Environment.Exit(0); // nobody waits for what the script does
    }

    // Answers and cancels go to the run at once; everything else waits its turn.
    static bool IsForTheRunning(byte[] bytes)
    {
        // A run's frame can be large; its start tells that it is none of ours here, and it is parsed once, later.
        var reader = new Utf8JsonReader(bytes);
        if (reader.Read() && reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("Type"u8) && reader.Read() &&
            (reader.ValueTextEquals("run"u8) || reader.ValueTextEquals("parse"u8)))
            return false;
        JsonElement frame = FromJson.Parse(bytes);
        string type = frame.TextOf("Type");
        if (type is not ("reply" or "egress-reply" or "cancel"))
            return false;
        Run run;
        lock (guard)
        {
            run = Current;
            if (run == null && type == "cancel")
                earlyCancel = frame;
        }
        if (run == null || !run.Identity.IsIn(frame))
            return true; // late: of a run that is over
        if (type == "cancel")
            run.Cancel(frame.TextOf("Reason"));
        else
            run.Broker.Answer(frame);
        return true;
    }

    static void AnswerParse(JsonElement request)
    {
        Script script = Script.Parse(request.TextOf("Script") ?? string.Empty);
        Send(frame => {
            frame.Name("Type").Value("parsed").Name("Id");
            if (request.Member("Id") is { ValueKind: JsonValueKind.Number } id) frame.Number(id.GetRawText()); else frame.Value(request.TextOf("Id"));
            frame.Name("Errors").BeginArray();
            foreach (Script.Problem problem in script.Problems)
                frame.BeginObject().Name("Message").Value(problem.Message).Name("Line").Value(problem.Line).Name("Column").Value(problem.Column).EndObject();
            frame.EndArray().Name("Parameters").BeginArray();
            foreach (Script.Parameter parameter in script.Parameters)
                frame.Value(parameter.Names[0]);
            frame.EndArray().Name("Variables").BeginArray();
            foreach (string name in script.Variables())
                frame.Value(name);
            frame.EndArray();
        });
    }

    static void SayReady(Runspaces runspaces)
    {
        runspaces.Next();
        Send(frame => frame.Name("Type").Value("ready").Name("WorkingSetBytes").Value(ProcessStatus.ResidentBytes));
    }

    /// <summary>Asks the server whether a script may connect there. The log has its reason where it may not.</summary>
    public static bool MayConnect(string host, string address, int port)
    {
        Run run = Current;
        if (run == null)
            return false;
        bool isAllowed = run.Broker.MayConnect(host, address, port, out string reason);
        if (!isAllowed)
            run.Log.Add(Level.Warning, $"Not allowed to connect to {host} ({address}, port {port}): {reason ?? "the egress rules refuse it"}");
        return isAllowed;
    }

    /// <summary>Whether the run of the moment is a dry run, in which nothing may be sent but by the server.</summary>
    public static bool IsDryRun => Current?.IsDryRun == true;

    /// <summary>A web request of a dry run: the server makes it where it is a read, and withholds it otherwise (status 0 and no error).</summary>
    public static (int Status, Dictionary<string, string> Headers, byte[] Body, string Error) AskForWeb(string method, string url, IDictionary<string, string> headers, byte[] body)
    {
        Run run = Current ?? throw new InvalidOperationException("The run is over.");
        BrokerReply reply = run.Broker.Web(method, url, headers, body);
        if (reply.IsWithheld)
            run.Log.Add(Level.Warning, $"A dry run: {method} {url} was not sent");
        return (reply.IsWithheld ? 0 : reply.Status, reply.Headers, reply.Body, reply.IsWithheld ? null : reply.Error);
    }

    static void Send(Action<JsonText> fill)
    {
        var frame = new JsonText();
        frame.BeginObject();
        fill(frame);
        channel.Write(frame.EndObject());
    }
}

// [Console]::WriteLine in a script: its lines belong to the log as much as those of Write-Host.
internal sealed class ConsoleWriter(Level level) : TextWriter
{
    public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;
    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string value)
    {
        RunLog log = Worker.Current?.Log;
        if (log == null || string.IsNullOrEmpty(value))
            return;
        if (level != Level.Host)
        {
            if (value.TrimEnd('\r', '\n') is { Length: > 0 } text)
                log.Add(level, text);
            return;
        }
        string[] parts = value.Replace("\r\n", "\n").Split('\n');
        for (int i = 0; i < parts.Length; i++)
            if (i < parts.Length - 1 || parts[i].Length > 0)
                log.AddHostPart(parts[i], i < parts.Length - 1);
    }

    public override void WriteLine(string value) => Write(value + "\n");
}
