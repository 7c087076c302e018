// WriteHostCommand.cs - Write-Host.

using System;
using System.Collections;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Xml;

namespace Microsoft.PowerShell.Commands;

/// <summary>Writes text for the person who reads the log: an information record tagged PSHOST.</summary>
[Cmdlet(VerbsCommunications.Write, "Host")]
public sealed class WriteHostCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromRemainingArguments = true)]
    [Alias("Msg", "Message")]
    public object Object { get; set; }

    [Parameter] public SwitchParameter NoNewline { get; set; }
    [Parameter] public object Separator { get; set; } = " ";
    [Parameter] public ConsoleColor? ForegroundColor { get; set; }
    [Parameter] public ConsoleColor? BackgroundColor { get; set; }

    protected override void ProcessRecord() => WriteInformation(
        new HostInformationMessage {
            Message = Text(Object) ?? string.Empty, NoNewLine = NoNewline.IsPresent,
            ForegroundColor = ForegroundColor, BackgroundColor = BackgroundColor },
        ["PSHOST"]);

    string Text(object o) => (o is PSObject wrapped ? wrapped.BaseObject : o) switch {
        null => null,
        string s => s,
        XmlNode node => node.Name,
        IEnumerable many => string.Join(Separator?.ToString(), many.Cast<object>().Select(Text)),
        _ => PSObject.AsPSObject(o).ToString(null, CultureInfo.InvariantCulture) };
}
