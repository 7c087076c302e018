// VariableCommands.cs - Get-, New-, Set-, Clear-, Remove-Variable.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class VariableCommandBase : PSCmdlet
{
    [Parameter] [ValidateNotNullOrEmpty] public string Scope { get; set; }

    internal object State => Inside.Internal(SessionState);

    internal readonly record struct Matches(List<PSVariable> Found, bool Filtered);

    // The variables a name or pattern stands for, of one scope or of all that are visible.
    internal Matches Find(string name, string scope, string[] include = null, string[] exclude = null)
    {
        if (string.IsNullOrEmpty(name)) return new([], false);
        bool filtered = include is { Length: > 0 } || exclude is { Length: > 0 };
        if (!WildcardPattern.ContainsWildcardCharacters(name) && !filtered)
        {
            // Through the engine, so that names like "script:x" mean what they do elsewhere.
            PSVariable one = scope == null ? SessionState.PSVariable.Get(name) : Inside.VariableAtScope(State, name, scope);
            return new(one == null ? [] : [one], false);
        }
        var table = scope == null ? Inside.VariableTable(State) : Inside.VariableTableAtScope(State, scope);
        bool Is(string pattern, string value) => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(value);
        var named = table.Values.Where(v => Is(name, v.Name)).ToList();
        var kept = named.Where(v => include is not { Length: > 0 } || include.Any(p => Is(p, v.Name)))
                        .Where(v => exclude is not { Length: > 0 } || !exclude.Any(p => Is(p, v.Name)))
                        .OrderBy(v => v.Name, StringComparer.CurrentCultureIgnoreCase).ToList();
        return new(kept, kept.Count == 0 && (named.Count > 0 || WildcardPattern.ContainsWildcardCharacters(name)));
    }

    internal void WriteMissing(string name) =>
        WriteError(new ErrorRecord(new ItemNotFoundException($"Cannot find a variable with the name '{name}'."), "VariableNotFound", ErrorCategory.ObjectNotFound, name));

    // What the session state refuses (read-only, constant, exists) belongs to one variable.
    internal void ForVariable(Action work)
    {
        try { work(); }
        catch (Exception e) when (e is SessionStateException or PSArgumentException)
        {
            WriteError(new ErrorRecord(((IContainsErrorRecord)e).ErrorRecord, e));
        }
    }
}

/// <summary>Gets variables, or their values.</summary>
[Cmdlet(VerbsCommon.Get, "Variable")]
[OutputType(typeof(PSVariable))]
public class GetVariableCommand : VariableCommandBase
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] [ValidateNotNullOrEmpty] public string[] Name { get; set; } = ["*"];
    [Parameter] public SwitchParameter ValueOnly { get; set; }
    [Parameter] public string[] Include { get; set; }
    [Parameter] public string[] Exclude { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string name in Name)
            ForVariable(() =>
            {
                Matches all = Find(name, Scope, Include, Exclude);
                foreach (PSVariable v in all.Found) WriteObject(ValueOnly ? v.Value : v);
                if (all.Found.Count == 0 && !all.Filtered) WriteMissing(name);
            });
    }
}

/// <summary>Makes a variable that is not there yet.</summary>
[Cmdlet(VerbsCommon.New, "Variable", SupportsShouldProcess = true)]
public sealed class NewVariableCommand : VariableCommandBase
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string Name { get; set; }
    [Parameter(Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public object Value { get; set; }
    [Parameter] public string Description { get; set; }
    [Parameter] public ScopedItemOptions Option { get; set; }
    [Parameter] public SessionStateEntryVisibility Visibility { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess($"Name: {Name} Value: {Value}", "New variable")) return;
        ForVariable(() =>
        {
            if (!Force && Inside.VariableAtScope(State, Name, Scope ?? "Local") != null)
            {
                WriteError(new ErrorRecord(new SessionStateException($"A variable with name '{Name}' already exists."), "VariableAlreadyExists", ErrorCategory.ResourceExists, Name));
                return;
            }
            var variable = new PSVariable(Name, Value, Option) { Visibility = Visibility };
            if (Description != null) variable.Description = Description;
            object made = Scope == null ? Inside.NewVariable(State, variable, Force) : Inside.NewVariableAtScope(State, variable, Scope, Force);
            if (PassThru) WriteObject(made ?? variable);
        });
    }
}

/// <summary>Sets a variable, making it if it is not there.</summary>
[Cmdlet(VerbsCommon.Set, "Variable", SupportsShouldProcess = true)]
[OutputType(typeof(PSVariable))]
public sealed class SetVariableCommand : VariableCommandBase
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string[] Name { get; set; }
    [Parameter(Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public object Value { get; set; } = AutomationNull.Value;
    [Parameter] public string[] Include { get; set; }
    [Parameter] public string[] Exclude { get; set; }
    [Parameter] public string Description { get; set; }
    [Parameter] public ScopedItemOptions Option { get => _option ?? ScopedItemOptions.None; set => _option = value; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] public SessionStateEntryVisibility Visibility { get => _visibility ?? SessionStateEntryVisibility.Public; set => _visibility = value; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] public SwitchParameter Append { get; set; }

    ScopedItemOptions? _option;
    SessionStateEntryVisibility? _visibility;
    readonly List<object> _piped = [];
    bool _nameGiven, _valueGiven;

    protected override void BeginProcessing()
    {
        _nameGiven = Name is { Length: > 0 };
        _valueGiven = MyInvocation.BoundParameters.ContainsKey(nameof(Value));
        if (Append) TakeWhatIsThere();
    }

    // The engine appends in this way when a script redirects with >> to a variable.
    void TakeWhatIsThere()
    {
        if (Name is not { Length: 1 })
            ThrowTerminatingError(new ErrorRecord(new InvalidOperationException("-Append takes one variable."), "SetVariableAppend", ErrorCategory.InvalidOperation, Name));
        if (SessionState.PSVariable.Get(Name[0]) is not { } there) return;
        if (there.Value is IList<object> many) _piped.AddRange(many);
        else _piped.Add(there.Value);
    }

    // A name on the command line and values from the pipeline: the variable gets them all.
    protected override void ProcessRecord()
    {
        if (_nameGiven && _valueGiven)
        {
            if (Append && Value != AutomationNull.Value) _piped.Add(Value);
            return;
        }
        if (!_nameGiven) SetAll(Value);
        else if (Value != AutomationNull.Value) _piped.Add(Value);
    }

    protected override void EndProcessing()
    {
        if (!_nameGiven) return;
        if (_valueGiven) SetAll(Append ? _piped : Value);
        else SetAll(_piped.Count switch { 0 => AutomationNull.Value, 1 => _piped[0], _ => _piped.ToArray() });
    }

    void SetAll(object value)
    {
        foreach (string name in Name)
            ForVariable(() =>
            {
                // "script:x" and the like say their own scope, so they are looked up where they point.
                string scope = Scope ?? (name.Contains(':') ? null : "Local");
                Matches all = Find(name, scope, Include, Exclude);
                if (all.Found.Count == 0 && !all.Filtered) Make(name, value);
                foreach (PSVariable v in all.Found) Change(v, value);
            });
    }

    void Make(string name, object value)
    {
        if (!ShouldProcess($"Name: {name} Value: {value}", "Set variable")) return;
        if (name.Contains(':') && Scope == null && _option == null && Description == null)
        {
            SessionState.PSVariable.Set(name, value == AutomationNull.Value ? null : value);
            if (PassThru) WriteObject(SessionState.PSVariable.Get(name));
            return;
        }
        var variable = new PSVariable(name, value == AutomationNull.Value ? null : value, Option) { Visibility = Visibility };
        if (Description != null) variable.Description = Description;
        CommandOrigin origin = MyInvocation.CommandOrigin;
        object set = Scope == null ? Inside.SetVariable(State, variable, Force, origin) : Inside.SetVariableAtScope(State, variable, Scope, Force, origin);
        if (PassThru) WriteObject(set ?? variable);
    }

    void Change(PSVariable v, object value)
    {
        if (!ShouldProcess($"Name: {v.Name} Value: {value}", "Set variable")) return;
        bool wasReadOnly = Force && v.Options.HasFlag(ScopedItemOptions.ReadOnly);
        ScopedItemOptions before = v.Options;
        if (wasReadOnly) Inside.SetOptions(v, before & ~ScopedItemOptions.ReadOnly, true);
        if (value != AutomationNull.Value) v.Value = value;
        if (Description != null) v.Description = Description;
        if (_option != null) Inside.SetOptions(v, _option.Value, Force);
        else if (wasReadOnly) Inside.SetOptions(v, before, true);
        if (_visibility != null) v.Visibility = _visibility.Value;
        if (PassThru) WriteObject(v);
    }
}

/// <summary>Takes the value from a variable and leaves the variable.</summary>
[Cmdlet(VerbsCommon.Clear, "Variable", SupportsShouldProcess = true)]
public sealed class ClearVariableCommand : VariableCommandBase
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string[] Name { get; set; }
    [Parameter] public string[] Include { get; set; }
    [Parameter] public string[] Exclude { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string name in Name)
            ForVariable(() =>
            {
                Matches all = Find(name, Scope, Include, Exclude);
                if (all.Found.Count == 0 && !all.Filtered) WriteMissing(name);
                foreach (PSVariable v in all.Found)
                {
                    if (!ShouldProcess($"Name: {v.Name}", "Clear variable")) continue;
                    ForVariable(() => Clear(v));
                }
            });
    }

    void Clear(PSVariable v)
    {
        if (Force && v.Options.HasFlag(ScopedItemOptions.ReadOnly))
        {
            ScopedItemOptions before = v.Options;
            Inside.SetOptions(v, before & ~ScopedItemOptions.ReadOnly, true);
            v.Value = null;
            Inside.SetOptions(v, before, true);
        }
        else if (Scope != null || v.Options != ScopedItemOptions.None) v.Value = null;
        else
        {
            // A variable of an outer scope keeps its value; the caller gets an empty one of its own.
            SessionState.PSVariable.Set(v.Name, null);
            v = SessionState.PSVariable.Get(v.Name);
        }
        if (PassThru) WriteObject(v);
    }
}

/// <summary>Removes variables.</summary>
[Cmdlet(VerbsCommon.Remove, "Variable", SupportsShouldProcess = true)]
public sealed class RemoveVariableCommand : VariableCommandBase
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string[] Name { get; set; }
    [Parameter] public string[] Include { get; set; }
    [Parameter] public string[] Exclude { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        string scope = Scope ?? "Local";
        foreach (string name in Name)
            ForVariable(() =>
            {
                bool qualified = Scope == null && name.Contains(':');
                Matches all = Find(name, qualified ? null : scope, Include, Exclude);
                if (all.Found.Count == 0 && !all.Filtered) WriteMissing(name);
                foreach (PSVariable v in all.Found)
                {
                    if (!ShouldProcess($"Name: {v.Name}", "Remove variable")) continue;
                    ForVariable(() =>
                    {
                        if (qualified) Inside.RemoveVariable(State, v, Force);
                        else Inside.RemoveVariableAtScope(State, v, scope, Force);
                    });
                }
            });
    }
}
