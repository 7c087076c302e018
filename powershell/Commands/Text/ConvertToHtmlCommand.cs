// ConvertToHtmlCommand.cs - ConvertTo-Html.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.Specialized;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Net;
using System.Text;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Shows objects as an HTML page or fragment.</summary>
[Cmdlet(VerbsData.ConvertTo, "Html", DefaultParameterSetName = "Page")]
[OutputType(typeof(string))]
public sealed class ConvertToHtmlCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; }
    [Parameter(Position = 0)] public object[] Property { get; set; }
    [Parameter(Position = 3, ParameterSetName = "Page")] public string[] Body { get; set; } = [];
    [Parameter(Position = 1, ParameterSetName = "Page")] public string[] Head { get; set; }
    [Parameter(Position = 2, ParameterSetName = "Page")] [ValidateNotNullOrEmpty] public string Title { get; set; } = "HTML TABLE";
    [Parameter] [ValidateSet("Table", "List")] public string As { get; set; } = "Table";
    [Parameter(ParameterSetName = "Page")] [Alias("cu", "uri")] [ValidateNotNullOrEmpty] public Uri CssUri { get; set; }
    [Parameter(ParameterSetName = "Fragment")] [ValidateNotNullOrEmpty] public SwitchParameter Fragment { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string[] PostContent { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string[] PreContent { get; set; }
    [Parameter(ParameterSetName = "Page")] [ValidateNotNullOrEmpty] public Hashtable Meta { get; set; }
    [Parameter(ParameterSetName = "Page")] [ValidateNotNullOrEmpty] public string Charset { get; set; }
    [Parameter(ParameterSetName = "Page")] [ValidateNotNullOrEmpty] public SwitchParameter Transitional { get; set; }

    static readonly Dictionary<string, Type[]> Keys = new() {
        ["name"] = [typeof(string)], ["label"] = [typeof(string)], ["width"] = [typeof(string), typeof(int)], ["alignment"] = [typeof(string)] };

    List<PropertySpec> _given, _columns;
    int _seen;

    protected override void BeginProcessing()
    {
        _given = PropertySpec.Parse(this, Property, Keys);
        if (!Fragment) WriteHead();
        WriteObject(PreContent ?? [], true);
        WriteObject("<table>");
    }

    void WriteHead()
    {
        string kind = Transitional ? "Transitional" : "Strict", file = Transitional ? "transitional" : "strict";
        WriteObject($"<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 {kind}//EN\"  \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-{file}.dtd\">");
        WriteObject("<html xmlns=\"http://www.w3.org/1999/xhtml\">");
        WriteObject("<head>");
        if (Charset != null) WriteObject($"<meta charset=\"{Charset}\">");
        foreach (DictionaryEntry entry in Meta ?? []) WriteMeta(entry.Key.ToString(), entry.Value);
        if (Head == null) WriteObject($"<title>{Title}</title>");
        else WriteObject(Head, true);
        if (CssUri != null) WriteObject($"<link rel=\"stylesheet\" type=\"text/css\" href=\"{CssUri}\" />");
        WriteObject("</head><body>");
        WriteObject(Body, true);
    }

    void WriteMeta(string name, object value)
    {
        string kind = name.ToLowerInvariant();
        if (kind is not ("content-type" or "default-style" or "x-ua-compatible" or "application-name" or "author" or "description" or "generator" or "keywords" or "viewport"))
            WriteWarning($"Accepted meta properties are content-type, default-style, application-name, author, description, generator, keywords, x-ua-compatible, and viewport. The meta pair: {name} and {value} may not function correctly.");
        WriteObject($"<meta {(kind is "content-type" or "default-style" or "x-ua-compatible" ? "http-equiv" : "name")}=\"{name}\" content=\"{value}\">");
    }

    // A table has the columns of its first object that has any; in a list each object shows its own properties.
    protected override void ProcessRecord()
    {
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        _seen++;
        bool first = _columns == null;
        if (first || As == "List")
        {
            List<PropertySpec> columns = Columns();
            if (columns.Count == 0) return;
            _columns = columns;
        }
        if (As == "List")
        {
            if (_seen > 1) WriteObject("<tr><td><hr></td></tr>");
            foreach (PropertySpec c in _columns) WriteObject($"<tr><td>{NameOf(c)}:</td><td>{Value(c)}</td></tr>");
            return;
        }
        if (first)
        {
            WriteObject($"<colgroup>{string.Concat(_columns.Select(Column))}</colgroup>");
            WriteObject($"<tr>{string.Concat(_columns.Select(c => $"<th>{NameOf(c)}</th>"))}</tr>");
        }
        WriteObject($"<tr>{string.Concat(_columns.Select(c => $"<td>{Value(c)}</td>"))}</tr>");
    }

    protected override void EndProcessing()
    {
        WriteObject("</table>");
        WriteObject(PostContent ?? [], true);
        if (!Fragment) WriteObject("</body></html>");
    }

    List<PropertySpec> Columns()
    {
        if (_given.Count > 0)
            return _given.SelectMany(s => !s.Expression.HasWildCardCharacters ? [s] : s.Expression.ResolveNames(InputObject).Select(s.With)).ToList();
        IEnumerable<string> names = InputObject.Properties.Select(p => p.Name);
        return PropertySpec.Parse(this, names.ToArray(), Keys);
    }

    static string NameOf(PropertySpec c) => c["name"] as string ?? c.Expression.ToString();

    static string Column(PropertySpec c)
    {
        string width = c.IsSet("width") ? $" width = \"{c["width"]}\"" : "", align = c.IsSet("alignment") ? $" align = \"{c["alignment"]}\"" : "";
        return $"<col{width}{align}/>";
    }

    string Value(PropertySpec c)
    {
        object value = c.Expression.GetValues(InputObject).FirstOrDefault()?.Result;
        return WebUtility.HtmlEncode(value?.ToString() ?? string.Empty);
    }
}
