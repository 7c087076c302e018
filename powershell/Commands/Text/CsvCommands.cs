// CsvCommands.cs - ConvertTo-Csv, Export-Csv, ConvertFrom-Csv, Import-Csv.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Text;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class CsvWriterCommand : PSCmdlet
{
    public enum QuoteKind { Never, Always, AsNeeded }

    [Parameter(Position = 1, ParameterSetName = "Delimiter")] [Parameter(Position = 1, ParameterSetName = "DelimiterPath")] [Parameter(Position = 1, ParameterSetName = "DelimiterLiteralPath")] [ValidateNotNull]
    public char Delimiter { get; set; } = ',';

    [Parameter(ParameterSetName = "UseCulture", Mandatory = true)] public SwitchParameter UseCulture { get; set; }
    [Parameter] [Alias("ITI")] public SwitchParameter IncludeTypeInformation { get; set; }
    [Parameter(DontShow = true)] [Alias("NTI")] public SwitchParameter NoTypeInformation { get; set; } = true;
    [Parameter] [Alias("QF")] public string[] QuoteFields { get; set; }
    [Parameter] [Alias("UQ")] public QuoteKind UseQuotes { get; set; } = QuoteKind.Always;
    [Parameter] public SwitchParameter NoHeader { get; set; }

    private protected List<string> Columns;

    protected override void BeginProcessing()
    {
        if (QuoteFields != null && MyInvocation.BoundParameters.ContainsKey(nameof(UseQuotes)))
            Refuse("CannotSpecifyQuoteFieldsAndUseQuotes", "The -QuoteFields and -UseQuotes parameters cannot be used together.");
        if (IncludeTypeInformation && MyInvocation.BoundParameters.ContainsKey(nameof(NoTypeInformation)))
            Refuse("CannotSpecifyIncludeTypeInformationAndNoTypeInformation", "The -IncludeTypeInformation and -NoTypeInformation parameters cannot be used together.");
        if (UseCulture) Delimiter = CultureInfo.CurrentCulture.TextInfo.ListSeparator[0];
    }

    private protected void Refuse(string id, string why) => ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(why), id, ErrorCategory.InvalidData, null));

    // The first object says which columns there are.
    private protected static List<string> ColumnsOf(PSObject o) => o.BaseObject is IDictionary d
        ? d.Keys.Cast<object>().Select(k => k.ToString()).ToList()
        : o.Properties.Select(p => p.Name).ToList();

    private protected string HeaderLine() => string.Join(Delimiter, Columns.Select(c => Field(c, c)));

    private protected string TypeLine(PSObject o)
    {
        string type = o.TypeNames.FirstOrDefault() ?? o.BaseObject.GetType().FullName;
        return "#TYPE " + (type.StartsWith("CSV:", StringComparison.OrdinalIgnoreCase) ? type[4..] : type);
    }

    private protected string Line(PSObject o) => string.Join(Delimiter, Columns.Select(c => Field(c, ValueOf(o, c))));

    static string ValueOf(PSObject o, string column)
    {
        object value = null;
        if (o.BaseObject is IDictionary d)
        {
            if (d.Contains(column)) value = d[column];
            else value = o.Properties[column]?.Value;
        }
        else
        {
            try { value = o.Properties[column]?.Value; }
            catch (GetValueException) { }
        }
        return value switch {
            null => null,
            PSObject { BaseObject: PSCustomObject } bag => bag.ToString(),
            _ => Objects.Base(value) is IFormattable f ? f.ToString(null, CultureInfo.InvariantCulture) : Objects.Base(value).ToString() };
    }

    // An absent value is empty without quotes, so that it can be told from an empty string.
    string Field(string column, string text)
    {
        if (text == null) return string.Empty;
        bool quote = QuoteFields != null ? QuoteFields.Contains(column, StringComparer.OrdinalIgnoreCase)
            : UseQuotes == QuoteKind.Always || UseQuotes == QuoteKind.AsNeeded && text.AsSpan().IndexOfAny([Delimiter, '"', '\n', '\r']) >= 0;
        return quote ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
    }
}

/// <summary>Writes objects as lines of comma-separated values.</summary>
[Cmdlet(VerbsData.ConvertTo, "Csv", DefaultParameterSetName = "Delimiter")]
[OutputType(typeof(string))]
public sealed class ConvertToCsvCommand : CsvWriterCommand
{
    [Parameter(ValueFromPipeline = true, Mandatory = true, ValueFromPipelineByPropertyName = true, Position = 0)] public PSObject InputObject { get; set; }

    protected override void ProcessRecord()
    {
        if (InputObject == null) return;
        if (Columns == null)
        {
            Columns = ColumnsOf(InputObject);
            if (IncludeTypeInformation) WriteObject(TypeLine(InputObject));
            if (!NoHeader) WriteObject(HeaderLine());
        }
        if (Line(InputObject) is { Length: > 0 } line) WriteObject(line);
    }
}

/// <summary>Writes objects to a file of comma-separated values.</summary>
[Cmdlet(VerbsData.Export, "Csv", DefaultParameterSetName = "Delimiter", SupportsShouldProcess = true)]
public sealed class ExportCsvCommand : CsvWriterCommand, IDisposable
{
    [Parameter(ValueFromPipeline = true, Mandatory = true, ValueFromPipelineByPropertyName = true)] public PSObject InputObject { get; set; }
    [Parameter(Position = 0)] [ValidateNotNullOrEmpty] public string Path { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] [Alias("PSPath", "LP")] public string LiteralPath { get => Path; set { _literal = true; Path = value; } }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] [Alias("NoOverwrite")] public SwitchParameter NoClobber { get; set; }
    [Parameter] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;
    [Parameter] public SwitchParameter Append { get; set; }

    bool _literal, _checkColumns;
    StreamWriter _file;

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (string.IsNullOrEmpty(Path) || _literal && MyInvocation.BoundParameters.ContainsKey(nameof(Path)))
            Refuse("CannotSpecifyPathAndLiteralPath", "You must specify either the -Path or -LiteralPath parameters, but not both.");
        if (!ShouldProcess(Path)) return;
        string last = null;
        if (Append && File.Exists(Files.Resolve(this, Path, _literal))) last = ReadWhatIsThere();
        _file = new StreamWriter(Files.OpenToWrite(this, Path, _literal, Append, Force, NoClobber), Encoding);
        if (last is { Length: > 0 } && !last.EndsWith('\n')) _file.WriteLine();
    }

    // Existing columns stay; returns the end of the file, null if it is empty.
    string ReadWhatIsThere()
    {
        using var reader = new StreamReader(Files.OpenToRead(this, Path, _literal), Encoding, true);
        if (!reader.BaseStream.CanSeek || reader.BaseStream.Length == 0) return null;
        var csv = new CsvReader(reader, Delimiter);
        if (csv.Next() is { Count: > 0 } header)
        {
            Columns = CsvReader.Named(header, out _);
            _checkColumns = true;
        }
        reader.BaseStream.Seek(-1, SeekOrigin.End);
        return ((char)reader.BaseStream.ReadByte()).ToString();
    }

    protected override void ProcessRecord()
    {
        if (InputObject == null || _file == null) return;
        if (Columns == null)
        {
            Columns = ColumnsOf(InputObject);
            if (IncludeTypeInformation) _file.WriteLine(TypeLine(InputObject));
            if (!NoHeader) _file.WriteLine(HeaderLine());
        }
        else if (_checkColumns && !Force)
        {
            List<string> has = ColumnsOf(InputObject);
            if (Columns.Find(c => !has.Contains(c, StringComparer.OrdinalIgnoreCase)) is { } missing)
                Refuse("CannotAppendCsvWithMismatchedPropertyNames", $"Cannot append CSV content to the following file: {Path}. The appended object does not have a property that corresponds to the following column: {missing}. To continue with mismatched properties, add the -Force parameter, and then retry the command.");
        }
        _checkColumns = false;
        _file.WriteLine(Line(InputObject));
        _file.Flush();
    }

    protected override void EndProcessing() => Dispose();

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }
}

// Splits text into records of fields. A field in quotes may hold anything, also line ends.
internal sealed class CsvReader(TextReader text, char delimiter)
{
    // The fields of the next record that is not an empty line; null at the end. Absent text is an empty field.
    public List<string> Next()
    {
        while (text.Peek() >= 0)
        {
            List<string> record = Record();
            if (record.Count > 1 || record[0].Length > 0 || _quoted) return record;
        }
        return null;
    }

    // The rest of the line as it stands, for lines that are no records; null if it does not begin so.
    public string TakeLineIfComment() => text.Peek() == '#' ? text.ReadLine() : null;

    bool _quoted;

    List<string> Record()
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        bool inQuotes = false, begun = false;
        int kept = -1;    // blanks at the end of a field are cut down to here, once it has had its first blank or its quotes
        _quoted = false;
        for (int c; (c = text.Read()) >= 0;)
        {
            char ch = (char)c;
            if (inQuotes)
            {
                if (ch != '"') field.Append(ch);
                else if (text.Peek() == '"') field.Append((char)text.Read());
                else
                {
                    inQuotes = false;
                    kept = field.Length;
                }
            }
            else if (ch == delimiter)
            {
                fields.Add(Cut(field, kept));
                field.Clear();
                begun = false;
                kept = -1;
            }
            else if (ch is '\n' or '\r')
            {
                if (ch == '\r' && text.Peek() == '\n') text.Read();
                break;
            }
            else if (ch == '"' && !begun)
            {
                inQuotes = begun = _quoted = true;
            }
            else if (begun || ch is not (' ' or '\t'))
            {
                begun = true;
                field.Append(ch);
                if (kept < 0 && ch is (' ' or '\t')) kept = field.Length;
            }
        }
        fields.Add(Cut(field, kept));
        return fields;
    }

    static string Cut(StringBuilder field, int kept)
    {
        int end = field.Length;
        while (kept >= 0 && end > kept && field[end - 1] is (' ' or '\t')) end--;
        return field.ToString(0, end);
    }

    // Headers without text are named H1, H2 and so on.
    public static List<string> Named(List<string> header, out bool anyUnnamed)
    {
        int unnamed = 0;
        var names = header.Select(h => string.IsNullOrEmpty(h) ? $"H{++unnamed}" : h).ToList();
        anyUnnamed = unnamed > 0;
        return names;
    }
}

// Turns records into objects; the header comes from -Header or from the first record.
internal sealed class CsvObjects(PSCmdlet owner, char delimiter, IList<string> given)
{
    List<string> _header = given == null ? null : CsvReader.Named([.. given], out _);
    string _typeName;
    bool _first = true;

    public void Read(TextReader text)
    {
        var reader = new CsvReader(text, delimiter);
        while (_first && reader.TakeLineIfComment() is { } line)
        {
            if (line.StartsWith("#TYPE ", StringComparison.OrdinalIgnoreCase)) _typeName = "CSV:" + line[6..].Trim();
            else if (_header == null && line.StartsWith("#Fields: ", StringComparison.OrdinalIgnoreCase))
            {
                SetHeader(new CsvReader(new StringReader(line[9..]), delimiter).Next() ?? []);
            }
        }
        while (reader.Next() is { } record)
        {
            _first = false;
            if (_header == null) SetHeader(record);
            else owner.WriteObject(Make(record));
        }
    }

    public void CheckHeader()
    {
        if (_header != null) RefuseDoubled();
    }

    void SetHeader(List<string> record)
    {
        _header = CsvReader.Named(record, out bool unnamed);
        RefuseDoubled();
        if (unnamed) owner.WriteWarning("One or more headers were not specified. Default names starting with \"H\" have been used in place of any missing headers.");
    }

    void RefuseDoubled()
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        if (_header.Find(h => !seen.Add(h)) is { } doubled)
            owner.ThrowTerminatingError(new ErrorRecord(new ExtendedTypeSystemException($"The member \"{doubled}\" is already present."), "AlreadyPresent", ErrorCategory.NotSpecified, null));
    }

    PSObject Make(List<string> record)
    {
        var made = new PSObject(_header.Count);
        for (int i = 0; i < _header.Count; i++)
            made.Properties.Add(new PSNoteProperty(_header[i], i < record.Count ? record[i] : null), true);
        if (!string.IsNullOrEmpty(_typeName)) made.TypeNames.Insert(0, _typeName);
        return made;
    }
}

/// <summary>Makes objects from lines of comma-separated values.</summary>
[Cmdlet(VerbsData.ConvertFrom, "Csv", DefaultParameterSetName = "Delimiter")]
public sealed class ConvertFromCsvCommand : PSCmdlet
{
    [Parameter(Position = 1, ParameterSetName = "Delimiter")] [ValidateNotNull] public char Delimiter { get; set; } = ',';
    [Parameter(ParameterSetName = "UseCulture", Mandatory = true)] public SwitchParameter UseCulture { get; set; }
    [Parameter(ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, Mandatory = true, Position = 0)] [ValidateNotNull] [ValidateNotNullOrEmpty] [AllowEmptyString] public PSObject[] InputObject { get; set; }
    [Parameter(Position = 2)] [ValidateNotNull] [ValidateNotNullOrEmpty] public string[] Header { get; set; }

    CsvObjects _objects;

    protected override void BeginProcessing()
    {
        if (UseCulture) Delimiter = CultureInfo.CurrentCulture.TextInfo.ListSeparator[0];
        _objects = new CsvObjects(this, Delimiter, Header);
        _objects.CheckHeader();
    }

    protected override void ProcessRecord() => _objects.Read(new StringReader(string.Join('\n', InputObject.Select(o => o?.ToString()))));
}

/// <summary>Makes objects from files of comma-separated values.</summary>
[Cmdlet(VerbsData.Import, "Csv", DefaultParameterSetName = "DelimiterPath")]
public sealed class ImportCsvCommand : PSCmdlet
{
    [Parameter(Position = 1, ParameterSetName = "DelimiterPath")] [Parameter(Position = 1, ParameterSetName = "DelimiterLiteralPath")] [ValidateNotNull] public char Delimiter { get; set; } = ',';

    [Parameter(Position = 0, ParameterSetName = "DelimiterPath", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, ParameterSetName = "CulturePath", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; }

    [Parameter(ParameterSetName = "DelimiterLiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = "CultureLiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty] [Alias("PSPath", "LP")]
    public string[] LiteralPath { get => Path; set { _literal = true; Path = value; } }

    [Parameter(ParameterSetName = "CulturePath", Mandatory = true)] [Parameter(ParameterSetName = "CultureLiteralPath", Mandatory = true)] public SwitchParameter UseCulture { get; set; }
    [Parameter(Position = 2)] [ValidateNotNullOrEmpty] public string[] Header { get; set; }
    [Parameter] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;

    bool _literal;

    protected override void ProcessRecord()
    {
        if (UseCulture) Delimiter = CultureInfo.CurrentCulture.TextInfo.ListSeparator[0];
        foreach (string path in Path)
        {
            using var reader = new StreamReader(Files.OpenToRead(this, path, _literal), Encoding, true);
            var objects = new CsvObjects(this, Delimiter, Header);
            objects.CheckHeader();
            objects.Read(reader);
        }
    }
}
