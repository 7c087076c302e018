// SelectStringCommand.cs - Select-String.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Text;
using System.Text.RegularExpressions;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>The lines around a match.</summary>
public sealed class MatchInfoContext : ICloneable
{
    internal MatchInfoContext() { }

    public string[] PreContext { get; set; } = [];
    public string[] PostContext { get; set; } = [];
    public string[] DisplayPreContext { get; set; } = [];
    public string[] DisplayPostContext { get; set; } = [];

    public object Clone() => MemberwiseClone();
}

/// <summary>A line that fits the pattern.</summary>
public class MatchInfo
{
    internal const string InputStream = "InputStream";

    public bool IgnoreCase { get; set; }
    public ulong LineNumber { get; set; }
    public string Line { get; set; } = string.Empty;
    public string Path { get; set; } = InputStream;
    public string Pattern { get; set; }
    public MatchInfoContext Context { get; set; }
    public Match[] Matches { get; set; } = [];
    public string Filename => Path == InputStream ? Path : System.IO.Path.GetFileName(Path);

    public string RelativePath(string directory) => Path == InputStream || string.IsNullOrEmpty(directory) ? Path : System.IO.Path.GetRelativePath(directory, Path);

    public override string ToString() => ToString(null);

    public string ToString(string directory)
    {
        string where = RelativePath(directory);
        string Numbered(ulong number, string line, string mark) => where == InputStream ? mark + line : $"{mark}{where}:{number}:{line}";
        if (Context == null) return Numbered(LineNumber, Line, "");
        var lines = new List<string>();
        ulong at = LineNumber - (ulong)Context.DisplayPreContext.Length;
        foreach (string line in Context.DisplayPreContext) lines.Add(Numbered(at++, line, "  "));
        lines.Add(Numbered(at++, Line, "> "));
        foreach (string line in Context.DisplayPostContext) lines.Add(Numbered(at++, line, "  "));
        return string.Join(Environment.NewLine, lines);
    }

    // The text with what matched marked for terminals that can show it.
    public string ToEmphasizedString(string directory) => ToString(directory);
}

/// <summary>Finds text in strings and files.</summary>
[Cmdlet(VerbsCommon.Select, "String", DefaultParameterSetName = "File")]
[OutputType(typeof(MatchInfo), typeof(bool), typeof(string))]
public sealed class SelectStringCommand : PSCmdlet
{
    [Parameter] public string Culture { get; set; }

    [Parameter(ValueFromPipeline = true, Mandatory = true, ParameterSetName = "Object")] [Parameter(ValueFromPipeline = true, Mandatory = true, ParameterSetName = "ObjectRaw")]
    [AllowNull] [AllowEmptyString]
    public PSObject InputObject { get; set; } = AutomationNull.Value;

    [Parameter(Mandatory = true, Position = 0)] public string[] Pattern { get; set; }

    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "File")] [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "FileRaw")]
    [FileInfoToPath]
    public string[] Path { get; set; }

    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "LiteralFile")] [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "LiteralFileRaw")]
    [Alias("PSPath", "LP")] [FileInfoToPath]
    public string[] LiteralPath { get; set; }

    [Parameter(ParameterSetName = "ObjectRaw", Mandatory = true)] [Parameter(ParameterSetName = "FileRaw", Mandatory = true)] [Parameter(ParameterSetName = "LiteralFileRaw", Mandatory = true)]
    public SwitchParameter Raw { get; set; }

    [Parameter] public SwitchParameter SimpleMatch { get; set; }
    [Parameter] public SwitchParameter CaseSensitive { get; set; }
    [Parameter(ParameterSetName = "Object")] [Parameter(ParameterSetName = "File")] [Parameter(ParameterSetName = "LiteralFile")] public SwitchParameter Quiet { get; set; }
    [Parameter] public SwitchParameter List { get; set; }
    [Parameter] public SwitchParameter NoEmphasis { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string[] Include { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string[] Exclude { get; set; }
    [Parameter] public SwitchParameter NotMatch { get; set; }
    [Parameter] public SwitchParameter AllMatches { get; set; }
    [Parameter] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;
    [Parameter] [ValidateCount(1, 2)] [ValidateRange(0, int.MaxValue)] public int[] Context { get; set; }

    Regex[] _regexes = [];
    StringComparison _comparison;
    ContextTracker _pipeline;
    ulong _lineNumber;
    bool _done;

    int Before => Context?[0] ?? 0;
    int After => Context == null ? 0 : Context[^1];

    protected override void BeginProcessing()
    {
        if (Culture != null && !SimpleMatch)
            ThrowTerminatingError(new ErrorRecord(new InvalidOperationException("The -Culture parameter works with -SimpleMatch only."), "CannotSpecifyCultureWithoutSimpleMatch", ErrorCategory.InvalidData, null));
        _comparison = (Culture?.ToLowerInvariant(), (bool)CaseSensitive) switch {
            ("ordinal", true) => StringComparison.Ordinal, ("ordinal", false) => StringComparison.OrdinalIgnoreCase,
            ("invariant", true) => StringComparison.InvariantCulture, ("invariant", false) => StringComparison.InvariantCultureIgnoreCase,
            (_, true) => StringComparison.CurrentCulture, _ => StringComparison.CurrentCultureIgnoreCase };
        if (!SimpleMatch)
        {
            try { _regexes = Pattern.Select(p => new Regex(p, CaseSensitive ? RegexOptions.None : RegexOptions.IgnoreCase)).ToArray(); }
            catch (ArgumentException e)
            {
                ThrowTerminatingError(new ErrorRecord(new ArgumentException($"The string is not a valid regular expression: {e.Message}", e), "InvalidRegex", ErrorCategory.InvalidArgument, Pattern));
            }
        }
        _pipeline = new ContextTracker(this);
    }

    protected override void ProcessRecord()
    {
        if (_done) return;
        if ((Path ?? LiteralPath) is { } paths)
        {
            foreach (string path in paths)
                foreach (string file in Resolve(path))
                {
                    if (SearchFile(file) && Quiet) { Finish(); return; }
                }
            return;
        }
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        _lineNumber++;
        // A file that comes down the pipeline means its content.
        if (InputObject.BaseObject is FileInfo found)
        {
            if (SearchFile(found.FullName) && Quiet) Finish();
            return;
        }
        object operand = InputObject.BaseObject is MatchInfo earlier ? earlier.Line : InputObject;
        string text = operand as string ?? LanguagePrimitives.ConvertTo<string>(operand);
        MatchInfo match = Match(text);
        if (match != null) match.LineNumber = _lineNumber;
        _pipeline.Take(text, match);
        if (match != null && Quiet) Finish();
    }

    protected override void EndProcessing()
    {
        if (!_done) _pipeline.End();
    }

    void Finish()
    {
        _done = true;
        WriteObject(true);
    }

    void Emit(MatchInfo match)
    {
        if (Quiet) return;
        WriteObject(Raw ? match.Line : match);
    }

    IEnumerable<string> Resolve(string path)
    {
        try
        {
            if (LiteralPath != null)
            {
                string one = SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo p, out _);
                if (IsFileSystem(p, path)) return Wanted([one]);
            }
            else
            {
                var all = SessionState.Path.GetResolvedProviderPathFromPSPath(path, out ProviderInfo p);
                if (IsFileSystem(p, path)) return Wanted(all);
            }
        }
        catch (Exception e) when (e is ItemNotFoundException or System.Management.Automation.DriveNotFoundException or ProviderNotFoundException or PSNotSupportedException)
        {
            WriteError(new ErrorRecord(((IContainsErrorRecord)e).ErrorRecord, e));
        }
        return [];
    }

    bool IsFileSystem(ProviderInfo provider, string path)
    {
        if (provider.Name == "FileSystem") return true;
        WriteError(new ErrorRecord(new ArgumentException($"The file {path} cannot be read: it is in provider {provider.Name}, not in the file system."), "ProcessingFile", ErrorCategory.InvalidArgument, null));
        return false;
    }

    IEnumerable<string> Wanted(IEnumerable<string> files) => files.Where(f => !Directory.Exists(f))
        .Where(f => Include == null || Include.Any(p => Fits(p, f))).Where(f => Exclude == null || !Exclude.Any(p => Fits(p, f)));

    static bool Fits(string pattern, string file) => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(System.IO.Path.GetFileName(file)) ||
        WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(file);

    bool SearchFile(string file)
    {
        bool any = false;
        try
        {
            using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding);
            var tracker = new ContextTracker(this);
            ulong number = 0;
            while (reader.ReadLine() is { } line && !Stopping)
            {
                number++;
                MatchInfo match = any && List ? null : Match(line);
                if (match != null)
                {
                    match.Path = file;
                    match.LineNumber = number;
                    any = true;
                }
                tracker.Take(line, match);
                if (any && (Quiet || List && After == 0)) break;
            }
            tracker.End();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            WriteError(new ErrorRecord(new ArgumentException($"The file {file} cannot be read: {e.Message}", e), "ProcessingFile", ErrorCategory.InvalidArgument, file));
        }
        return any;
    }

    MatchInfo Match(string text)
    {
        Match[] matches = null;
        int at = -1;
        for (int i = 0; i < Pattern.Length && matches == null; i++)
        {
            at = i;
            if (SimpleMatch)
            {
                if (text.IndexOf(Pattern[i], _comparison) >= 0) matches = [];
            }
            else if (AllMatches && !NotMatch)
            {
                MatchCollection all = _regexes[i].Matches(text);
                if (all.Count > 0) matches = all.ToArray();
            }
            else if (_regexes[i].Match(text) is { Success: true } one) matches = [one];
        }
        if ((matches != null) == NotMatch) return null;
        return new MatchInfo {
            IgnoreCase = !CaseSensitive, Line = text, Pattern = Pattern[NotMatch ? Pattern.Length - 1 : at], Matches = matches ?? [],
            Context = Context == null ? null : new MatchInfoContext() };
    }

    // Holds matches back until the lines after them have come. Lines shown with one match are not shown with the next.
    sealed class ContextTracker(SelectStringCommand owner)
    {
        readonly Queue<string> _before = new();
        readonly List<string> _after = [];
        MatchInfo _waiting;
        int _undisplayed;

        public void Take(string line, MatchInfo match)
        {
            if (owner.Context == null)
            {
                if (match != null) owner.Emit(match);
                return;
            }
            if (match != null)
            {
                Release();
                match.Context.PreContext = [.. _before];
                match.Context.DisplayPreContext = [.. _before.TakeLast(Math.Min(_undisplayed, owner.Before))];
                _undisplayed = 0;
                if (owner.After > 0) _waiting = match;
                else owner.Emit(match);
            }
            else if (_waiting != null)
            {
                _after.Add(line);
                if (_after.Count == owner.After) Release();
            }
            else _undisplayed++;
            _before.Enqueue(line);
            if (_before.Count > owner.Before) _before.Dequeue();
        }

        public void End() => Release();

        void Release()
        {
            if (_waiting == null) return;
            _waiting.Context.PostContext = [.. _after];
            _waiting.Context.DisplayPostContext = [.. _after];
            _after.Clear();
            MatchInfo done = _waiting;
            _waiting = null;
            owner.Emit(done);
        }
    }
}

// Lets -Path take files as Get-ChildItem gives them.
[AttributeUsage(AttributeTargets.Property)]
internal sealed class FileInfoToPathAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engine, object input)
    {
        object o = input is PSObject wrapped ? wrapped.BaseObject : input;
        return o switch {
            FileInfo f => f.FullName,
            System.Collections.IList many when many.Cast<object>().Any(x => Objects.Base(x) is FileInfo) => many.Cast<object>().Select(x => Objects.Base(x) is FileInfo f ? f.FullName : x).ToArray(),
            _ => input };
    }
}
