// GetErrorCommand.cs - Get-Error.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets the last errors with all that is in them.</summary>
[Cmdlet(VerbsCommon.Get, "Error", DefaultParameterSetName = "Newest")]
[OutputType("System.Management.Automation.ErrorRecord#PSExtendedError", "System.Exception#PSExtendedError")]
public sealed class GetErrorCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ParameterSetName = "Error")] [ValidateNotNullOrEmpty] public PSObject InputObject { get; set; }
    [Parameter(ParameterSetName = "Newest")] [Alias("Last")] [ValidateRange(1, int.MaxValue)] public int Newest { get; set; } = 1;

    protected override void ProcessRecord()
    {
        List<object> errors = InputObject == null ? ((ArrayList)SessionState.PSVariable.GetValue("Error")).Cast<object>().Take(Newest).ToList()
            : InputObject.BaseObject is Exception or ErrorRecord ? [InputObject] : [];
        for (int i = 0; i < errors.Count; i++)
        {
            PSObject shown = Inside.AsPSObject(errors[i], true);
            Name(shown, "System.Management.Automation.ErrorRecord");
            Name(shown, "System.Exception");
            if (errors.Count > 1) shown.Properties.Add(new PSNoteProperty("PSErrorIndex", i));
            WriteObject(shown);
        }
    }

    // Under this name the engine has a view that shows everything; under the plain one it has the short view.
    static void Name(PSObject shown, string type)
    {
        if (!shown.TypeNames.Contains(type) || shown.TypeNames.Contains(type + "#PSExtendedError")) return;
        shown.TypeNames.Insert(0, type + "#PSExtendedError");
        shown.TypeNames.Remove(type);
    }
}
