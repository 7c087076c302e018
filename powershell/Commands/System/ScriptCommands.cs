// ScriptCommands.cs - Invoke-Expression, Add-Type, Get-PSCallStack.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;

namespace Microsoft.PowerShell.Commands;

/// <summary>Runs text as a script, in the caller's scope.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "Expression")]
public sealed class InvokeExpressionCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [ValidateTrustedData] public string Command { get; set; }

    protected override void ProcessRecord() =>
        InvokeCommand.InvokeScript(Command, false, PipelineResultTypes.Output | PipelineResultTypes.Error, null, []);
}

/// <summary>What Add-Type could compile to.</summary>
public enum OutputAssemblyType { Library, ConsoleApplication, WindowsApplication }

/// <summary>Loads .NET assemblies. What would need a C# compiler is refused.</summary>
[Cmdlet(VerbsCommon.Add, "Type", DefaultParameterSetName = "FromSource")]
[OutputType(typeof(Type))]
public sealed class AddTypeCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "FromSource")] public string TypeDefinition { get; set; }
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "FromMember")] public string Name { get; set; }
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "FromMember")] public string[] MemberDefinition { get; set; }
    [Parameter(ParameterSetName = "FromMember")] [AllowNull] [Alias("NS")] public string Namespace { get; set; }
    [Parameter(ParameterSetName = "FromMember")] [Alias("Using")] public string[] UsingNamespace { get; set; }
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "FromPath")] public string[] Path { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "FromLiteralPath")] [Alias("PSPath", "LP")] public string[] LiteralPath { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "FromAssemblyName")] [Alias("AN")] public string[] AssemblyName { get; set; }
    [Parameter(ParameterSetName = "FromSource")] [Parameter(ParameterSetName = "FromMember")] public string Language { get; set; } = "CSharp";
    [Parameter(ParameterSetName = "FromSource")] [Parameter(ParameterSetName = "FromMember")] [Parameter(ParameterSetName = "FromPath")] [Parameter(ParameterSetName = "FromLiteralPath")] [Alias("RA")] public string[] ReferencedAssemblies { get; set; }
    [Parameter(ParameterSetName = "FromSource")] [Parameter(ParameterSetName = "FromMember")] [Alias("OA")] public string OutputAssembly { get; set; }
    [Parameter(ParameterSetName = "FromSource")] [Parameter(ParameterSetName = "FromMember")] [Alias("OT")] public OutputAssemblyType OutputType { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] public SwitchParameter IgnoreWarnings { get; set; }
    [Parameter(ParameterSetName = "FromSource")] [Parameter(ParameterSetName = "FromMember")] public string[] CompilerOptions { get; set; }

    protected override void EndProcessing()
    {
        foreach (Assembly loaded in Assemblies())
            if (PassThru) WriteObject(loaded.GetExportedTypes(), true);
    }

    IEnumerable<Assembly> Assemblies() => ParameterSetName switch {
        "FromAssemblyName" => AssemblyName.Select(ByName).ToList(),
        "FromPath" => Path.SelectMany(p => SessionState.Path.GetResolvedProviderPathFromPSPath(p, out _)).Select(ByFile).ToList(),
        "FromLiteralPath" => LiteralPath.Select(p => ByFile(SessionState.Path.GetUnresolvedProviderPathFromPSPath(p))).ToList(),
        _ => RefuseSource() };

    Assembly[] RefuseSource()
    {
        ThrowTerminatingError(new ErrorRecord(
            new PSNotSupportedException("Add-Type cannot compile C# here: this script runs in the bundled engine, which has no compiler. Either install PowerShell 7 (pwsh) on this machine and let the reaction use it, write the class as a PowerShell class, or compile it to a DLL and load that with Add-Type -Path."),
            "CompilerNotAvailable", ErrorCategory.NotInstalled, TypeDefinition ?? Name));
        return [];
    }

    Assembly ByFile(string file)
    {
        if (!file.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) && !file.EndsWith(".exe", StringComparison.OrdinalIgnoreCase)) RefuseSource();
        return Assembly.LoadFrom(file);
    }

    Assembly ByName(string name)
    {
        bool isFile = name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        if (!name.Contains(System.IO.Path.DirectorySeparatorChar))
        {
            string simple = isFile ? name[..^4] : name;
            try { return Assembly.Load(new AssemblyName(simple)); }
            catch (Exception e) when (e is IOException or BadImageFormatException) { }
            // Names with a version of the old framework mean the assembly of today.
            if (simple.Contains(','))
            {
                try { return Assembly.Load(new AssemblyName(simple[..simple.IndexOf(',')])); }
                catch (Exception e) when (e is IOException or BadImageFormatException) { }
            }
        }
        string file = isFile ? name : name + ".dll";
        return Assembly.LoadFrom(SessionState.Path.GetResolvedProviderPathFromPSPath(file, out _).First());
    }
}

/// <summary>Gets the calls that led here.</summary>
[Cmdlet(VerbsCommon.Get, "PSCallStack")]
[OutputType(typeof(CallStackFrame))]
public class GetPSCallStackCommand : PSCmdlet
{
    protected override void ProcessRecord()
    {
        foreach (CallStackFrame frame in Runspace.DefaultRunspace.Debugger.GetCallStack()) WriteObject(frame);
    }
}
