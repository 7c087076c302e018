// LogCommands.cs - what Octopus gives to scripts for their log and their outcome.

using System;
using System.Globalization;
using System.Management.Automation;

namespace Reactions.PowerShell;

/// <summary>A command of ours: it knows the run it works for.</summary>
public abstract class RunCommand : PSCmdlet
{
    internal static Run Run => Worker.Current ?? throw new InvalidOperationException("The run that this script belonged to is over.");
}

[Cmdlet(VerbsCommunications.Write, "Highlight")]
public sealed class WriteHighlightCommand : RunCommand
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true), AllowNull, AllowEmptyString] public string Message { get; set; }

    protected override void ProcessRecord() => Run.Log.Add(Level.Highlight, Message);
}

[Cmdlet(VerbsCommunications.Write, "Wait")]
public sealed class WriteWaitCommand : RunCommand
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true), AllowNull, AllowEmptyString] public string Message { get; set; }

    protected override void ProcessRecord() => Run.Log.Add(Level.Info, Message);
}

[Cmdlet(VerbsData.Update, "Progress")]
public sealed class UpdateProgressCommand : RunCommand
{
    [Parameter(Position = 0, Mandatory = true), ValidateRange(0, 100)] public int Percentage { get; set; }
    [Parameter(Position = 1)] public string Message { get; set; }

    protected override void ProcessRecord() =>
        Run.Log.Add(Level.Verbose, string.Create(CultureInfo.InvariantCulture, $"{Percentage} % {Message}").TrimEnd());
}

/// <summary>Ends the run as failed, with this message.</summary>
[Cmdlet("Fail", "Step")]
public sealed class FailStepCommand : RunCommand
{
    static readonly ScriptBlock Exit = ScriptBlock.Create("exit -1");

    [Parameter(Position = 0)] public string Message { get; set; }

    protected override void ProcessRecord()
    {
        Run.FailWith(string.IsNullOrEmpty(Message) ? "The script called Fail-Step." : Message);
        InvokeCommand.InvokeScript(false, Exit, null);
    }
}

[Cmdlet(VerbsCommon.Set, "OctopusVariable")]
public sealed class SetOctopusVariableCommand : RunCommand
{
    [Parameter(Position = 0, Mandatory = true)] public string Name { get; set; }
    [Parameter(Position = 1, Mandatory = true, ValueFromPipeline = true), AllowNull, AllowEmptyString] public string Value { get; set; }
    [Parameter] public SwitchParameter Sensitive { get; set; }

    protected override void ProcessRecord() => OutputVariables.Set(Run, Name, Value, Sensitive);
}

[Cmdlet(VerbsCommon.Set, "OctopusSensitiveVariable")]
public sealed class SetOctopusSensitiveVariableCommand : RunCommand
{
    [Parameter(Position = 0, Mandatory = true)] public string Name { get; set; }
    [Parameter(Position = 1, Mandatory = true, ValueFromPipeline = true), AllowNull, AllowEmptyString] public string Value { get; set; }

    protected override void ProcessRecord() => OutputVariables.Set(Run, Name, Value, true);
}

static class OutputVariables
{
    const int Maximum = 1000, MaximumBytes = 1 << 20;

    public static void Set(Run run, string name, string value, bool isSensitive)
    {
        if (isSensitive)
            run.Log.Mask(value);
        lock (run.OutputVariables)
        {
            if (run.OutputVariables.Count >= Maximum)
                throw new InvalidOperationException($"A run keeps at most {Maximum} output variables.");
            if ((value?.Length ?? 0) > MaximumBytes)
                throw new ArgumentException($"The value of the output variable '{name}' is longer than {MaximumBytes} characters.");
            run.OutputVariables[name] = value ?? string.Empty;
            if (isSensitive)
                run.SensitiveVariables.Add(name);
        }
    }
}
