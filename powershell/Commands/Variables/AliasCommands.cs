// AliasCommands.cs - Get-, New-, Set-, Remove-Alias.

using System;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets aliases by name or by what they stand for.</summary>
[Cmdlet(VerbsCommon.Get, "Alias", DefaultParameterSetName = "Default")]
[OutputType(typeof(AliasInfo))]
public class GetAliasCommand : PSCmdlet
{
    [Parameter(Position = 0, ParameterSetName = "Default", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] [ValidateNotNullOrEmpty] public string[] Name { get; set; } = ["*"];
    [Parameter(ParameterSetName = "Definition")] [ValidateNotNullOrEmpty] public string[] Definition { get; set; }
    [Parameter] public string[] Exclude { get; set; } = [];
    [Parameter] public string Scope { get; set; }

    protected override void ProcessRecord()
    {
        object state = Inside.Internal(SessionState);
        var all = (Scope == null ? Inside.AliasTable(state) : Inside.AliasTableAtScope(state, Scope)).Values
            .OrderBy(a => a.Name, StringComparer.CurrentCultureIgnoreCase).ToList();
        foreach (string text in Definition ?? Name)
        {
            WildcardPattern pattern = Pattern(text);
            var found = all.Where(a => pattern.IsMatch(Definition == null ? a.Name : a.Definition))
                           .Where(a => Exclude?.Any(x => Pattern(x).IsMatch(Definition == null ? a.Name : a.Definition)) != true).ToList();
            WriteObject(found, true);
            if (found.Count > 0 || Exclude?.Length > 0 || WildcardPattern.ContainsWildcardCharacters(text)) continue;
            string with = Definition == null ? "the name" : "the definition";
            WriteError(new ErrorRecord(new ItemNotFoundException($"This command cannot find a matching alias because an alias with {with} '{text}' does not exist."),
                "ItemNotFoundException", ErrorCategory.ObjectNotFound, text));
        }
    }

    static WildcardPattern Pattern(string text) => WildcardPattern.Get(text, WildcardOptions.IgnoreCase);
}

public abstract class WriteAliasCommandBase : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string Name { get; set; }
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string Value { get; set; }
    [Parameter] public string Description { get; set; } = string.Empty;
    [Parameter] public ScopedItemOptions Option { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string Scope { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    internal abstract string Action { get; }
    internal abstract bool MayReplace { get; }

    protected override void ProcessRecord()
    {
        object state = Inside.Internal(SessionState);
        // An alias of an outer scope is in the way as well, unless a scope is named.
        if (!MayReplace && !Force && (Scope == null ? Inside.AliasTable(state) : Inside.AliasTableAtScope(state, Scope)).ContainsKey(Name))
        {
            var exists = new SessionStateException($"The alias is not allowed, because an alias with the name '{Name}' already exists.");
            WriteError(new ErrorRecord(exists, "AliasAlreadyExists", ErrorCategory.ResourceExists, Name));
            return;
        }
        if (!ShouldProcess($"Name: {Name} Value: {Value}", Action)) return;
        string scope = Scope ?? (Option.HasFlag(ScopedItemOptions.AllScope) ? "Global" : "Local");
        try
        {
            AliasInfo alias = Inside.NewAlias(Name, Value, Inside.Context(this), Option);
            alias.Description = Description;
            AliasInfo made = Inside.SetAliasAtScope(state, alias, scope, Force, MyInvocation.CommandOrigin);
            if (PassThru) WriteObject(made);
        }
        catch (Exception e) when (e is SessionStateException or PSArgumentException)
        {
            WriteError(new ErrorRecord(((IContainsErrorRecord)e).ErrorRecord, e));
        }
    }
}

/// <summary>Makes an alias that is not there yet.</summary>
[Cmdlet(VerbsCommon.New, "Alias", SupportsShouldProcess = true)]
[OutputType(typeof(AliasInfo))]
public class NewAliasCommand : WriteAliasCommandBase
{
    internal override string Action => "New Alias";
    internal override bool MayReplace => false;
}

/// <summary>Makes or changes an alias.</summary>
[Cmdlet(VerbsCommon.Set, "Alias", SupportsShouldProcess = true)]
[OutputType(typeof(AliasInfo))]
public class SetAliasCommand : WriteAliasCommandBase
{
    internal override string Action => "Set Alias";
    internal override bool MayReplace => true;
}

/// <summary>Removes aliases.</summary>
[Cmdlet(VerbsCommon.Remove, "Alias")]
public class RemoveAliasCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] Name { get; set; }
    [Parameter] public string Scope { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        object state = Inside.Internal(SessionState);
        foreach (string name in Name)
        {
            var table = Scope == null ? Inside.AliasTable(state) : Inside.AliasTableAtScope(state, Scope);
            if (!table.ContainsKey(name))
            {
                WriteError(new ErrorRecord(new ItemNotFoundException($"This command cannot find a matching alias because an alias with the name '{name}' does not exist."),
                    "ItemNotFoundException", ErrorCategory.ObjectNotFound, name));
                continue;
            }
            Inside.RemoveAlias(state, name, Force);
        }
    }
}
