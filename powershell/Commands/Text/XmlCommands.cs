// XmlCommands.cs - Select-Xml, ConvertTo-Xml, Export-, Import-, ConvertTo-, ConvertFrom-Clixml.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using System.Xml;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>A node that Select-Xml found.</summary>
public sealed class SelectXmlInfo
{
    public XmlNode Node { get; set; }
    public string Path { get; set; } = "InputStream";
    public string Pattern { get; internal set; }

    public override string ToString() => Path == "InputStream" ? Node?.InnerXml ?? string.Empty : $"{Node?.InnerXml}:{Path}";
}

/// <summary>Finds nodes in XML by XPath.</summary>
[Cmdlet(VerbsCommon.Select, "Xml", DefaultParameterSetName = "Xml")]
[OutputType(typeof(SelectXmlInfo))]
public class SelectXmlCommand : PSCmdlet
{
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Path")] public string[] Path { get; set; }
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "LiteralPath")] [Alias("PSPath", "LP")] public string[] LiteralPath { get; set; }
    [Parameter(Position = 1, Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Xml")] [Alias("Node")] public XmlNode[] Xml { get; set; }
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Content")] public string[] Content { get; set; }
    [Parameter(Position = 0, Mandatory = true)] [ValidateNotNullOrEmpty] public string XPath { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public Hashtable Namespace { get; set; }

    protected override void ProcessRecord()
    {
        foreach (XmlNode node in Xml ?? []) Find(node, null);
        foreach (string text in Content ?? [])
        {
            try { Find(LanguagePrimitives.ConvertTo<XmlDocument>(text), null); }
            catch (PSInvalidCastException e) { WriteError(e.ErrorRecord); }
        }
        foreach (string file in (Path ?? LiteralPath ?? []).SelectMany(Files).ToList()) Load(file);
    }

    // A path that is not there ends the command, before anything is read.
    IEnumerable<string> Files(string path)
    {
        if (LiteralPath != null) return [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)];
        Collection<string> found = GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider);
        if (provider.Name == "FileSystem") return found;
        WriteError(new ErrorRecord(new InvalidOperationException($"The file {path} cannot be opened: it is in provider {provider.Name}."), "ProcessingFile", ErrorCategory.InvalidOperation, path));
        return [];
    }

    void Load(string file)
    {
        try
        {
            using var reader = XmlReader.Create(file, new XmlReaderSettings { XmlResolver = null, DtdProcessing = DtdProcessing.Parse, MaxCharactersFromEntities = 1024 });
            var document = new XmlDocument { XmlResolver = null, PreserveWhitespace = true };
            document.Load(reader);
            Find(document, file);
        }
        catch (Exception e) when (e is XmlException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            WriteError(new ErrorRecord(new ArgumentException($"The file '{file}' cannot be read as XML: {e.Message}", e), "ProcessingFile", ErrorCategory.InvalidArgument, file));
        }
    }

    void Find(XmlNode node, string path)
    {
        XmlNodeList found = Namespace == null ? node.SelectNodes(XPath) : node.SelectNodes(XPath, Names(node));
        foreach (XmlNode one in found)
        {
            var info = new SelectXmlInfo { Node = one, Pattern = XPath };
            if (path != null) info.Path = path;
            WriteObject(info);
        }
    }

    XmlNamespaceManager Names(XmlNode node)
    {
        var names = new XmlNamespaceManager((node as XmlDocument ?? node.OwnerDocument)?.NameTable ?? new NameTable());
        foreach (DictionaryEntry entry in Namespace)
        {
            try { names.AddNamespace(entry.Key.ToString(), entry.Value?.ToString()); }
            catch (Exception e) when (e is ArgumentException or NullReferenceException)
            {
                WriteError(new ErrorRecord(new InvalidOperationException($"-Namespace names a prefix or URI that cannot be used: {e.Message}"), "PrefixError", ErrorCategory.InvalidOperation, Namespace));
            }
        }
        return names;
    }
}

/// <summary>Describes objects in XML, with names and types of their properties.</summary>
[Cmdlet(VerbsData.ConvertTo, "Xml", SupportsShouldProcess = false)]
[OutputType(typeof(XmlDocument), typeof(string))]
public sealed class ConvertToXmlCommand : PSCmdlet
{
    [Parameter] [ValidateRange(1, int.MaxValue)] public int Depth { get; set; } = 1;
    [Parameter(Position = 0, ValueFromPipeline = true, Mandatory = true)] [AllowNull] public PSObject InputObject { get; set; }
    [Parameter] public SwitchParameter NoTypeInformation { get; set; }
    [Parameter] [ValidateSet("Stream", "String", "Document")] public string As { get; set; } = "Document";

    readonly XmlDocument _document = new();
    XmlElement _root;

    protected override void BeginProcessing()
    {
        if (As == "Stream")
        {
            WriteObject("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
            WriteObject("<Objects>");
            return;
        }
        _document.AppendChild(_document.CreateXmlDeclaration("1.0", "utf-8", null));
        _root = (XmlElement)_document.AppendChild(_document.CreateElement("Objects"));
    }

    protected override void ProcessRecord()
    {
        XmlElement element = _document.CreateElement("Object");
        Fill(element, InputObject, Depth);
        if (As == "Stream") WriteObject(Indented(element));
        else _root.AppendChild(element);
    }

    protected override void EndProcessing()
    {
        if (As == "Stream") WriteObject("</Objects>");
        else if (As == "Document") WriteObject(_document);
        else WriteObject("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + Indented(_root));
    }

    static string Indented(XmlElement element)
    {
        var text = new StringBuilder();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true, NewLineChars = "\n" }))
            element.WriteTo(writer);
        return text.ToString();
    }

    void Fill(XmlElement element, object value, int depth)
    {
        if (Objects.IsNull(value)) return;
        PSObject o = PSObject.AsPSObject(value);
        object inner = o.BaseObject;
        if (!NoTypeInformation) element.SetAttribute("Type", inner is PSCustomObject ? "System.Management.Automation.PSCustomObject" : inner.GetType().ToString());
        if (IsScalar(inner)) element.AppendChild(_document.CreateTextNode(Text(inner)));
        else if (depth < 1 && (inner is IDictionary || inner is not IEnumerable)) element.AppendChild(_document.CreateTextNode(o.ToString()));
        else if (inner is IDictionary dictionary)
            foreach (DictionaryEntry entry in dictionary)
            {
                Child(element, "Key", entry.Key, depth - 1);
                Child(element, "Value", entry.Value, depth - 1);
            }
        else if (inner is IEnumerable many)
            foreach (object item in many) Child(element, null, item, depth - 1);
        else
            foreach (PSPropertyInfo property in o.Properties)
            {
                object held;
                try { held = property.Value; }
                catch (GetValueException) { continue; }
                XmlElement child = Child(element, property.Name, held, depth - 1);
                if (held == null && !NoTypeInformation) child.SetAttribute("Type", property.TypeNameOfValue);
            }
    }

    XmlElement Child(XmlElement parent, string name, object value, int depth)
    {
        XmlElement child = _document.CreateElement("Property");
        if (name != null) child.SetAttribute("Name", name);
        Fill(child, value, depth);
        parent.AppendChild(child);
        return child;
    }

    static bool IsScalar(object o) => o is string or decimal or DateTime or DateTimeOffset or TimeSpan or Guid or Uri or Version or Enum or ScriptBlock or System.Security.SecureString || o.GetType().IsPrimitive;

    static string Text(object o) => o is XmlNode node ? node.OuterXml : Convert.ToString(o, System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Writes objects to a file so that they can be had back.</summary>
[Cmdlet(VerbsData.Export, "Clixml", DefaultParameterSetName = "ByPath", SupportsShouldProcess = true)]
public sealed class ExportClixmlCommand : PSCmdlet
{
    [Parameter] [ValidateRange(1, int.MaxValue)] public int Depth { get; set; } = 2;
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "ByPath")] public string Path { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "ByLiteralPath")] [Alias("PSPath", "LP")] public string LiteralPath { get; set; }
    [Parameter(ValueFromPipeline = true, Mandatory = true)] [AllowNull] public PSObject InputObject { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] [Alias("NoOverwrite")] public SwitchParameter NoClobber { get; set; }
    [Parameter] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;

    readonly List<object> _all = [];

    protected override void ProcessRecord() => _all.Add(InputObject);

    protected override void EndProcessing()
    {
        if (!ShouldProcess(Path ?? LiteralPath)) return;
        using var file = new StreamWriter(Reactions.PowerShell.Engine.Files.OpenToWrite(this, Path ?? LiteralPath, LiteralPath != null, false, Force, NoClobber), Encoding);
        file.Write(Inside.Serialize(null, _all, Depth, true));
    }
}

/// <summary>Makes objects of what Export-Clixml wrote.</summary>
[Cmdlet(VerbsData.Import, "Clixml", DefaultParameterSetName = "ByPath", SupportsPaging = true)]
public sealed class ImportClixmlCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "ByPath")] public string[] Path { get; set; }
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "ByLiteralPath")] [Alias("PSPath", "LP")] public string[] LiteralPath { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string path in Path ?? LiteralPath)
        {
            using var reader = new StreamReader(Files.OpenToRead(this, path, LiteralPath != null), Encoding.UTF8, true);
            object[] all = PSSerializer.DeserializeAsList(reader.ReadToEnd());
            if (PagingParameters.IncludeTotalCount) WriteObject(PagingParameters.NewTotalCount((ulong)all.Length, 1.0));
            ulong last = PagingParameters.First > ulong.MaxValue - PagingParameters.Skip ? ulong.MaxValue : PagingParameters.Skip + PagingParameters.First;
            for (ulong i = PagingParameters.Skip; i < (ulong)all.Length && i < last; i++) WriteObject(all[i]);
        }
    }
}

/// <summary>Describes objects in CLIXML text.</summary>
[Cmdlet(VerbsData.ConvertTo, "CliXml")]
[OutputType(typeof(string))]
public sealed class ConvertToClixmlCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowNull] public PSObject InputObject { get; set; }
    [Parameter] [ValidateRange(1, int.MaxValue)] public int Depth { get; set; } = 2;

    readonly List<object> _all = [];

    protected override void ProcessRecord() => _all.Add(InputObject);
    protected override void EndProcessing() => WriteObject(Inside.Serialize(null, _all, Depth, true));
}

/// <summary>Makes objects of CLIXML text.</summary>
[Cmdlet(VerbsData.ConvertFrom, "CliXml")]
public sealed class ConvertFromClixmlCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] public string InputObject { get; set; }

    protected override void ProcessRecord()
    {
        foreach (object o in PSSerializer.DeserializeAsList(InputObject)) WriteObject(o);
    }
}
