// DateCommands.cs - Get-Date, New-TimeSpan, Start-Sleep, Measure-Command, Get-TimeZone, Get-Uptime.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text;
using System.Threading;

namespace Microsoft.PowerShell.Commands;

public enum DisplayHintType { Date, Time, DateTime }

/// <summary>Gets the current or a given date and time, or text of it.</summary>
[Cmdlet(VerbsCommon.Get, "Date", DefaultParameterSetName = "DateAndFormat")]
[OutputType(typeof(string), typeof(DateTime))]
public sealed class GetDateCommand : Cmdlet
{
    const string DateFormat = "DateAndFormat", DateUFormat = "DateAndUFormat", UnixFormat = "UnixTimeSecondsAndFormat", UnixUFormat = "UnixTimeSecondsAndUFormat";

    [Parameter(ParameterSetName = DateFormat, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = DateUFormat, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("LastWriteTime")]
    public DateTime Date { get => _date ?? default; set => _date = value; }

    [Parameter(ParameterSetName = UnixFormat, Mandatory = true)] [Parameter(ParameterSetName = UnixUFormat, Mandatory = true)] [Alias("UnixTime")]
    public long UnixTimeSeconds { get => _unix ?? 0; set => _unix = value; }

    [Parameter] [ValidateRange(1, 9999)] public int Year { get => _year ?? 0; set => _year = value; }
    [Parameter] [ValidateRange(1, 12)] public int Month { get => _month ?? 0; set => _month = value; }
    [Parameter] [ValidateRange(1, 31)] public int Day { get => _day ?? 0; set => _day = value; }
    [Parameter] [ValidateRange(0, 23)] public int Hour { get => _hour ?? 0; set => _hour = value; }
    [Parameter] [ValidateRange(0, 59)] public int Minute { get => _minute ?? 0; set => _minute = value; }
    [Parameter] [ValidateRange(0, 59)] public int Second { get => _second ?? 0; set => _second = value; }
    [Parameter] [ValidateRange(0, 999)] public int Millisecond { get => _millisecond ?? 0; set => _millisecond = value; }
    [Parameter] public DisplayHintType DisplayHint { get; set; } = DisplayHintType.DateTime;
    [Parameter(ParameterSetName = DateUFormat, Mandatory = true)] [Parameter(ParameterSetName = UnixUFormat, Mandatory = true)] public string UFormat { get; set; }
    [Parameter(ParameterSetName = DateFormat)] [Parameter(ParameterSetName = UnixFormat)]
    [ArgumentCompletions("FileDate", "FileDateUniversal", "FileDateTime", "FileDateTimeUniversal")]
    public string Format { get; set; }
    [Parameter] public SwitchParameter AsUTC { get; set; }

    DateTime? _date;
    long? _unix;
    int? _year, _month, _day, _hour, _minute, _second, _millisecond;

    protected override void ProcessRecord()
    {
        DateTime t = _unix != null ? DateTimeOffset.FromUnixTimeSeconds(_unix.Value).LocalDateTime : _date ?? DateTime.Now;
        if (_year != null) t = t.AddYears(_year.Value - t.Year);
        if (_month != null) t = t.AddMonths(_month.Value - t.Month);
        if (_day != null) t = t.AddDays(_day.Value - t.Day);
        if (_hour != null) t = t.AddHours(_hour.Value - t.Hour);
        if (_minute != null) t = t.AddMinutes(_minute.Value - t.Minute);
        if (_second != null) t = t.AddSeconds(_second.Value - t.Second);
        if (_millisecond != null) t = t.AddMilliseconds(_millisecond.Value - t.Millisecond).AddTicks(-(t.Ticks % TimeSpan.TicksPerMillisecond));
        if (AsUTC) t = t.ToUniversalTime();

        if (UFormat != null) WriteObject(Unix(t));
        else if (Format != null) WriteObject(Text(t));
        else
        {
            var o = new PSObject(t);
            o.Properties.Add(new PSNoteProperty("DisplayHint", DisplayHint));
            WriteObject(o);
        }
    }

    string Text(DateTime t) => Format.ToLowerInvariant() switch {
        "filedate" => t.ToString("yyyyMMdd", CultureInfo.InvariantCulture),
        "filedateuniversal" => t.ToUniversalTime().ToString("yyyyMMddZ", CultureInfo.InvariantCulture),
        "filedatetime" => t.ToString("yyyyMMddTHHmmssffff", CultureInfo.InvariantCulture),
        "filedatetimeuniversal" => t.ToUniversalTime().ToString("yyyyMMddTHHmmssffffZ", CultureInfo.InvariantCulture),
        _ => t.ToString(Format, CultureInfo.CurrentCulture) };

    // The letters of Unix date. A leading "+" is tolerated, as date wants one.
    string Unix(DateTime t)
    {
        var made = new StringBuilder();
        for (int i = UFormat.StartsWith('+') ? 1 : 0; i < UFormat.Length; i++)
        {
            if (UFormat[i] != '%') made.Append(UFormat[i]);
            else made.Append(Letter(UFormat[++i], t));    // nothing after a last % is the IndexOutOfRangeException that PowerShell shows, too
        }
        return made.ToString();
    }

    static string Letter(char letter, DateTime t)
    {
        CultureInfo c = CultureInfo.CurrentCulture;
        string F(string format) => t.ToString(format, c);
        string Blank(int number) => number.ToString(c).PadLeft(2);
        return letter switch {
            'A' => F("dddd"), 'a' => F("ddd"), 'B' => F("MMMM"), 'b' or 'h' => F("MMM"),
            'C' => (t.Year / 100).ToString(c), 'c' => F("ddd dd MMM yyyy HH:mm:ss"),
            'D' or 'x' => F("MM/dd/yy"), 'd' => F("dd"), 'e' => Blank(t.Day), 'F' => F("yyyy-MM-dd"),
            'G' => ISOWeek.GetYear(t).ToString("0000", c), 'g' => (ISOWeek.GetYear(t) % 100).ToString("00", c),
            'H' => F("HH"), 'I' => F("hh"), 'j' => t.DayOfYear.ToString("000", c), 'k' => Blank(t.Hour),
            'l' => Blank(t.Hour % 12 == 0 ? 12 : t.Hour % 12), 'M' => F("mm"), 'm' => F("MM"), 'n' => "\n", 'p' => F("tt"),
            'R' => F("HH:mm"), 'r' => F("hh:mm:ss tt"), 'S' => F("ss"),
            's' => (t.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds.ToString("0", c),
            'T' or 'X' => F("HH:mm:ss"), 't' => "\t",
            'U' => ((((int)new DateTime(t.Year, 1, 1).DayOfWeek + 6) % 7 + t.DayOfYear - (int)t.DayOfWeek) / 7).ToString("00", c),
            'W' => (t.DayOfYear / 7).ToString(c), 'u' => (t.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)t.DayOfWeek).ToString(c),
            'V' => ISOWeek.GetWeekOfYear(t).ToString("00", c), 'w' => ((int)t.DayOfWeek).ToString(c),
            'Y' => F("yyyy"), 'y' => F("yy"), 'Z' => F("zz"), '%' => "%",
            _ => letter.ToString() };
    }
}

/// <summary>Makes a span of time from parts, or from two dates.</summary>
[Cmdlet(VerbsCommon.New, "TimeSpan", DefaultParameterSetName = "Date")]
[OutputType(typeof(TimeSpan))]
public sealed class NewTimeSpanCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Date")] [Alias("LastWriteTime")]
    public DateTime Start { get => _start ?? default; set => _start = value; }

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = "Date")]
    public DateTime End { get => _end ?? default; set => _end = value; }

    [Parameter(ParameterSetName = "Time")] public int Days { get; set; }
    [Parameter(ParameterSetName = "Time")] public int Hours { get; set; }
    [Parameter(ParameterSetName = "Time")] public int Minutes { get; set; }
    [Parameter(ParameterSetName = "Time")] public int Seconds { get; set; }
    [Parameter(ParameterSetName = "Time")] public int Milliseconds { get; set; }

    DateTime? _start, _end;

    protected override void ProcessRecord()
    {
        DateTime now = DateTime.Now;
        WriteObject(ParameterSetName == "Time" ? new TimeSpan(Days, Hours, Minutes, Seconds, Milliseconds) : (_end ?? now) - (_start ?? now));
    }
}

/// <summary>Waits.</summary>
[Cmdlet(VerbsLifecycle.Start, "Sleep", DefaultParameterSetName = "Seconds")]
public sealed class StartSleepCommand : PSCmdlet, IDisposable
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Seconds")]
    [ValidateRange(0.0, int.MaxValue / 1000)]
    public double Seconds { get; set; }

    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Milliseconds")] [ValidateRange(0, int.MaxValue)] [Alias("ms")]
    public int Milliseconds { get; set; }

    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "FromTimeSpan")] [Alias("ts")]
    public TimeSpan Duration { get; set; }

    readonly ManualResetEventSlim _stop = new();

    protected override void ProcessRecord()
    {
        double milliseconds = ParameterSetName switch { "Seconds" => Seconds * 1000, "Milliseconds" => Milliseconds, _ => Duration.TotalMilliseconds };
        if (milliseconds is < 0 or > int.MaxValue)
            ThrowTerminatingError(new ErrorRecord(new ArgumentException($"Cannot wait {Duration}: -Duration must lie between nothing and {TimeSpan.FromMilliseconds(int.MaxValue)}."),
                milliseconds < 0 ? "MinimumDurationExceeded" : "MaximumDurationExceeded", ErrorCategory.InvalidArgument, Duration));
        if (milliseconds > 0) _stop.Wait((int)milliseconds);
    }

    protected override void StopProcessing() => _stop.Set();
    public void Dispose() => _stop.Dispose();
}

/// <summary>Measures how long a script block runs.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "Command")]
[OutputType(typeof(TimeSpan))]
public sealed class MeasureCommandCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; } = System.Management.Automation.Internal.AutomationNull.Value;
    [Parameter(Position = 0, Mandatory = true)] public ScriptBlock Expression { get; set; }

    readonly Stopwatch _watch = new();

    protected override void ProcessRecord()
    {
        var underscore = new List<PSVariable>();
        if (InputObject != System.Management.Automation.Internal.AutomationNull.Value) underscore.Add(new PSVariable("_", InputObject));
        _watch.Start();
        // Errors show as they come; what the block outputs is not wanted.
        if (underscore.Count > 0) Expression.InvokeWithContext(null, underscore);
        else InvokeCommand.InvokeScript(false, Expression, null);
        _watch.Stop();
    }

    protected override void EndProcessing() => WriteObject(_watch.Elapsed);
}

/// <summary>Gets time zones.</summary>
[Cmdlet(VerbsCommon.Get, "TimeZone", DefaultParameterSetName = "Name")]
[OutputType(typeof(TimeZoneInfo))]
public class GetTimeZoneCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "Id", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] Id { get; set; }
    [Parameter(ParameterSetName = "ListAvailable", Mandatory = true)] public SwitchParameter ListAvailable { get; set; }
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] Name { get; set; }

    protected override void ProcessRecord()
    {
        TimeZoneInfo.ClearCachedData();
        if (ListAvailable) WriteObject(TimeZoneInfo.GetSystemTimeZones(), true);
        else if (Id != null)
            foreach (string id in Id)
            {
                try { WriteObject(TimeZoneInfo.FindSystemTimeZoneById(id)); }
                catch (TimeZoneNotFoundException e) { WriteError(new ErrorRecord(e, "TimeZoneNotFound", ErrorCategory.ObjectNotFound, id)); }
            }
        else if (Name == null) WriteObject(TimeZoneInfo.Local);
        else
            foreach (string name in Name)
            {
                WildcardPattern pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
                var found = TimeZoneInfo.GetSystemTimeZones().Where(z => pattern.IsMatch(z.StandardName) || pattern.IsMatch(z.DaylightName) || pattern.IsMatch(z.Id)).ToList();
                WriteObject(found, true);
                if (found.Count == 0)
                    WriteError(new ErrorRecord(new TimeZoneNotFoundException($"The time zone with the name '{name}' was not found."), "TimeZoneNotFound", ErrorCategory.ObjectNotFound, name));
            }
    }
}

/// <summary>Gets how long the machine has been running.</summary>
[Cmdlet(VerbsCommon.Get, "Uptime", DefaultParameterSetName = "Timespan")]
[OutputType(typeof(TimeSpan), typeof(DateTime))]
public class GetUptimeCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "Since")] public SwitchParameter Since { get; set; }

    protected override void ProcessRecord()
    {
        TimeSpan up = TimeSpan.FromSeconds(Math.Floor(Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency));
        WriteObject(Since ? DateTime.Now - up : up);
    }
}
