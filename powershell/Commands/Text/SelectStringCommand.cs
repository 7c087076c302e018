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

    internal MatchInfo Clone()
    {
        var copy = (MatchInfo)MemberwiseClone();
        copy.Context = (MatchInfoContext)Context?.Clone();
        copy.Matches = [.. Matches];
        return copy;
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

    int Before { get; set; }
    int After { get; set; }
    bool HasContext => Before > 0 || After > 0;

    protected override void BeginProcessing()
    {
        (Before, After) = Context == null ? (0, 0) : (Context[0], Context[^1]);
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
            SearchFiles(paths.SelectMany(Resolve).ToList());
            return;
        }
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        // A file that comes down the pipeline means its content.
        if (InputObject.BaseObject is FileInfo found)
        {
            SearchFiles([found.FullName]);
            return;
        }
        _lineNumber++;
        MatchInfo earlier = InputObject.BaseObject as MatchInfo;
        if (earlier != null && HasContext)
        {
            (Before, After) = (0, 0);
            _pipeline = new ContextTracker(this);
            WriteWarning("-Context is not applied to matches that come through the pipeline.");
        }
        string text = earlier?.Line ?? InputObject.BaseObject as string ?? LanguagePrimitives.ConvertTo<string>(InputObject);
        MatchInfo match = Match(text);
        if (match != null && earlier != null) match = Again(earlier);
        else if (match != null) match.LineNumber = _lineNumber;
        _pipeline.Take(text, match);
        _done = Emit(_pipeline) && Quiet;
    }

    protected override void EndProcessing()
    {
        _pipeline.End();
        if (!_done) Emit(_pipeline);
    }

    // A match that is searched again stays what it is, but for the lines shown around it.
    static MatchInfo Again(MatchInfo earlier)
    {
        if (earlier.Context == null) return earlier;
        MatchInfo copy = earlier.Clone();
        copy.Context.DisplayPreContext = copy.Context.DisplayPostContext = [];
        return copy;
    }

    // Writes what is complete; true if that was anything. -List shows one of each batch, -Quiet only says that there is one.
    bool Emit(ContextTracker tracker)
    {
        if (tracker.Complete.Count == 0) return false;
        if (Raw) WriteObject(tracker.Complete.Select(m => m.Line), true);
        else if (Quiet && !List) WriteObject(true);
        else if (List) WriteObject(tracker.Complete[0]);
        else WriteObject(tracker.Complete, true);
        tracker.Complete.Clear();
        return true;
    }

    void SearchFiles(List<string> files)
    {
        foreach (string file in files)
        {
            if (SearchFile(file) && Quiet) return;
        }
        if (Quiet) WriteObject(List ? null : false);
    }

    IEnumerable<string> Resolve(string path)
    {
        // A path that is not there ends the command.
        IEnumerable<string> all = LiteralPath == null ? GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider)
            : [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _)];
        return IsFileSystem(provider, path) ? all.Where(f => !Directory.Exists(f)) : [];
    }

    bool IsFileSystem(ProviderInfo provider, string path)
    {
        if (provider.Name == "FileSystem") return true;
        WriteError(new ErrorRecord(new ArgumentException($"The file {path} cannot be read: it is in provider {provider.Name}, not in the file system."), "ProcessingFile", ErrorCategory.InvalidArgument, null));
        return false;
    }

    bool IsWanted(string file) => (Include == null || Include.Any(p => Fits(p, file))) && (Exclude == null || !Exclude.Any(p => Fits(p, file)));

    static bool Fits(string pattern, string file) => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(file);

    bool SearchFile(string file)
    {
        if (!IsWanted(file)) return false;
        bool any = false;
        try
        {
            using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding);
            var tracker = new ContextTracker(this);
            ulong number = 0;
            while (reader.ReadLine() is { } line && !Stopping)
            {
                number++;
                MatchInfo match = Match(line);
                if (match != null)
                {
                    match.Path = file;
                    match.LineNumber = number;
                }
                tracker.Take(line, match);
                if (tracker.Complete.Count == 0) continue;
                any = true;
                if (Quiet || List) break;
                Emit(tracker);
            }
            tracker.End();
            any |= Emit(tracker);
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
            IgnoreCase = !CaseSensitive, Line = text, Pattern = Pattern[NotMatch ? 0 : at], Matches = matches ?? [],
            Context = HasContext ? new MatchInfoContext() : null };
    }

    // Holds matches back until the lines after them have come. The context of a match is all lines around it, matches or not;
    // what is displayed with it leaves out matches, and lines that are displayed with another match.
    sealed class ContextTracker(SelectStringCommand owner)
    {
        readonly bool _tracks = owner.HasContext && !owner.Raw;
        readonly Queue<string> _before = new();
        readonly List<(MatchInfo match, List<string> after)> _waiting = [];
        readonly Queue<string> _shownBefore = new();
        readonly List<string> _shownAfter = [];
        MatchInfo _shown;

        // Matches that nothing more belongs to; whoever writes them takes them out.
        public List<MatchInfo> Complete { get; } = [];

        public void Take(string line, MatchInfo match)
        {
            if (!_tracks)
            {
                if (match != null) Complete.Add(match);
                return;
            }
            foreach (var (_, after) in _waiting) after.Add(line);
            Show(line, match);
            if (match != null)
            {
                match.Context.PreContext = [.. _before];
                _waiting.Add((match, []));
            }
            Keep(_before, line);
            while (_waiting.Count > 0 && _waiting[0].after.Count >= owner.After) CompleteFirst();
        }

        public void End()
        {
            EndShown();
            while (_waiting.Count > 0) CompleteFirst();
        }

        void CompleteFirst()
        {
            _waiting[0].match.Context.PostContext = [.. _waiting[0].after];
            Complete.Add(_waiting[0].match);
            _waiting.RemoveAt(0);
        }

        void Show(string line, MatchInfo match)
        {
            if (match != null)
            {
                EndShown();
                _shown = match;
                if (owner.After == 0) EndShown();
            }
            else if (_shown == null) Keep(_shownBefore, line);
            else
            {
                _shownAfter.Add(line);
                if (_shownAfter.Count >= owner.After) EndShown();
            }
        }

        void EndShown()
        {
            if (_shown == null) return;
            _shown.Context.DisplayPreContext = [.. _shownBefore];
            _shown.Context.DisplayPostContext = [.. _shownAfter];
            _shownBefore.Clear();
            _shownAfter.Clear();
            _shown = null;
        }

        void Keep(Queue<string> lines, string line)
        {
            if (owner.Before == 0) return;
            if (lines.Count == owner.Before) lines.Dequeue();
            lines.Enqueue(line);
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
