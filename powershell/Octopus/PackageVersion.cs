// PackageVersion.cs - version numbers of packages, in NuGet's order and in its normal form.

using System;
using System.Globalization;
using System.Linq;
using System.Numerics;

namespace Reactions.PowerShell;

internal sealed class PackageVersion : IComparable<PackageVersion>
{
    readonly BigInteger[] numbers;
    readonly string[] labels;

    // As given.
    public string Text { get; }
    public bool IsPrerelease => IsVersion && labels.Length > 0;

    // "01.2" is 1.2.0, "1.0.0.0" is 1.0.0, what follows a plus counts for nothing.
    public string Normal { get; }

    PackageVersion(string text, BigInteger[] numbers, string[] labels)
    {
        (Text, this.numbers, this.labels) = (text, numbers, labels);
        string core = string.Join('.', numbers.Take(numbers[3].IsZero ? 3 : 4));
        Normal = !IsVersion ? text : labels.Length > 0 ? core + "-" + string.Join('.', labels) : core;
    }

    // Never fails: what is no version sorts before all that are, by its text.
    public static PackageVersion Of(string text)
    {
        string rest = text.Split('+')[0].Trim();
        int dash = rest.IndexOf('-', StringComparison.Ordinal);
        string[] parts = (dash < 0 ? rest : rest[..dash]).Split('.');
        var numbers = new BigInteger[4];
        bool isVersion = parts.Length <= 4;
        for (int i = 0; isVersion && i < parts.Length; i++)
            isVersion = parts[i].Length is > 0 and < 40 && BigInteger.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]);
        if (!isVersion)
            return new PackageVersion(text, [-1, 0, 0, 0], [text]);
        return new PackageVersion(text, numbers, dash < 0 ? [] : rest[(dash + 1)..].Split('.'));
    }

    public bool IsVersion => numbers[0] >= 0;

    public int CompareTo(PackageVersion other)
    {
        for (int i = 0; i < 4; i++)
            if (numbers[i] != other.numbers[i])
                return numbers[i].CompareTo(other.numbers[i]);
        if (IsPrerelease != other.IsPrerelease)
            return IsPrerelease ? -1 : 1;
        for (int i = 0; i < Math.Min(labels.Length, other.labels.Length); i++)
            if (Compare(labels[i], other.labels[i]) is var order and not 0)
                return order;
        return labels.Length.CompareTo(other.labels.Length);
    }

    // Numbers before words, numbers by value, words without case.
    static int Compare(string a, string b)
    {
        bool isNumber = BigInteger.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out BigInteger x), isOtherNumber = BigInteger.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out BigInteger y);
        return isNumber && isOtherNumber ? x.CompareTo(y) : isNumber ? -1 : isOtherNumber ? 1 : string.Compare(a, b, StringComparison.OrdinalIgnoreCase);
    }
}
