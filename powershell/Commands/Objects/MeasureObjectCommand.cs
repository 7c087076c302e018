// MeasureObjectCommand.cs - Measure-Object.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class MeasureInfo
{
    public string Property { get; internal set; }
}

/// <summary>Count, sum and the rest of numbers.</summary>
public sealed class GenericMeasureInfo : MeasureInfo
{
    public int Count { get; internal set; }
    public double? Average { get; internal set; }
    public double? Sum { get; internal set; }
    public double? Maximum { get; internal set; }
    public double? Minimum { get; internal set; }
    public double? StandardDeviation { get; internal set; }
}

/// <summary>The same where maximum and minimum are no numbers.</summary>
public sealed class GenericObjectMeasureInfo : MeasureInfo
{
    public int Count { get; internal set; }
    public double? Average { get; internal set; }
    public double? Sum { get; internal set; }
    public object Maximum { get; internal set; }
    public object Minimum { get; internal set; }
    public double? StandardDeviation { get; internal set; }
}

/// <summary>Lines, words and characters of text.</summary>
public sealed class TextMeasureInfo : MeasureInfo
{
    public int? Lines { get; internal set; }
    public int? Words { get; internal set; }
    public int? Characters { get; internal set; }
}

/// <summary>Counts, adds up and compares objects or properties of them.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "Object", DefaultParameterSetName = "GenericMeasure")]
[OutputType(typeof(GenericMeasureInfo), typeof(TextMeasureInfo), typeof(GenericObjectMeasureInfo))]
public sealed class MeasureObjectCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; } = AutomationNull.Value;
    [Parameter(Position = 0)] [ValidateNotNullOrEmpty] public PSPropertyExpression[] Property { get; set; }
    [Parameter(ParameterSetName = "GenericMeasure")] public SwitchParameter StandardDeviation { get; set; }
    [Parameter(ParameterSetName = "GenericMeasure")] public SwitchParameter Sum { get; set; }
    [Parameter(ParameterSetName = "GenericMeasure")] public SwitchParameter AllStats { get; set; }
    [Parameter(ParameterSetName = "GenericMeasure")] public SwitchParameter Average { get; set; }
    [Parameter(ParameterSetName = "GenericMeasure")] public SwitchParameter Maximum { get; set; }
    [Parameter(ParameterSetName = "GenericMeasure")] public SwitchParameter Minimum { get; set; }
    [Parameter(ParameterSetName = "TextMeasure")] public SwitchParameter Line { get; set; }
    [Parameter(ParameterSetName = "TextMeasure")] public SwitchParameter Word { get; set; }
    [Parameter(ParameterSetName = "TextMeasure")] public SwitchParameter Character { get; set; }
    [Parameter(ParameterSetName = "TextMeasure")] public SwitchParameter IgnoreWhiteSpace { get; set; }

    sealed class Statistics
    {
        public int Count, Lines, Words, Characters;
        public double Sum, Variance;
        public object Max, Min;
    }

    readonly List<string> _order = [];
    readonly Dictionary<string, Statistics> _all = new(StringComparer.OrdinalIgnoreCase);
    int _seen;
    bool _notANumber;    // one object that is none spoils sum, average and deviation of all

    protected override void BeginProcessing()
    {
        if (AllStats) StandardDeviation = Sum = Average = Maximum = Minimum = true;
    }

    protected override void ProcessRecord()
    {
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        _seen++;
        if (Property == null)
        {
            Add(StatisticsOf(""), InputObject.BaseObject);
            return;
        }
        var measured = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (PSPropertyExpression p in Property)
        {
            List<PSPropertyExpression> names = p.ResolveNames(InputObject);
            // An entry that stays empty remembers a property that nobody had.
            if (names.Count == 0 && !p.HasWildCardCharacters) StatisticsOf(p.ToString());
            foreach (PSPropertyExpression name in names)
            {
                if (!measured.Add(name.ToString())) continue;
                List<PSPropertyExpressionResult> results = name.GetValues(InputObject);
                if (results is { Count: > 0 }) Add(StatisticsOf(name.ToString()), results[0].Result);
            }
        }
    }

    Statistics StatisticsOf(string name)
    {
        if (_all.TryGetValue(name, out Statistics s)) return s;
        _order.Add(name);
        return _all[name] = new Statistics();
    }

    void Add(Statistics s, object value)
    {
        s.Count++;
        if (ParameterSetName == "TextMeasure") AddText(s, value?.ToString() ?? string.Empty);
        if ((Average || Sum || StandardDeviation) && !AddNumber(s, value)) return;
        if (Minimum) s.Min = Better(value, s.Min, true);
        if (Maximum) s.Max = Better(value, s.Max, false);
    }

    bool AddNumber(Statistics s, object value)
    {
        if (!LanguagePrimitives.TryConvertTo(value, out double number))
        {
            _notANumber = true;
            WriteError(new ErrorRecord(new PSInvalidOperationException($"Input object \"{value}\" is not numeric."), "NonNumericInputObject", ErrorCategory.InvalidType, value));
            return false;
        }
        // The running form (Welford), so that large values do not drown small differences.
        if (StandardDeviation && s.Count > 1)
        {
            double before = s.Sum / (s.Count - 1);
            s.Variance = s.Variance * (s.Count - 2) / (s.Count - 1) + (number - before) * (number - before) / s.Count;
        }
        s.Sum += number;
        return true;
    }

    static object Better(object value, object best, bool smaller)
    {
        object a = Number(value), b = Number(best);
        if (b == null) return value;
        if (a != null && a.GetType() != b.GetType())
        {
            a = PSObject.AsPSObject(a).ToString();
            b = PSObject.AsPSObject(b).ToString();
        }
        int order = LanguagePrimitives.Compare(b, a, false, CultureInfo.CurrentCulture);
        return (smaller ? order > 0 : order < 0) ? value : best;
    }

    static object Number(object value) => value != null && LanguagePrimitives.TryConvertTo(value, out double n) ? n : value;

    void AddText(Statistics s, string text)
    {
        if (Line && text.Length > 0) s.Lines += text.Count(c => c == '\n') + (text.EndsWith('\n') ? 0 : 1);
        if (Word) s.Words += text.Split((char[])null, StringSplitOptions.RemoveEmptyEntries).Length;
        if (Character) s.Characters += IgnoreWhiteSpace ? text.Count(c => !char.IsWhiteSpace(c)) : text.Length;
    }

    protected override void EndProcessing()
    {
        if (_seen == 0 && Property == null) StatisticsOf("");
        foreach (string name in _order)
        {
            Statistics s = _all[name];
            if (s.Count == 0 && Property != null)
            {
                if (Inside.IsStrict(this, 2))
                    WriteError(new ErrorRecord(new PSArgumentException($"The property \"{name}\" cannot be found in the input for any objects."),
                        ParameterSetName == "TextMeasure" ? "TextMeasurePropertyNotFound" : "GenericMeasurePropertyNotFound", ErrorCategory.InvalidArgument, null));
                continue;
            }
            MeasureInfo info = ParameterSetName == "TextMeasure" ? Text(s) : Generic(s);
            if (Property != null) info.Property = name;
            WriteObject(info);
        }
    }

    MeasureInfo Text(Statistics s) => new TextMeasureInfo {
        Lines = Line ? s.Lines : null, Words = Word ? s.Words : null, Characters = Character ? s.Characters : null };

    MeasureInfo Generic(Statistics s)
    {
        double? sum = Sum && !_notANumber ? s.Sum : null;
        double? average = Average && !_notANumber && s.Count > 0 ? s.Sum / s.Count : null;
        double? deviation = StandardDeviation && !_notANumber ? Math.Sqrt(s.Variance) : null;
        if (IsNumberOrNull(s.Min) && IsNumberOrNull(s.Max))
            return new GenericMeasureInfo {
                Count = s.Count, Average = average, Sum = sum, StandardDeviation = deviation,
                Maximum = Maximum && s.Max != null ? LanguagePrimitives.ConvertTo<double>(s.Max) : null,
                Minimum = Minimum && s.Min != null ? LanguagePrimitives.ConvertTo<double>(s.Min) : null };
        return new GenericObjectMeasureInfo {
            Count = s.Count, Average = average, Sum = sum, StandardDeviation = deviation,
            Maximum = Maximum ? s.Max : null, Minimum = Minimum ? s.Min : null };
    }

    static bool IsNumberOrNull(object o) => o == null || LanguagePrimitives.TryConvertTo(o, out double _);
}
