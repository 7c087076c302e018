// WriteStreamCommands.cs - Write-Warning, Write-Verbose, Write-Debug, Write-Information, Write-Progress.

using System;
using System.Linq;
using System.Management.Automation;

namespace Microsoft.PowerShell.Commands;

/// <summary>Writes a warning.</summary>
[Cmdlet(VerbsCommunications.Write, "Warning")]
public sealed class WriteWarningCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowEmptyString] [Alias("Msg")] public string Message { get; set; }
    protected override void ProcessRecord() => WriteWarning(Message);
}

/// <summary>Writes detail that shows when asked for.</summary>
[Cmdlet(VerbsCommunications.Write, "Verbose")]
public sealed class WriteVerboseCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowEmptyString] [Alias("Msg")] public string Message { get; set; }
    protected override void ProcessRecord() => WriteVerbose(Message);
}

/// <summary>Writes a message for whoever debugs the script.</summary>
[Cmdlet(VerbsCommunications.Write, "Debug")]
public sealed class WriteDebugCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowEmptyString] [Alias("Msg")] public string Message { get; set; }
    protected override void ProcessRecord() => WriteDebug(Message);
}

/// <summary>Writes an information record.</summary>
[Cmdlet(VerbsCommunications.Write, "Information")]
public sealed class WriteInformationCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [Alias("Msg", "Message")] [AllowNull] public object MessageData { get; set; }
    [Parameter(Position = 1)] public string[] Tags { get; set; }

    // Names that begin so are PowerShell's own, as PSHOST.
    protected override void BeginProcessing()
    {
        if (Tags?.FirstOrDefault(t => t.StartsWith("PS", StringComparison.OrdinalIgnoreCase)) is { } tag)
            ThrowTerminatingError(new ErrorRecord(new InvalidOperationException($"The tag '{tag}' cannot be used: the prefix 'PS' is reserved."),
                "PSPrefixReservedInInformationTag", ErrorCategory.InvalidArgument, tag));
    }

    protected override void ProcessRecord() => WriteInformation(MessageData, Tags ?? []);
}

/// <summary>Says how far a long task has come.</summary>
[Cmdlet(VerbsCommunications.Write, "Progress")]
public sealed class WriteProgressCommand : PSCmdlet
{
    [Parameter(Position = 0)] public string Activity { get; set; }
    [Parameter(Position = 1)] [ValidateNotNullOrEmpty] public string Status { get; set; } = "Processing";
    [Parameter(Position = 2)] [ValidateRange(0, int.MaxValue)] public int Id { get; set; }
    [Parameter] [ValidateRange(-1, 100)] public int PercentComplete { get; set; } = -1;
    [Parameter] public int SecondsRemaining { get; set; } = -1;
    [Parameter] public string CurrentOperation { get; set; }
    [Parameter] [ValidateRange(-1, int.MaxValue)] public int ParentId { get; set; } = -1;
    [Parameter] public SwitchParameter Completed { get; set; }
    [Parameter] public int SourceId { get; set; }

    protected override void ProcessRecord()
    {
        if (string.IsNullOrEmpty(Activity) && !Completed)
            ThrowTerminatingError(new ErrorRecord(new ArgumentException("Missing value for mandatory parameter.", nameof(Activity)),
                "MissingActivity", ErrorCategory.InvalidArgument, Activity));
        WriteProgress(new ProgressRecord(Id, string.IsNullOrEmpty(Activity) ? " " : Activity, Status) {
            ParentActivityId = ParentId, PercentComplete = PercentComplete, SecondsRemaining = SecondsRemaining,
            CurrentOperation = CurrentOperation, RecordType = Completed ? ProgressRecordType.Completed : ProgressRecordType.Processing });
    }
}
