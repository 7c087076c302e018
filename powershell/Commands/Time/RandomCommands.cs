// RandomCommands.cs - Get-Random, Get-SecureRandom, New-Guid.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Management.Automation.Runspaces;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class GetRandomCommandBase : PSCmdlet
{
    [Parameter(ParameterSetName = "RandomNumberParameterSet", Position = 0)] public object Maximum { get; set; }
    [Parameter(ParameterSetName = "RandomNumberParameterSet")] public object Minimum { get; set; }

    [Parameter(ParameterSetName = "RandomListItemParameterSet", ValueFromPipeline = true, Position = 0, Mandatory = true)]
    [Parameter(ParameterSetName = "ShuffleParameterSet", ValueFromPipeline = true, Position = 0, Mandatory = true)]
    [AllowNull]
    public object[] InputObject { get; set; }

    [Parameter(ParameterSetName = "RandomNumberParameterSet")] [Parameter(ParameterSetName = "RandomListItemParameterSet")] [ValidateRange(1, int.MaxValue)]
    public int Count { get; set; } = 1;

    [Parameter(ParameterSetName = "ShuffleParameterSet", Mandatory = true)] public SwitchParameter Shuffle { get; set; }

    readonly List<object> _items = [];

    // An array in the first place is a list to choose from, although it binds to -Maximum.
    bool IsNumber => ParameterSetName == "RandomNumberParameterSet" && Maximum is not Array;

    // A number of at least 0 and less than below; a fraction of at least 0 and less than 1.
    internal abstract long Below(long below);
    internal abstract double Fraction();

    protected override void BeginProcessing()
    {
        if (Maximum is Array list) InputObject = [.. list];
        if (!IsNumber) return;
        object low = Number(Minimum), high = Number(Maximum);
        for (int i = 0; i < Count; i++)
        {
            if (low is double || high is double) WriteObject(Between(Double(low, 0), Double(high, double.MaxValue)));
            else if (low is long || high is long) WriteObject(Between(Long(low, 0), Long(high, long.MaxValue)));
            else WriteObject((int)Between(low is int l ? l : 0L, high is int h ? h : int.MaxValue));
        }
    }

    protected override void ProcessRecord()
    {
        if (!IsNumber) _items.AddRange(InputObject ?? [null]);
    }

    protected override void EndProcessing()
    {
        int wanted = ParameterSetName == "ShuffleParameterSet" ? _items.Count : Math.Min(Count, _items.Count);
        for (int i = 0; i < wanted; i++)
        {
            int take = i + (int)Below(_items.Count - i);
            (_items[i], _items[take]) = (_items[take], _items[i]);
            WriteObject(_items[i]);
        }
    }

    long Between(long low, long high)
    {
        Check(low, high);
        return low + Below(high - low);
    }

    double Between(double low, double high)
    {
        Check(low, high);
        double made = low + Fraction() * (high - low);
        return double.IsInfinity(high - low) ? low + Fraction() * high - Fraction() * low : made >= high ? low : made;
    }

    void Check(IComparable low, object high)
    {
        if (low.CompareTo(high) < 0) return;
        ThrowTerminatingError(new ErrorRecord(new ArgumentException($"The Minimum value ({low}) cannot be greater than or equal to the Maximum value ({high})."),
            "MinGreaterThanOrEqualMax", ErrorCategory.InvalidArgument, null));
    }

    // Text counts as the number it spells. Numbers of other types than int and long are fractions, also those without any.
    static object Number(object given)
    {
        object o = given is PSObject wrapped ? wrapped.BaseObject : given;
        if (o is string s) o = Inside.ScanNumber(s, typeof(int));
        return o is null or int or long or double ? o : LanguagePrimitives.ConvertTo(o, typeof(double), CultureInfo.InvariantCulture);
    }

    static double Double(object o, double otherwise) => o == null ? otherwise : Convert.ToDouble(o, CultureInfo.InvariantCulture);
    static long Long(object o, long otherwise) => o == null ? otherwise : Convert.ToInt64(o, CultureInfo.InvariantCulture);
}

/// <summary>Gets random numbers, or objects in random order.</summary>
[Cmdlet(VerbsCommon.Get, "Random", DefaultParameterSetName = "RandomNumberParameterSet")]
[OutputType(typeof(int), typeof(long), typeof(double))]
public sealed class GetRandomCommand : GetRandomCommandBase
{
    [Parameter] [ValidateNotNull] public int? SetSeed { get; set; }

    // One generator per runspace, so that a seed set in a script stays set in it and nowhere else.
    static readonly ConditionalWeakTable<Runspace, Random> Generators = [];
    Random _random;

    protected override void BeginProcessing()
    {
        Runspace here = Runspace.DefaultRunspace;
        if (SetSeed != null)
            Generators.AddOrUpdate(here, _random = new Random(SetSeed.Value));
        else
            _random = Generators.GetValue(here, _ => new Random());
        base.BeginProcessing();
    }

    internal override long Below(long below) => _random.NextInt64(below);
    internal override double Fraction() => _random.NextDouble();
}

/// <summary>Gets random numbers fit for secrets.</summary>
[Cmdlet(VerbsCommon.Get, "SecureRandom", DefaultParameterSetName = "RandomNumberParameterSet")]
[OutputType(typeof(int), typeof(long), typeof(double))]
public sealed class GetSecureRandomCommand : GetRandomCommandBase
{
    internal override long Below(long below)
    {
        // Draws that would favour small numbers are thrown away.
        ulong range = (ulong)below, most = ulong.MaxValue - ulong.MaxValue % range, drawn;
        do drawn = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)); while (drawn >= most);
        return (long)(drawn % range);
    }

    internal override double Fraction() => (BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) >> 11) * (1.0 / (1UL << 53));
}

/// <summary>Makes a GUID.</summary>
[Cmdlet(VerbsCommon.New, "Guid", DefaultParameterSetName = "Default")]
[OutputType(typeof(Guid))]
public class NewGuidCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "Empty")] public SwitchParameter Empty { get; set; }
    [Parameter(Position = 0, ParameterSetName = "InputObject", ValueFromPipeline = true)] public string InputObject { get; set; }

    protected override void ProcessRecord()
    {
        if (ParameterSetName != "InputObject") WriteObject(Empty ? Guid.Empty : Guid.CreateVersion7());
        else if (Guid.TryParse(InputObject, out Guid guid)) WriteObject(guid);
        else
            WriteError(new ErrorRecord(new ArgumentException($"Input string \"{InputObject}\" is not a valid GUID."), "StringNotRecognizedAsGuid", ErrorCategory.InvalidArgument, InputObject));
    }
}
