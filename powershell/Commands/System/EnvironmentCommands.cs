// EnvironmentCommands.cs - Get-Culture, Get-UICulture, Get-Host, Read-Host, Get-Verb, New-TemporaryFile, Unblock-File,
// Get-ExecutionPolicy, Set-ExecutionPolicy.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Security;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets the culture of this session, or others.</summary>
[Cmdlet(VerbsCommon.Get, "Culture", DefaultParameterSetName = "CurrentCulture")]
[OutputType(typeof(CultureInfo))]
public sealed class GetCultureCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "Name", Position = 0, ValueFromPipeline = true)] [ValidateNotNullOrEmpty] public string[] Name { get; set; }
    [Parameter(ParameterSetName = "CurrentCulture")] [Parameter(ParameterSetName = "Name")] public SwitchParameter NoUserOverrides { get; set; }
    [Parameter(ParameterSetName = "ListAvailable")] public SwitchParameter ListAvailable { get; set; }

    protected override void ProcessRecord()
    {
        if (ListAvailable) WriteObject(CultureInfo.GetCultures(CultureTypes.AllCultures), true);
        else if (Name == null) WriteObject(Host.CurrentCulture);
        else
            foreach (string name in Name)
            {
                try { WriteObject(CultureInfo.GetCultureInfo(name)); }
                catch (CultureNotFoundException e) { WriteError(new ErrorRecord(e, "ItemNotFoundException", ErrorCategory.ObjectNotFound, name)); }
            }
    }
}

/// <summary>Gets the culture of texts.</summary>
[Cmdlet(VerbsCommon.Get, "UICulture")]
[OutputType(typeof(CultureInfo))]
public sealed class GetUICultureCommand : PSCmdlet
{
    protected override void BeginProcessing() => WriteObject(Host.CurrentUICulture);
}

/// <summary>Gets the host program.</summary>
[Cmdlet(VerbsCommon.Get, "Host")]
[OutputType(typeof(System.Management.Automation.Host.PSHost))]
public class GetHostCommand : PSCmdlet
{
    protected override void BeginProcessing() => WriteObject(Host);
}

/// <summary>Asks the person at the console; a host without one refuses.</summary>
[Cmdlet(VerbsCommunications.Read, "Host", DefaultParameterSetName = "AsString")]
[OutputType(typeof(string), typeof(SecureString))]
public sealed class ReadHostCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromRemainingArguments = true)] [AllowNull] public object Prompt { get; set; }
    [Parameter(ParameterSetName = "AsSecureString")] public SwitchParameter AsSecureString { get; set; }
    [Parameter(ParameterSetName = "AsString")] public SwitchParameter MaskInput { get; set; }

    protected override void BeginProcessing()
    {
        if (Prompt != null) Host.UI.Write(LanguagePrimitives.ConvertTo<string>(Prompt) + ": ");
        if (AsSecureString) WriteObject(Host.UI.ReadLineAsSecureString());
        else if (MaskInput) WriteObject(new System.Net.NetworkCredential("", Host.UI.ReadLineAsSecureString()).Password);
        else WriteObject(Host.UI.ReadLine());
    }
}

/// <summary>Gets the approved verbs.</summary>
[Cmdlet(VerbsCommon.Get, "Verb")]
[OutputType(typeof(VerbInfo))]
public class GetVerbCommand : Cmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true)] public string[] Verb { get; set; }
    [Parameter(Position = 1)] public string[] Group { get; set; }

    protected override void ProcessRecord()
    {
        Type[] groups = [typeof(VerbsCommon), typeof(VerbsCommunications), typeof(VerbsData), typeof(VerbsDiagnostic), typeof(VerbsLifecycle), typeof(VerbsSecurity), typeof(VerbsOther)];
        foreach (Type type in groups)
        {
            string group = type.Name["Verbs".Length..];
            if (Group != null && !Group.Contains(group, StringComparer.OrdinalIgnoreCase)) continue;
            foreach (string verb in type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => f.Name).Order(StringComparer.Ordinal))
                if (Verb == null || Verb.Any(v => WildcardPattern.Get(v, WildcardOptions.IgnoreCase).IsMatch(verb)))
                    WriteObject(Inside.NewVerb(verb, group));
        }
    }
}

/// <summary>Makes an empty file with a name of its own.</summary>
[Cmdlet(VerbsCommon.New, "TemporaryFile", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public class NewTemporaryFileCommand : Cmdlet
{
    protected override void EndProcessing()
    {
        if (!ShouldProcess(Path.GetTempPath())) return;
        try { WriteObject(new FileInfo(Path.GetTempFileName())); }
        catch (IOException e) { ThrowTerminatingError(new ErrorRecord(e, "NewTemporaryFileWriteError", ErrorCategory.WriteError, Path.GetTempPath())); }
    }
}

/// <summary>Takes the mark of the internet from files; there is none on this platform, so nothing is to do.</summary>
[Cmdlet(VerbsSecurity.Unblock, "File", DefaultParameterSetName = "ByPath", SupportsShouldProcess = true)]
public sealed class UnblockFileCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "ByPath")] public string[] Path { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "ByLiteralPath", ValueFromPipelineByPropertyName = true)] [Alias("PSPath", "LP")] public string[] LiteralPath { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string path in Path ?? LiteralPath)
        {
            try
            {
                if (LiteralPath == null) SessionState.Path.GetResolvedProviderPathFromPSPath(path, out _);
                else if (!File.Exists(SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)))
                    throw new ItemNotFoundException($"Cannot find path '{path}' because it does not exist.");
            }
            catch (ItemNotFoundException e) { WriteError(new ErrorRecord(e, "FileNotFound", ErrorCategory.ObjectNotFound, path)); }
        }
    }
}

/// <summary>Gets the execution policy, which this platform does not have.</summary>
[Cmdlet(VerbsCommon.Get, "ExecutionPolicy")]
[OutputType(typeof(ExecutionPolicy))]
public class GetExecutionPolicyCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)] public ExecutionPolicyScope Scope { get; set; }
    [Parameter] public SwitchParameter List { get; set; }

    protected override void BeginProcessing()
    {
        if (!List)
        {
            WriteObject(ExecutionPolicy.Unrestricted);
            return;
        }
        foreach (ExecutionPolicyScope scope in new[] { ExecutionPolicyScope.MachinePolicy, ExecutionPolicyScope.UserPolicy, ExecutionPolicyScope.Process, ExecutionPolicyScope.CurrentUser, ExecutionPolicyScope.LocalMachine })
        {
            var line = new PSObject();
            line.Properties.Add(new PSNoteProperty("Scope", scope));
            line.Properties.Add(new PSNoteProperty("ExecutionPolicy", ExecutionPolicy.Unrestricted));
            WriteObject(line);
        }
    }
}

/// <summary>Refuses, as it does on this platform.</summary>
[Cmdlet(VerbsCommon.Set, "ExecutionPolicy", SupportsShouldProcess = true)]
public class SetExecutionPolicyCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)] public ExecutionPolicy ExecutionPolicy { get; set; }
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)] public ExecutionPolicyScope Scope { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    protected override void BeginProcessing() => throw new PlatformNotSupportedException("Operation is not supported on this platform.");
}
