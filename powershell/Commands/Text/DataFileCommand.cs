// DataFileCommand.cs - Import-PowerShellDataFile.

using System;
using System.Collections.Generic;
using System.IO;
using System.Management.Automation;
using System.Management.Automation.Language;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Reads hashtables from .psd1 files and runs nothing in them.</summary>
[Cmdlet(VerbsData.Import, "PowerShellDataFile", DefaultParameterSetName = "ByPath")]
[OutputType(typeof(System.Collections.Hashtable))]
public class ImportPowerShellDataFileCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = "ByPath")] [ValidateNotNullOrEmpty] public string[] Path { get; set; }

    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = "ByLiteralPath")] [Alias("PSPath", "LP")] [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get => Path; set { _literal = true; Path = value; } }

    [Parameter] public SwitchParameter SkipLimitCheck { get; set; }

    bool _literal;

    protected override void ProcessRecord()
    {
        foreach (string path in Path)
        {
            string file = Files.Resolve(this, path, _literal);
            if (!File.Exists(file))
            {
                WriteError(new ErrorRecord(new ItemNotFoundException($"Cannot find path '{path}' because it does not exist."), "PathNotFound", ErrorCategory.ObjectNotFound, path));
                continue;
            }
            ScriptBlockAst script = Parser.ParseFile(file, out _, out ParseError[] errors);
            if (errors.Length > 0) Refuse(file, "CouldNotParseAsPowerShellDataFile");
            else if (script.Find(a => a is HashtableAst, false) is { } table) WriteObject(table.SafeGetValue(SkipLimitCheck));
            else Refuse(file, "CouldNotParseAsPowerShellDataFileNoHashtableRoot");
        }
    }

    void Refuse(string file, string id) => WriteError(new ErrorRecord(
        new InvalidOperationException($"The file '{file}' could not be parsed as a PowerShell Data File."), id, ErrorCategory.InvalidData, file));
}
