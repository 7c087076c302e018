// WriteErrorCommand.cs - Write-Error.

using System;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>What Write-Error reports when it is given words only.</summary>
public class WriteErrorException : SystemException
{
    public WriteErrorException() : base("An error was reported with Write-Error.") { }
    public WriteErrorException(string message) : base(message) { }
    public WriteErrorException(string message, Exception inner) : base(message, inner) { }
}

/// <summary>Writes an error that does not end the script.</summary>
[Cmdlet(VerbsCommunications.Write, "Error", DefaultParameterSetName = "NoException")]
public sealed class WriteErrorCommand : PSCmdlet
{
    [Parameter(Position = 0, ParameterSetName = "WithException", Mandatory = true)] public Exception Exception { get; set; }

    [Parameter(Position = 0, ParameterSetName = "NoException", Mandatory = true, ValueFromPipeline = true)]
    [Parameter(ParameterSetName = "WithException")]
    [AllowNull] [AllowEmptyString] [Alias("Msg")]
    public string Message { get; set; }

    [Parameter(Position = 0, ParameterSetName = "ErrorRecord", Mandatory = true)] public ErrorRecord ErrorRecord { get; set; }

    [Parameter(ParameterSetName = "NoException")] [Parameter(ParameterSetName = "WithException")] public ErrorCategory Category { get; set; }
    [Parameter(ParameterSetName = "NoException")] [Parameter(ParameterSetName = "WithException")] public string ErrorId { get; set; }
    [Parameter(ParameterSetName = "NoException")] [Parameter(ParameterSetName = "WithException")] public object TargetObject { get; set; }
    [Parameter] public string RecommendedAction { get; set; }
    [Parameter] [Alias("Activity")] public string CategoryActivity { get; set; }
    [Parameter] [Alias("Reason")] public string CategoryReason { get; set; }
    [Parameter] [Alias("TargetName")] public string CategoryTargetName { get; set; }
    [Parameter] [Alias("TargetType")] public string CategoryTargetType { get; set; }

    protected override void ProcessRecord()
    {
        ErrorRecord record = ErrorRecord != null ? new ErrorRecord(ErrorRecord, null) : NewRecord();
        if (!string.IsNullOrEmpty(RecommendedAction))
        {
            record.ErrorDetails ??= new ErrorDetails(record.ToString());
            record.ErrorDetails.RecommendedAction = RecommendedAction;
        }
        if (!string.IsNullOrEmpty(CategoryReason)) record.CategoryInfo.Reason = CategoryReason;
        if (!string.IsNullOrEmpty(CategoryTargetName)) record.CategoryInfo.TargetName = CategoryTargetName;
        if (!string.IsNullOrEmpty(CategoryTargetType)) record.CategoryInfo.TargetType = CategoryTargetType;

        // The script or function that called is what the reader of the error looks for.
        if (GetVariableValue("MyInvocation") is InvocationInfo caller)
        {
            Inside.SetInvocationInfo(record, caller);
            Inside.SetPreserveInvocationInfoOnce(record, true);
            record.CategoryInfo.Activity = "Write-Error";
        }
        if (!string.IsNullOrEmpty(CategoryActivity)) record.CategoryInfo.Activity = CategoryActivity;
        WriteError(record);
    }

    ErrorRecord NewRecord()
    {
        Exception e = Exception ?? new WriteErrorException(Message);
        var record = new ErrorRecord(e, string.IsNullOrEmpty(ErrorId) ? e.GetType().FullName : ErrorId, Category, TargetObject);
        if (Exception != null && !string.IsNullOrEmpty(Message)) record.ErrorDetails = new ErrorDetails(Message);
        return record;
    }
}
