// FormatCommands.cs - Format-Table, Format-List, Format-Wide, Format-Custom.

using System.Management.Automation;
using Microsoft.PowerShell.Commands.Internal.Format;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Formats objects as a table.</summary>
[Cmdlet(VerbsCommon.Format, "Table")]
public class FormatTableCommand : OuterFormatTableBase
{
    public FormatTableCommand() => Formatting.Shaped(this, Formatting.Shape.Table);
}

/// <summary>Formats objects as a list of their properties.</summary>
[Cmdlet(VerbsCommon.Format, "List")]
public class FormatListCommand : OuterFormatTableAndListBase
{
    public FormatListCommand() => Formatting.Shaped(this, Formatting.Shape.List);
}

/// <summary>Formats one property of each object, in columns.</summary>
[Cmdlet(VerbsCommon.Format, "Wide")]
public class FormatWideCommand : OuterFormatShapeCommandBase
{
    public FormatWideCommand() => Formatting.Shaped(this, Formatting.Shape.Wide);

    [Parameter(Position = 0)] public object Property { get; set; }
    [Parameter] public SwitchParameter AutoSize { get => _autosize ?? false; set => _autosize = value; }
    [Parameter] [ValidateRange(1, int.MaxValue)] public int Column { get => _column ?? -1; set => _column = value; }

    bool? _autosize;
    int? _column;

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Formatting.SetParameters(this, Formatting.Shape.Wide, Property == null ? null : [Property], _autosize, _column, 0);
    }
}

/// <summary>Formats objects with all that is in them.</summary>
[Cmdlet(VerbsCommon.Format, "Custom")]
public class FormatCustomCommand : OuterFormatShapeCommandBase
{
    public FormatCustomCommand() => Formatting.Shaped(this, Formatting.Shape.Complex);

    [Parameter(Position = 0)] public object[] Property { get; set; }
    [Parameter] [ValidateRange(1, int.MaxValue)] public int Depth { get; set; } = 5;

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Formatting.SetParameters(this, Formatting.Shape.Complex, Property, null, null, Depth);
    }
}
