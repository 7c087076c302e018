// Runspaces.cs - the runspace that the next run finds ready.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace Reactions.PowerShell;

internal sealed class Prepared
{
    public ScriptHost Host;
    public Runspace Runspace;
    public string EngineVersion => (Runspace.SessionStateProxy.GetVariable("PSVersionTable") as System.Collections.IDictionary)?["PSVersion"]?.ToString() ?? "unknown";
    public HashSet<string> BuiltIn;     // names of the variables that every runspace of this engine begins with
}

internal sealed class Runspaces(IEngine engine, string folder)
{
    Prepared next, used;
    HashSet<string> builtIn;

    public Prepared Next() => next ??= Open();

    // After a run: the used one is put aside, a new one is made.
    public void Renew()
    {
        CloseUsed();
        used = next;
        next = Open();
    }

    public void Suit(Prepared prepared, string script) => engine.Suit(prepared.Runspace, script);

    public void CloseUsed()
    {
        if (used == null)
            return;
        foreach (PSEventSubscriber subscriber in new List<PSEventSubscriber>(used.Runspace.Events.Subscribers))
            used.Runspace.Events.UnsubscribeEvent(subscriber);
        used.Runspace.Dispose();
        used = null;
    }

    Prepared Open()
    {
        var host = new ScriptHost();
        Runspace runspace = engine.Open(host, folder);
        builtIn ??= Names(runspace);
        return new Prepared { Host = host, Runspace = runspace, BuiltIn = builtIn };
    }

    static HashSet<string> Names(Runspace runspace)
    {
        // Those that the engine makes when it first needs them stand beside those that are there.
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) {
            "_", "args", "input", "this", "PSItem", "Matches", "LASTEXITCODE", "PSCmdlet", "PSBoundParameters", "MyInvocation", "PSScriptRoot", "PSCommandPath",
            "foreach", "switch", "Event", "Sender", "EventArgs", "OFS", "PSDefaultParameterValues", "PSModuleAutoLoadingPreference", "Error", "StackTrace" };
        Runspace before = Runspace.DefaultRunspace;
        Runspace.DefaultRunspace = runspace;
        Collection<PSObject> items = runspace.SessionStateProxy.InvokeProvider.ChildItem.Get("Variable:\\", false);
        foreach (PSObject item in items)
            if (item.BaseObject is PSVariable variable)
                names.Add(variable.Name);
            else if (item.BaseObject is System.Collections.DictionaryEntry entry)
                names.Add((string)entry.Key);
        Runspace.DefaultRunspace = before;
        return names;
    }
}
