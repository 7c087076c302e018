// Run.cs - one script, from the server's `run` frame to `done`.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;

namespace Reactions.PowerShell;

using PowerShell = System.Management.Automation.PowerShell;

internal sealed class Run
{
    // The names that DESIGN gives to scripts; nothing of the event's or the reaction's data takes their place.
    static readonly string[] IdNames = ["ProjectId", "ReleaseId", "DeploymentId", "EnvironmentId", "TenantId", "MachineId", "TaskId", "ChannelId", "SpaceId"];

    readonly JsonElement frame;
    readonly Channel channel;          // null: nobody listens (warming up)
    readonly Output output;
    readonly object guard = new();
    PowerShell shell;
    string cancelled, failMessage;

    public RunIdentity Identity { get; }
    public RunLog Log { get; }
    public Broker Broker { get; }
    public bool IsDryRun { get; }
    public string NoClientReason { get; }
    public Dictionary<string, string> OctopusParameters { get; }
    public Dictionary<string, string> OutputVariables { get; } = new(StringComparer.OrdinalIgnoreCase);
    public HashSet<string> SensitiveVariables { get; } = new(StringComparer.OrdinalIgnoreCase);
    public OctopusClient Octopus { get; }
    public string TaskId { get; }

    public Run(JsonElement frame, Channel channel)
    {
        this.frame = frame;
        this.channel = channel;
        Identity = new RunIdentity(frame.TextOf("RunId"), frame.NumberOf("Fence", 0));
        Log = new RunLog(Identity, channel, frame.NumberOf("MaxLogLines", 10_000), frame.NumberOf("MaxLogBytes", 4 << 20), (int)frame.NumberOf("MaxLogLineBytes", 16 << 10));
        Broker = new Broker(Identity, channel, Log);
        output = new Output((int)Math.Clamp(frame.NumberOf("MaxOutputBytes", 1 << 20), 64, 16 << 20));
        IsDryRun = frame.FlagOf("IsDryRun");
        NoClientReason = frame.TextOf("NoClientReason");
        OctopusParameters = FromJson.NamedTexts(frame.Member("OctopusParameters"));
        TaskId = frame.Member("Ids")?.TextOf("TaskId");
        JsonElement? octopus = frame.Member("Octopus");
        Octopus = new OctopusClient(this, octopus?.TextOf("BaseUri"), octopus?.TextOf("SpaceId"), octopus?.TextOf("SpaceName"), octopus?.TextOf("Identity"));
    }

    // Ends with `done` sent, whatever the script does.
    public void Execute(Runspaces runspaces, Surroundings surroundings)
    {
        Prepared prepared = runspaces.Next();
        prepared.Host.Log = channel == null ? null : Log;
        var outcome = new Outcome();
        try
        {
            Invoke(runspaces, prepared, surroundings, outcome);
        }
        catch (Exception e) when (e is not ServerGoneException)
        {
            Fail(outcome, e);
        }
        Settle(prepared, outcome);
        prepared.Host.Log = null;
        Broker.Close("The run is over.", false);
        string recycle = surroundings.AfterRun();
        Log.Close();
        if (channel != null)
            SendDone(outcome, recycle);
    }

    public void Cancel(string reason)
    {
        PowerShell running;
        lock (guard)
        {
            cancelled ??= string.IsNullOrEmpty(reason) ? "The run was cancelled." : reason;
            running = shell;
        }
        Broker.Close("The run was cancelled.", true);
        if (running != null)
            new Thread(() => Stop(running), 256 * 1024) { IsBackground = true, Name = ".NET cancel" }.Start();
    }

    // The engine forgets a stop that comes in the moment between `started` and its first statement, so it is told until it has stopped.
    void Stop(PowerShell running)
    {
        for (;;)
        {
            lock (guard)
                if (shell != running)
                    return;
            try
            {
                running.Stop();
            }
            catch (Exception e) when (e is ObjectDisposedException or NullReferenceException or InvalidOperationException)
            {
                // Stopped between two states: the engine throws whatever it comes upon.
            }
            Thread.Sleep(10);
        }
    }

    // Fail-Step: the message the run fails with, before it exits.
    public void FailWith(string message) => failMessage = message;

    sealed class Outcome
    {
        public string Message;
        public int? ExitCode, Line, Column;
        public bool HasFailed;
    }

    void Invoke(Runspaces runspaces, Prepared prepared, Surroundings surroundings, Outcome outcome)
    {
        string text = frame.TextOf("Script") ?? string.Empty;
        Script script = Script.Parse(text);
        if (script.Problems.Count > 0)
        {
            Script.Problem first = script.Problems[0];
            (outcome.HasFailed, outcome.Message, outcome.Line, outcome.Column) = (true, first.Message, first.Line, first.Column);
            foreach (Script.Problem problem in script.Problems)
                Log.Add(Level.Error, $"{problem.Message}\nAt line:{problem.Line} char:{problem.Column}");
            return;
        }
        Dictionary<string, object> values = Values(surroundings);
        SessionStateProxy state = prepared.Runspace.SessionStateProxy;
        foreach ((string name, object value) in values)
            state.SetVariable(name, value);
        foreach ((string name, object value) in FlatNames(values, prepared))
            state.SetVariable(name, value);
        runspaces.Suit(prepared, text);

        using var powerShell = PowerShell.Create();
        powerShell.Runspace = prepared.Runspace;
        powerShell.AddScript(text, false);
        if (!Bind(script, values, powerShell, outcome))
            return;
        powerShell.Streams.Error = new Tap<ErrorRecord>(e => Log.Add(Level.Error, TextOf(e)));
        powerShell.Streams.Information = new Tap<InformationRecord>(Inform);
        lock (guard)
        {
            if (cancelled != null)
                throw new PipelineStoppedException();
            shell = powerShell;
        }
        try
        {
            SendStarted();
            powerShell.Invoke(null, new Tap<PSObject>(Put), new PSInvocationSettings { AddToHistory = false });
        }
        finally
        {
            lock (guard)
                shell = null;
        }
    }

    // What a script finds under the names of DESIGN section 5.
    Dictionary<string, object> Values(Surroundings surroundings)
    {
        object payload = Payload();
        Dictionary<string, string> modules = Modules(surroundings);
        var values = new Dictionary<string, object>(StringComparer.OrdinalIgnoreCase) {
            ["Payload"] = payload,
            ["Query"] = FromJson.NamedValues(frame.Member("Query")),
            ["Route"] = FromJson.NamedValues(frame.Member("Route")),
            ["Request"] = Request(),
            ["Event"] = Event(payload),
            ["OctopusParameters"] = OctopusParameters,
            ["Octopus"] = Octopus,
            ["Modules"] = modules };
        JsonElement? ids = frame.Member("Ids");
        foreach (string name in IdNames)
            values[name] = ids?.TextOf(name);
        if (frame.Member("OctopusClient") is { } client)
            values["OctopusRepository"] = DotNetClient.Repository(modules, client.TextOf("Url"), client.TextOf("Token"));
        return values;
    }

    object Payload()
    {
        if (frame.Member("Payload") is not { } payload)
            return null;
        string text = payload.ValueKind == JsonValueKind.String ? FromJson.Text(payload) : null;
        switch (frame.TextOf("PayloadKind"))
        {
            case "bytes" when text != null:
                return Convert.FromBase64String(text);
            case "xml" when text != null:
                try
                {
                    return Xml.Document(text);
                }
                catch (System.Xml.XmlException e)
                {
                    Log.Add(Level.Warning, $"The payload is not well-formed XML, so $Payload is its text: {e.Message}");
                    return text;
                }
            default:
                return FromJson.Value(payload);
        }
    }

    PSObject Request()
    {
        if (frame.Member("Request") is not { } request)
            return null;
        var result = new PSObject();
        foreach (string name in new[] { "Method", "Path" })
            result.Properties.Add(new PSNoteProperty(name, request.TextOf(name)));
        result.Properties.Add(new PSNoteProperty("Headers", FromJson.NamedValues(request.Member("Headers"))));
        result.Properties.Add(new PSNoteProperty("Body", request.TextOf("BodyBase64") is { } bytes ? Convert.FromBase64String(bytes) : request.TextOf("Body")));
        foreach (string name in new[] { "ContentType", "RemoteAddress" })
            result.Properties.Add(new PSNoteProperty(name, request.TextOf(name)));
        return result;
    }

    PSObject Event(object payload)
    {
        if (frame.Member("Event") is not { } element || FromJson.Value(element) is not PSObject result)
            return null;
        if (result.Properties["Payload"] is { } property)
            property.Value = payload;
        else
            result.Properties.Add(new PSNoteProperty("Payload", payload));
        return result;
    }

    // The files the reaction lists: name to path, and a link under that name in the folder the script starts in.
    Dictionary<string, string> Modules(Surroundings surroundings)
    {
        var result = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (JsonElement module in frame.ItemsOf("Modules"))
        {
            string name = module.TextOf("Name"), path = module.TextOf("Path");
            result[name] = path;
            ModuleFiles.Link(surroundings.Folder, Path.Combine(surroundings.Folder, "modules"), name, path);
        }
        if (result.Count > 0)
            Environment.SetEnvironmentVariable("PSModulePath",
                Path.Combine(surroundings.Folder, "modules") + ":" + Environment.GetEnvironmentVariable("PSModulePath"));
        return result;
    }

    // As in Octopus, each Octopus variable is also a variable without its punctuation. None takes the place of one that exists.
    IEnumerable<KeyValuePair<string, object>> FlatNames(Dictionary<string, object> values, Prepared prepared)
    {
        var taken = new HashSet<string>(values.Keys, StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in OctopusParameters)
        {
            string flat = Flat(name);
            if (flat.Length > 0 && !prepared.BuiltIn.Contains(flat) && taken.Add(flat))
                yield return new(flat, value);
        }
    }

    static string Flat(string name) => name.All(IsPlain) ? name : string.Concat(name.Where(IsPlain));
    static bool IsPlain(char c) => char.IsLetterOrDigit(c) || c == '_';

    // Parameters of the script's own, by name: first the variables above, then route values, then query parameters.
    bool Bind(Script script, Dictionary<string, object> values, PowerShell powerShell, Outcome outcome)
    {
        if (script.Parameters.Count == 0)
            return true;
        var flat = new Dictionary<string, object>(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in OctopusParameters)
            flat.TryAdd(Flat(name), value);
        var sources = new[] { values, flat, (Dictionary<string, object>)values["Route"], (Dictionary<string, object>)values["Query"] };
        foreach (Script.Parameter parameter in script.Parameters)
            if (Find(parameter, sources, out object value))
                powerShell.AddParameter(parameter.Names[0], parameter.IsSwitchLike ? AsFlag(value) : value);
            else if (parameter.IsMandatory)
            {
                (outcome.HasFailed, outcome.Message) = (true, $"The script's parameter '{parameter.Names[0]}' is mandatory, and this event has no value for it: no variable, route value or query parameter has that name.");
                Log.Add(Level.Error, outcome.Message);
                return false;
            }
        return true;
    }

    static bool Find(Script.Parameter parameter, Dictionary<string, object>[] sources, out object value)
    {
        foreach (Dictionary<string, object> source in sources)
            foreach (string name in parameter.Names)
                if (source.TryGetValue(name, out value) && value != null)
                    return true;
        value = null;
        return false;
    }

    // Query parameters are text; `?force`, `?force=true` and `?force=1` mean true to everybody but the engine.
    static object AsFlag(object value) => (value as string)?.ToLowerInvariant() switch {
        "" or "true" or "1" or "yes" or "on" => true, "false" or "0" or "no" or "off" => false, _ => value };

    // Output: each object as JSON, and text and plain values as lines of the log as well.
    void Put(PSObject item)
    {
        output.Add(item);
        if (item?.BaseObject is string or ValueType and not null)
            Log.Add(Level.Output, ToJson.TextOf(item.BaseObject));
    }

    // What Write-Host wrote (tagged PSHOST) the engine also hands to the host, which logs it.
    void Inform(InformationRecord record)
    {
        if (!record.Tags.Contains("PSHOST"))
            Log.Add(Level.Info, ToJson.TextOf(record.MessageData));
    }

    void Fail(Outcome outcome, Exception e)
    {
        outcome.HasFailed = true;
        if (cancelled != null)
            return;
        ErrorRecord record = (e as IContainsErrorRecord)?.ErrorRecord;
        outcome.Message = record != null ? MessageOf(record) : e.Message;
        if (record != null)
            (outcome.Line, outcome.Column) = Place(record);
        Log.Add(Level.Error, record != null ? TextOf(record) : e.ToString());
    }

    static string MessageOf(ErrorRecord record)
    {
        string text = record.ErrorDetails?.Message;
        return string.IsNullOrEmpty(text) ? record.Exception?.Message ?? record.ToString() : text;
    }

    static string TextOf(ErrorRecord record)
    {
        string place = null;
        if (record.FullyQualifiedErrorId.StartsWith("NativeCommandError", StringComparison.Ordinal))
            return MessageOf(record); // a line that a program wrote to its standard error
        try
        {
            place = record.InvocationInfo?.PositionMessage;
        }
        catch (Exception e) when (e is NullReferenceException or InvalidOperationException)
        {
            // The engine has none for some errors.
        }
        return string.IsNullOrEmpty(place) ? MessageOf(record) : MessageOf(record) + "\n" + place;
    }

    // Where in the script. For an error inside a module's file, where the script called it.
    static (int? Line, int? Column) Place(ErrorRecord record)
    {
        InvocationInfo at = record.InvocationInfo;
        if (at != null && string.IsNullOrEmpty(at.ScriptName) && at.ScriptLineNumber > 0)
            return (at.ScriptLineNumber, at.OffsetInLine > 0 ? at.OffsetInLine : null);
        Match match = Regex.Match(record.ScriptStackTrace ?? string.Empty, "<No file>: line ([0-9]+)", RegexOptions.None, TimeSpan.FromSeconds(1));
        return match.Success ? (int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), null) : (null, null);
    }

    // The exit code, and what follows from it and from a cancel.
    void Settle(Prepared prepared, Outcome outcome)
    {
        if (cancelled != null)
        {
            (outcome.HasFailed, outcome.Message) = (true, cancelled);
            Log.Add(Level.Error, cancelled);
            return;
        }
        if (outcome.HasFailed)
            return;
        // As in Octopus, a script ends with the exit code of the last program it ran, unless it says otherwise.
        outcome.ExitCode = prepared.Host.ExitCode;
        bool isExit = outcome.ExitCode != null;
        if (!isExit && prepared.Runspace.SessionStateProxy.GetVariable("LASTEXITCODE") is int last)
            outcome.ExitCode = last;
        outcome.HasFailed = outcome.ExitCode is not (null or 0);
        if (!outcome.HasFailed)
            outcome.ExitCode = 0;
        else if (failMessage != null)
            outcome.Message = failMessage;
        else
            outcome.Message = isExit ? $"The script exited with code {outcome.ExitCode}."
                : $"The last program that the script ran exited with code {outcome.ExitCode}. (`exit 0` at the end of the script says that this is not a failure.)";
        if (outcome.HasFailed)
            Log.Add(Level.Error, outcome.Message);
    }

    void SendStarted()
    {
        if (channel != null)
            channel.Write(Identity.Begin(new JsonText(), "started").EndObject());
    }

    void SendDone(Outcome outcome, string recycle)
    {
        JsonText done = Identity.Begin(new JsonText(), "done").Name("Outcome").Value(outcome.HasFailed ? "Failed" : "Succeeded");
        Number(done, "ExitCode", outcome.ExitCode);
        done.Name("Output");
        output.WriteTo(done);
        done.Name("OutputTruncated").Value(output.IsTruncated).Name("ErrorMessage").Value(Log.Masked(outcome.Message));
        Number(done, "ErrorLine", outcome.Line);
        Number(done, "ErrorColumn", outcome.Column);
        done.Name("Variables").BeginObject();
        lock (OutputVariables)
            foreach ((string name, string value) in OutputVariables)
                done.Name(name).Value(value);
        done.EndObject().Name("SensitiveVariables").BeginArray();
        foreach (string name in SensitiveVariables)
            done.Value(name);
        done.EndArray().Name("WorkingSetBytes").Value(ProcessStatus.ResidentBytes).Name("Recycle").Value(recycle != null);
        if (recycle != null)
            done.Name("RecycleReason").Value(recycle);
        channel.Write(done.EndObject());
    }

    static void Number(JsonText frame, string name, int? value)
    {
        frame.Name(name);
        if (value is { } number) frame.Value(number); else frame.Value((string)null);
    }
}
