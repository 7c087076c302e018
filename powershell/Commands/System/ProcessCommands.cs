// ProcessCommands.cs - Get-, Stop-, Wait-Process.

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Threading;
using System.Threading.Tasks;

namespace Microsoft.PowerShell.Commands;

/// <summary>A process that is not there, or cannot be asked or ended.</summary>
public class ProcessCommandException : SystemException
{
    public ProcessCommandException() { }
    public ProcessCommandException(string message) : base(message) { }
    public ProcessCommandException(string message, Exception inner) : base(message, inner) { }
    public string ProcessName { get; set; }
}

public abstract class ProcessBaseCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "InputObject", Mandatory = true, ValueFromPipeline = true)] public virtual Process[] InputObject { get; set; }

    internal string[] Names;
    internal int[] Ids;

    // The processes meant; what is not found is an error of its own.
    internal IEnumerable<Process> Matching()
    {
        if (InputObject != null) return InputObject;
        return (Ids != null ? Ids.Select(ById).Where(p => p != null) : (Names ?? ["*"]).SelectMany(ByName))
            .DistinctBy(p => p.Id).OrderBy(NameOf, StringComparer.OrdinalIgnoreCase).ThenBy(p => p.Id).ToList();
    }

    Process ById(int id)
    {
        try { return Process.GetProcessById(id); }
        catch (ArgumentException e)
        {
            WriteNotFound($"Cannot find a process with the process identifier {id}.", id.ToString(), "NoProcessFoundForGivenId", id, e);
            return null;
        }
    }

    IEnumerable<Process> ByName(string name)
    {
        WildcardPattern pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
        List<Process> found = Process.GetProcesses().Where(p => pattern.IsMatch(NameOf(p))).ToList();
        if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            WriteNotFound($"Cannot find a process with the name \"{name}\". Verify the process name and call the cmdlet again." + (int.TryParse(name, out int id) && id >= 0 ? " To search by identifier, use the Id parameter." : ""),
                name, int.TryParse(name, out id) && id >= 0 ? "RecommendIdTagForGivenName" : "NoProcessFoundForGivenName", name, null);
        return found;
    }

    void WriteNotFound(string why, string name, string id, object target, Exception inner) =>
        WriteError(new ErrorRecord(new ProcessCommandException(why, inner) { ProcessName = name }, id, ErrorCategory.ObjectNotFound, target));

    internal static string NameOf(Process p)
    {
        try { return p.ProcessName; }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or NotSupportedException) { return string.Empty; }
    }
}

/// <summary>Gets processes of this machine.</summary>
[Cmdlet(VerbsCommon.Get, "Process", DefaultParameterSetName = "Name")]
[OutputType(typeof(Process))]
public sealed class GetProcessCommand : ProcessBaseCommand
{
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipelineByPropertyName = true)] [Parameter(Position = 0, ParameterSetName = "NameWithUserName", ValueFromPipelineByPropertyName = true)]
    [Alias("ProcessName")] [ValidateNotNullOrEmpty]
    public string[] Name { get => Names; set => Names = value; }

    [Parameter(ParameterSetName = "Id", Mandatory = true, ValueFromPipelineByPropertyName = true)] [Parameter(ParameterSetName = "IdWithUserName", Mandatory = true, ValueFromPipelineByPropertyName = true)] [Alias("PID")]
    public int[] Id { get => Ids; set => Ids = value; }

    [Parameter(ParameterSetName = "InputObject", Mandatory = true, ValueFromPipeline = true)] [Parameter(ParameterSetName = "InputObjectWithUserName", Mandatory = true, ValueFromPipeline = true)]
    public override Process[] InputObject { get => base.InputObject; set => base.InputObject = value; }

    [Parameter(ParameterSetName = "NameWithUserName", Mandatory = true)] [Parameter(ParameterSetName = "IdWithUserName", Mandatory = true)] [Parameter(ParameterSetName = "InputObjectWithUserName", Mandatory = true)]
    public SwitchParameter IncludeUserName { get; set; }

    [Parameter(ParameterSetName = "Name")] [Parameter(ParameterSetName = "Id")] [Parameter(ParameterSetName = "InputObject")] public SwitchParameter Module { get; set; }
    [Parameter(ParameterSetName = "Name")] [Parameter(ParameterSetName = "Id")] [Parameter(ParameterSetName = "InputObject")] [Alias("FV", "FVI")] public SwitchParameter FileVersionInfo { get; set; }

    protected override void ProcessRecord()
    {
        foreach (Process p in Matching())
        {
            try
            {
                if (Module) WriteObject(p.Modules, true);
                else if (FileVersionInfo) WriteObject(p.MainModule?.FileVersionInfo);
                else WriteObject(IncludeUserName ? WithUserName(p) : p);
            }
            catch (Exception e) when (e is Win32Exception or InvalidOperationException)
            {
                WriteError(new ErrorRecord(new ProcessCommandException($"Cannot enumerate the modules of the \"{NameOf(p)}\" process.", e), "CouldNotEnumerateModules", ErrorCategory.PermissionDenied, p));
            }
        }
    }

    static PSObject WithUserName(Process p)
    {
        PSObject o = PSObject.AsPSObject(p);
        o.Properties.Remove("UserName");
        o.Properties.Add(new PSNoteProperty("UserName", UserName(p.Id)), true);
        if (!o.TypeNames.Contains("System.Diagnostics.Process#IncludeUserName")) o.TypeNames.Insert(0, "System.Diagnostics.Process#IncludeUserName");
        return o;
    }

    // The kernel knows the number of the user a process runs as, the system's list of users the name; null where either is unknown.
    static string UserName(int id)
    {
        try
        {
            string number = File.ReadLines($"/proc/{id}/status").FirstOrDefault(l => l.StartsWith("Uid:", StringComparison.Ordinal))?.Split('\t')[1];
            return File.ReadLines("/etc/passwd").Select(l => l.Split(':')).FirstOrDefault(f => f.Length > 2 && f[2] == number)?[0];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}

/// <summary>Ends processes.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Process", DefaultParameterSetName = "Id", SupportsShouldProcess = true)]
[OutputType(typeof(Process))]
public sealed class StopProcessCommand : ProcessBaseCommand
{
    [Parameter(ParameterSetName = "Name", Mandatory = true, ValueFromPipelineByPropertyName = true)] [Alias("ProcessName")]
    public string[] Name { get => Names; set => Names = value; }

    [Parameter(Position = 0, ParameterSetName = "Id", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public int[] Id { get => Ids; set => Ids = value; }

    [Parameter(Position = 0, ParameterSetName = "InputObject", Mandatory = true, ValueFromPipeline = true)]
    public override Process[] InputObject { get => base.InputObject; set => base.InputObject = value; }

    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        foreach (Process p in Matching())
        {
            string name = NameOf(p);
            if (!ShouldProcess($"{name} ({p.Id})")) continue;
            try
            {
                if (!p.HasExited) p.Kill();
            }
            catch (Exception e) when (e is Win32Exception or InvalidOperationException)
            {
                if (!HasExited(p))
                {
                    WriteError(new ErrorRecord(new ProcessCommandException($"Cannot stop process \"{name} ({p.Id})\" because of the following error: {e.Message}", e) { ProcessName = name },
                        "CouldNotStopProcess", ErrorCategory.CloseError, p));
                    continue;
                }
            }
            if (PassThru) WriteObject(p);
        }
    }

    static bool HasExited(Process p)
    {
        try { return p.HasExited; }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException) { return false; }
    }
}

/// <summary>Waits until processes have ended.</summary>
[Cmdlet(VerbsLifecycle.Wait, "Process", DefaultParameterSetName = "Name")]
[OutputType(typeof(Process))]
public sealed class WaitProcessCommand : ProcessBaseCommand
{
    [Parameter(ParameterSetName = "Id", Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)] [Alias("PID", "ProcessId")]
    public int[] Id { get => Ids; set => Ids = value; }

    [Parameter(ParameterSetName = "Name", Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)] [Alias("ProcessName")]
    public string[] Name { get => Names; set => Names = value; }

    [Parameter(Position = 1)] [Alias("TimeoutSec")] [ValidateRange(0, 32767)] public int Timeout { get; set; } = -1;
    [Parameter] public SwitchParameter Any { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    readonly List<Process> _all = [];
    readonly CancellationTokenSource _stop = new();

    protected override void ProcessRecord() => _all.AddRange(Matching());
    protected override void StopProcessing() => _stop.Cancel();

    protected override void EndProcessing()
    {
        foreach (Process p in _all.Where(p => p.Id == Environment.ProcessId).ToList())
        {
            WriteError(new ErrorRecord(new ProcessCommandException("This command cannot wait on itself."), "WaitOnItself", ErrorCategory.ObjectNotFound, p));
            _all.Remove(p);
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (Timeout >= 0) limit.CancelAfter(TimeSpan.FromSeconds(Timeout));
        try
        {
            var waits = _all.Select(p => p.WaitForExitAsync(limit.Token)).ToArray();
            if (waits.Length > 0) (Any ? Task.WhenAny(waits).Unwrap() : Task.WhenAll(waits)).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            foreach (Process p in _all.Where(p => !p.HasExited))
                WriteError(new ErrorRecord(new TimeoutException($"This command stopped operation because process \"{NameOf(p)} ({p.Id})\" is not stopped in the specified time-out."),
                    "ProcessNotTerminated", ErrorCategory.CloseError, p));
        }
        if (PassThru) WriteObject(_all, true);
    }
}
