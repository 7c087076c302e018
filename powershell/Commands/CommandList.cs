// CommandList.cs - every command of ours: its name, its class, and the module full PowerShell keeps it in.

using System;
using Microsoft.PowerShell.Commands;

namespace Reactions.PowerShell;

internal static class CommandList
{
    internal readonly record struct Entry(string Name, Type Type, string Module);
    internal readonly record struct Alias(string Name, string Definition);

    const string Utility = "Microsoft.PowerShell.Utility", Management = "Microsoft.PowerShell.Management", Security = "Microsoft.PowerShell.Security", Archive = "Microsoft.PowerShell.Archive";

    internal static readonly Entry[] Cmdlets = [
        // Streams
        new("Write-Output", typeof(WriteOutputCommand), Utility),
        new("Write-Host", typeof(WriteHostCommand), Utility),
        new("Write-Error", typeof(WriteErrorCommand), Utility),
        new("Write-Warning", typeof(WriteWarningCommand), Utility),
        new("Write-Verbose", typeof(WriteVerboseCommand), Utility),
        new("Write-Debug", typeof(WriteDebugCommand), Utility),
        new("Write-Information", typeof(WriteInformationCommand), Utility),
        new("Write-Progress", typeof(WriteProgressCommand), Utility),
        // JSON
        new("ConvertFrom-Json", typeof(ConvertFromJsonCommand), Utility),
        new("ConvertTo-Json", typeof(ConvertToJsonCommand), Utility),
        new("Test-Json", typeof(TestJsonCommand), Utility),
        // Objects
        new("Select-Object", typeof(SelectObjectCommand), Utility),
        new("Sort-Object", typeof(SortObjectCommand), Utility),
        new("Group-Object", typeof(GroupObjectCommand), Utility),
        new("Measure-Object", typeof(MeasureObjectCommand), Utility),
        new("Compare-Object", typeof(CompareObjectCommand), Utility),
        new("Get-Unique", typeof(GetUniqueCommand), Utility),
        new("Tee-Object", typeof(TeeObjectCommand), Utility),
        new("Join-String", typeof(JoinStringCommand), Utility),
        new("Get-Member", typeof(GetMemberCommand), Utility),
        new("Add-Member", typeof(AddMemberCommand), Utility),
        new("New-Object", typeof(NewObjectCommand), Utility),
        // Web
        new("Invoke-RestMethod", typeof(InvokeRestMethodCommand), Utility),
        new("Invoke-WebRequest", typeof(InvokeWebRequestCommand), Utility),
        // Items, content, paths
        new("Get-Content", typeof(GetContentCommand), Management),
        new("Set-Content", typeof(SetContentCommand), Management),
        new("Add-Content", typeof(AddContentCommand), Management),
        new("Clear-Content", typeof(ClearContentCommand), Management),
        new("Get-Item", typeof(GetItemCommand), Management),
        new("Get-ChildItem", typeof(GetChildItemCommand), Management),
        new("Set-Item", typeof(SetItemCommand), Management),
        new("New-Item", typeof(NewItemCommand), Management),
        new("Remove-Item", typeof(RemoveItemCommand), Management),
        new("Copy-Item", typeof(CopyItemCommand), Management),
        new("Move-Item", typeof(MoveItemCommand), Management),
        new("Rename-Item", typeof(RenameItemCommand), Management),
        new("Clear-Item", typeof(ClearItemCommand), Management),
        new("Invoke-Item", typeof(InvokeItemCommand), Management),
        new("Test-Path", typeof(TestPathCommand), Management),
        new("Join-Path", typeof(JoinPathCommand), Management),
        new("Split-Path", typeof(SplitPathCommand), Management),
        new("Resolve-Path", typeof(ResolvePathCommand), Management),
        new("Convert-Path", typeof(ConvertPathCommand), Management),
        new("Get-Location", typeof(GetLocationCommand), Management),
        new("Set-Location", typeof(SetLocationCommand), Management),
        new("Push-Location", typeof(PushLocationCommand), Management),
        new("Pop-Location", typeof(PopLocationCommand), Management),
        new("Get-ItemProperty", typeof(GetItemPropertyCommand), Management),
        new("Get-ItemPropertyValue", typeof(GetItemPropertyValueCommand), Management),
        new("Set-ItemProperty", typeof(SetItemPropertyCommand), Management),
        new("New-ItemProperty", typeof(NewItemPropertyCommand), Management),
        new("Remove-ItemProperty", typeof(RemoveItemPropertyCommand), Management),
        new("Clear-ItemProperty", typeof(ClearItemPropertyCommand), Management),
        new("Rename-ItemProperty", typeof(RenameItemPropertyCommand), Management),
        new("Copy-ItemProperty", typeof(CopyItemPropertyCommand), Management),
        new("Move-ItemProperty", typeof(MoveItemPropertyCommand), Management),
        new("Get-PSDrive", typeof(GetPSDriveCommand), Management),
        new("New-PSDrive", typeof(NewPSDriveCommand), Management),
        new("Remove-PSDrive", typeof(RemovePSDriveCommand), Management),
        new("Get-PSProvider", typeof(GetPSProviderCommand), Management),
        // Formatting and output
        new("Format-Table", typeof(FormatTableCommand), Utility),
        new("Format-List", typeof(FormatListCommand), Utility),
        new("Format-Wide", typeof(FormatWideCommand), Utility),
        new("Format-Custom", typeof(FormatCustomCommand), Utility),
        new("Format-Hex", typeof(FormatHex), Utility),
        new("Out-String", typeof(OutStringCommand), Utility),
        new("Out-File", typeof(OutFileCommand), Utility),
        // Dates and chance
        new("Get-Date", typeof(GetDateCommand), Utility),
        new("New-TimeSpan", typeof(NewTimeSpanCommand), Utility),
        new("Start-Sleep", typeof(StartSleepCommand), Utility),
        new("Measure-Command", typeof(MeasureCommandCommand), Utility),
        new("Get-TimeZone", typeof(GetTimeZoneCommand), Management),
        new("Get-Uptime", typeof(GetUptimeCommand), Utility),
        new("Get-Random", typeof(GetRandomCommand), Utility),
        new("Get-SecureRandom", typeof(GetSecureRandomCommand), Utility),
        new("New-Guid", typeof(NewGuidCommand), Utility),
        // Text
        new("Select-String", typeof(SelectStringCommand), Utility),
        new("ConvertTo-Csv", typeof(ConvertToCsvCommand), Utility),
        new("Export-Csv", typeof(ExportCsvCommand), Utility),
        new("ConvertFrom-Csv", typeof(ConvertFromCsvCommand), Utility),
        new("Import-Csv", typeof(ImportCsvCommand), Utility),
        new("ConvertFrom-StringData", typeof(ConvertFromStringDataCommand), Utility),
        new("Import-PowerShellDataFile", typeof(ImportPowerShellDataFileCommand), Utility),
        new("Select-Xml", typeof(SelectXmlCommand), Utility),
        new("ConvertTo-Xml", typeof(ConvertToXmlCommand), Utility),
        new("ConvertTo-Html", typeof(ConvertToHtmlCommand), Utility),
        new("Export-Clixml", typeof(ExportClixmlCommand), Utility),
        new("Import-Clixml", typeof(ImportClixmlCommand), Utility),
        new("ConvertTo-CliXml", typeof(ConvertToClixmlCommand), Utility),
        new("ConvertFrom-CliXml", typeof(ConvertFromClixmlCommand), Utility),
        // The system, the script, the session
        new("Get-Process", typeof(GetProcessCommand), Management),
        new("Stop-Process", typeof(StopProcessCommand), Management),
        new("Wait-Process", typeof(WaitProcessCommand), Management),
        new("Start-Process", typeof(StartProcessCommand), Management),
        new("Invoke-Expression", typeof(InvokeExpressionCommand), Utility),
        new("Add-Type", typeof(AddTypeCommand), Utility),
        new("Get-PSCallStack", typeof(GetPSCallStackCommand), Utility),
        new("Get-Error", typeof(GetErrorCommand), Utility),
        new("Get-Culture", typeof(GetCultureCommand), Utility),
        new("Get-UICulture", typeof(GetUICultureCommand), Utility),
        new("Get-Host", typeof(GetHostCommand), Utility),
        new("Read-Host", typeof(ReadHostCommand), Utility),
        new("Get-Verb", typeof(GetVerbCommand), Utility),
        new("New-TemporaryFile", typeof(NewTemporaryFileCommand), Utility),
        new("Unblock-File", typeof(UnblockFileCommand), Utility),
        new("Get-FileHash", typeof(GetFileHashCommand), Utility),
        new("Update-TypeData", typeof(UpdateTypeDataCommand), Utility),
        new("Get-TypeData", typeof(GetTypeDataCommand), Utility),
        new("Remove-TypeData", typeof(RemoveTypeDataCommand), Utility),
        new("Register-ObjectEvent", typeof(RegisterObjectEventCommand), Utility),
        new("Register-EngineEvent", typeof(RegisterEngineEventCommand), Utility),
        new("New-Event", typeof(NewEventCommand), Utility),
        new("Get-Event", typeof(GetEventCommand), Utility),
        new("Remove-Event", typeof(RemoveEventCommand), Utility),
        new("Wait-Event", typeof(WaitEventCommand), Utility),
        new("Get-EventSubscriber", typeof(GetEventSubscriberCommand), Utility),
        new("Unregister-Event", typeof(UnregisterEventCommand), Utility),
        // Archives
        new("Compress-Archive", typeof(CompressArchiveCommand), Archive),
        new("Expand-Archive", typeof(ExpandArchiveCommand), Archive),
        // Security
        new("ConvertTo-SecureString", typeof(ConvertToSecureStringCommand), Security),
        new("ConvertFrom-SecureString", typeof(ConvertFromSecureStringCommand), Security),
        new("Get-Credential", typeof(GetCredentialCommand), Security),
        new("Get-ExecutionPolicy", typeof(GetExecutionPolicyCommand), Security),
        new("Set-ExecutionPolicy", typeof(SetExecutionPolicyCommand), Security),
        // Variables and aliases
        new("Get-Variable", typeof(GetVariableCommand), Utility),
        new("New-Variable", typeof(NewVariableCommand), Utility),
        new("Set-Variable", typeof(SetVariableCommand), Utility),
        new("Clear-Variable", typeof(ClearVariableCommand), Utility),
        new("Remove-Variable", typeof(RemoveVariableCommand), Utility),
        new("Get-Alias", typeof(GetAliasCommand), Utility),
        new("New-Alias", typeof(NewAliasCommand), Utility),
        new("Set-Alias", typeof(SetAliasCommand), Utility),
        new("Remove-Alias", typeof(RemoveAliasCommand), Utility),
    ];

    // Those the engine's own table has not.
    internal static readonly Alias[] Aliases = [
        new("gtz", "Get-TimeZone"), new("fhx", "Format-Hex"),
    ];
}
