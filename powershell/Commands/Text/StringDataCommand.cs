// StringDataCommand.cs - ConvertFrom-StringData.

using System;
using System.Collections;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace Microsoft.PowerShell.Commands;

/// <summary>Makes a hashtable from lines of name=value.</summary>
[Cmdlet(VerbsData.ConvertFrom, "StringData")]
[OutputType(typeof(Hashtable))]
public sealed class ConvertFromStringDataCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowEmptyString] public string StringData { get; set; }
    [Parameter(Position = 1)] public char Delimiter { get; set; } = '=';

    protected override void ProcessRecord()
    {
        var made = new Hashtable(StringComparer.OrdinalIgnoreCase);
        foreach (string raw in (StringData ?? string.Empty).Split('\n'))
        {
            string line = raw.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            int at = line.IndexOf(Delimiter);
            if (at <= 0)
                throw new PSInvalidOperationException($"Data line '{line}' is not in 'name{Delimiter}value' format.");
            string name = line[..at].Trim();
            if (made.ContainsKey(name))
                throw new PSInvalidOperationException($"Data item '{name}' in line '{line}' is already defined. ");
            made.Add(name, Regex.Unescape(line[(at + 1)..].Trim()));
        }
        WriteObject(made);
    }
}
