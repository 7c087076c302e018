// PipelineCommands.cs - Get-Unique, Tee-Object, Join-String.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Text;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Leaves out objects that equal the one before.</summary>
[Cmdlet(VerbsCommon.Get, "Unique", DefaultParameterSetName = "AsString")]
public sealed class GetUniqueCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] [AllowNull] public PSObject InputObject { get; set; } = AutomationNull.Value;
    [Parameter(ParameterSetName = "AsString")] public SwitchParameter AsString { get; set; }
    [Parameter(ParameterSetName = "UniqueByType")] public SwitchParameter OnType { get; set; }
    [Parameter] public SwitchParameter CaseInsensitive { get; set; }

    PSObject _last;

    protected override void ProcessRecord()
    {
        if (_last != null && IsSame()) return;
        _last = InputObject;
        WriteObject(InputObject);
    }

    bool IsSame()
    {
        if (OnType) return InputObject?.TypeNames.FirstOrDefault() == _last.TypeNames.FirstOrDefault();
        if (AsString) return string.Equals(InputObject?.ToString(), _last.ToString(), CaseInsensitive ? StringComparison.CurrentCultureIgnoreCase : StringComparison.CurrentCulture);
        return new ValueComparer(!CaseInsensitive).Compare(InputObject, _last) == 0;
    }
}

/// <summary>Keeps what passes in a file or a variable.</summary>
[Cmdlet("Tee", "Object", DefaultParameterSetName = "File")]
public sealed class TeeObjectCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; } = AutomationNull.Value;
    [Parameter(Position = 0, ParameterSetName = "File", Mandatory = true)] [Alias("Path")] public string FilePath { get; set; }
    [Parameter(ParameterSetName = "LiteralFile", Mandatory = true)] [Alias("PSPath", "LP")] public string LiteralPath { get; set; }
    [Parameter(ParameterSetName = "File")] [Parameter(ParameterSetName = "LiteralFile")] [Parameter(ParameterSetName = "Variable")] public SwitchParameter Append { get; set; }
    [Parameter(ParameterSetName = "File")] [Parameter(ParameterSetName = "LiteralFile")] [EncodingArgument] public Encoding Encoding { get; set; }
    [Parameter(ParameterSetName = "Variable", Mandatory = true)] public string Variable { get; set; }

    SteppablePipeline _file;
    List<object> _kept;

    protected override void BeginProcessing()
    {
        if (Variable != null)
        {
            _kept = [];
            if (Append && SessionState.PSVariable.GetValue(Variable) is { } before)
                _kept.AddRange(LanguagePrimitives.GetEnumerable(before)?.Cast<object>() ?? [before]);
            return;
        }
        var arguments = new System.Collections.Hashtable { [FilePath != null ? "FilePath" : "LiteralPath"] = FilePath ?? LiteralPath, ["Append"] = (bool)Append };
        if (Encoding != null) arguments["Encoding"] = Encoding;
        _file = InvokeCommand.NewScriptBlock("param($file) Microsoft.PowerShell.Utility\\Out-File @file").GetSteppablePipeline(MyInvocation.CommandOrigin, [arguments]);
        _file.Begin(true);
    }

    protected override void ProcessRecord()
    {
        _kept?.Add(InputObject);
        _file?.Process(InputObject);
        WriteObject(InputObject);
    }

    protected override void EndProcessing()
    {
        _file?.End();
        // With nothing to keep, a variable that is there stays as it is.
        if (_kept != null && (_kept.Count > 0 || SessionState.PSVariable.Get(Variable) == null))
            SessionState.PSVariable.Set(Variable, _kept.Count == 1 ? _kept[0] : _kept.Count == 0 ? null : _kept.ToArray());
    }
}

/// <summary>Joins objects into one string.</summary>
[Cmdlet(VerbsCommon.Join, "String", DefaultParameterSetName = "Default")]
[OutputType(typeof(string))]
public sealed class JoinStringCommand : PSCmdlet
{
    [Parameter(Position = 0)] public PSPropertyExpression Property { get; set; }
    [Parameter(Position = 1)] [AllowEmptyString] public string Separator { get; set; }
    [Parameter] [Alias("op")] public string OutputPrefix { get; set; }
    [Parameter] [Alias("os")] public string OutputSuffix { get; set; }
    [Parameter(ParameterSetName = "SingleQuote")] public SwitchParameter SingleQuote { get; set; }
    [Parameter(ParameterSetName = "DoubleQuote")] public SwitchParameter DoubleQuote { get; set; }
    [Parameter(ParameterSetName = "Format")] [ValidateNotNullOrEmpty] public string FormatString { get; set; }
    [Parameter] public SwitchParameter UseCulture { get; set; }
    [Parameter(ValueFromPipeline = true)] public PSObject[] InputObject { get; set; }

    readonly List<string> _parts = [];
    IFormatProvider _culture = CultureInfo.InvariantCulture;

    protected override void BeginProcessing()
    {
        if (UseCulture) _culture = CultureInfo.CurrentCulture;
        Separator ??= LanguagePrimitives.ConvertTo<string>(GetVariableValue("OFS")) ?? string.Empty;
    }

    protected override void ProcessRecord()
    {
        foreach (PSObject o in InputObject ?? [])
        {
            if (o == null || o == AutomationNull.Value) continue;
            // An object without the property keeps its place.
            _parts.Add(Text(Property == null ? o : Property.GetValues(o, false, true).FirstOrDefault()?.Result));
        }
    }

    string Text(object value)
    {
        if (FormatString != null) return string.Format(_culture, FormatString, Objects.Base(value));
        string text = value == null ? string.Empty : PSObject.AsPSObject(value).ToString(null, _culture);
        return SingleQuote ? $"'{text}'" : DoubleQuote ? $"\"{text}\"" : text;
    }

    protected override void EndProcessing() => WriteObject(OutputPrefix + string.Join(Separator, _parts) + OutputSuffix);
}
