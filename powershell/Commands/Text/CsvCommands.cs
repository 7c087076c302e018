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
        ? d.Keys.Cast<object>().Select(LanguagePrimitives.ConvertTo<string>).Concat(Objects.AddedProperties(o, false).Select(p => p.Name)).ToList()
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
            : UseQuotes == QuoteKind.Always || UseQuotes == QuoteKind.AsNeeded && text.AsSpan().IndexOfAny([Delimiter, '"', '\n']) >= 0;
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
            if (IncludeTypeInformation && !NoHeader) WriteObject(TypeLine(InputObject));
            if (!NoHeader && HeaderLine() is { Length: > 0 } header) WriteObject(header);
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
        var there = new CsvObjects(this, Delimiter, null, null);
        there.ReadHeader(new CsvReader(reader, Delimiter));
        if (there.Header != null)
        {
            Columns = [.. there.Header];
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
            if (IncludeTypeInformation && !NoHeader) _file.WriteLine(TypeLine(InputObject));
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

// Splits text into records of fields. A field in quotes may hold anything, also line ends. What stands between closing
// quotes and the next delimiter belongs to the field, unless it is blank; a field without quotes keeps its blanks at the end
// but for those after its first word, if nothing follows them.
internal sealed class CsvReader(TextReader text, char delimiter)
{
    public bool AtEnd => text.Peek() < 0;

    // The first line, if it begins so: it is never a record.
    public string TakeComment() => text.Peek() == '#' ? text.ReadLine() : null;

    // The fields of the next record; none at the end. Text that ends behind a delimiter has no empty field there.
    public List<string> Next()
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        bool inQuotes = false;
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
                    if (EndField(fields, field, true)) return fields;
                }
            }
            else if (ch == delimiter) Add(fields, field);
            else if (IsLineEnd(ch))
            {
                Add(fields, field);
                return fields;
            }
            else if (ch == '"' && field.Length == 0) inQuotes = true;
            else if (ch is ' ' or '\t' && field.Length == 0) { }
            else
            {
                field.Append(ch);
                if (ch is '"' or ' ' or '\t' && EndField(fields, field, ch != '"')) return fields;
            }
        }
        if (field.Length > 0) fields.Add(field.ToString());
        return fields;
    }

    static void Add(List<string> fields, StringBuilder field)
    {
        fields.Add(field.ToString());
        field.Clear();
    }

    bool IsLineEnd(char ch)
    {
        if (ch == '\r' && text.Peek() == '\n') text.Read();
        return ch is '\n' or '\r';
    }

    // Reads what is left of a field as it stands; true if the record ends with it.
    bool EndField(List<string> fields, StringBuilder field, bool dropBlanks)
    {
        var rest = new StringBuilder();
        bool ends = true;
        for (int c; (c = text.Read()) >= 0;)
        {
            if (c == delimiter)
            {
                ends = false;
                break;
            }
            if (IsLineEnd((char)c)) break;
            rest.Append((char)c);
        }
        string left = rest.ToString();
        field.Append(dropBlanks && string.IsNullOrWhiteSpace(left) ? "" : left);
        Add(fields, field);
        return ends;
    }
}

// Turns the records of one text into objects; the header comes from -Header or from the first record.
internal sealed class CsvObjects(PSCmdlet owner, char delimiter, IList<string> header, string typeName)
{
    public IList<string> Header { get; private set; } = header;
    public string TypeName { get; private set; } = typeName;

    public void Read(TextReader text, ref bool warned)
    {
        var reader = new CsvReader(text, delimiter);
        ReadHeader(reader);
        while (reader.Next() is { Count: > 0 } record)
        {
            if (record.Count == 1 && record[0].Length == 0) continue;
            owner.WriteObject(Make(record, ref warned));
        }
    }

    // Empty names at the end of a header are no columns.
    public void ReadHeader(CsvReader reader)
    {
        if (TypeName == null && reader.TakeComment() is { } comment && comment.StartsWith("#Type", StringComparison.OrdinalIgnoreCase) && comment[5..].Trim() is { Length: > 0 } type)
            TypeName = type;
        while (Header == null && !reader.AtEnd)
        {
            List<string> names = reader.Next();
            while (names.Count > 1 && names[^1].Length == 0) names.RemoveAt(names.Count - 1);
            if (names.Count > 0 && names[0].StartsWith("#Fields: ", StringComparison.Ordinal)) names[0] = names[0][9..];
            else if (names.Count > 0 && names[0].StartsWith('#')) continue;
            Header = names;
        }
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        if (Header?.FirstOrDefault(h => !string.IsNullOrEmpty(h) && !seen.Add(h)) is { } doubled)
            owner.ThrowTerminatingError(new ErrorRecord(new ExtendedTypeSystemException($"The member \"{doubled}\" is already present."), "AlreadyPresentPSMemberInfoInternalCollectionAdd", ErrorCategory.NotSpecified, null));
    }

    // Headers without text are named H1, H2 and so on.
    PSObject Make(List<string> record, ref bool warned)
    {
        var made = new PSObject(Header.Count);
        int unnamed = 0;
        for (int i = 0; i < Header.Count; i++)
        {
            string name = string.IsNullOrEmpty(Header[i]) ? $"H{++unnamed}" : Header[i];
            made.Properties.Add(new PSNoteProperty(name, i < record.Count ? record[i] : null), true);
        }
        if (unnamed > 0 && !warned)
            owner.WriteWarning("One or more headers were not specified. Default names starting with \"H\" have been used in place of any missing headers.");
        warned |= unnamed > 0;
        if (string.IsNullOrEmpty(TypeName)) return made;
        made.TypeNames.Clear();
        made.TypeNames.Add(TypeName);
        made.TypeNames.Add("CSV:" + TypeName);
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
    [Parameter] [ValidateNotNull] [ValidateNotNullOrEmpty] public string[] Header { get; set; }

    string _typeName;
    bool _warned;

    protected override void BeginProcessing()
    {
        if (UseCulture) Delimiter = CultureInfo.CurrentCulture.TextInfo.ListSeparator[0];
    }

    // Each string is a text of its own; header and type hold for those that follow.
    protected override void ProcessRecord()
    {
        foreach (PSObject o in InputObject)
        {
            var objects = new CsvObjects(this, Delimiter, Header, _typeName);
            objects.Read(new StringReader(o?.ToString() ?? ""), ref _warned);
            Header ??= objects.Header?.ToArray();
            _typeName ??= objects.TypeName;
        }
    }
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
    [Parameter] [ValidateNotNullOrEmpty] public string[] Header { get; set; }
    [Parameter] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;

    bool _literal, _warned;

    protected override void ProcessRecord()
    {
        if (UseCulture) Delimiter = CultureInfo.CurrentCulture.TextInfo.ListSeparator[0];
        foreach (string path in Path)
        {
            using var reader = new StreamReader(Files.OpenToRead(this, path, _literal), Encoding, true);
            new CsvObjects(this, Delimiter, Header, null).Read(reader, ref _warned);
        }
    }
}
