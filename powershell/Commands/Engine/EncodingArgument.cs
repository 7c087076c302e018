// EncodingArgument.cs - names of encodings as parameters take them: utf8, utf8BOM, ascii, unicode, latin1, a code page.

using System;
using System.Linq;
using System.Management.Automation;
using System.Text;

namespace Reactions.PowerShell.Engine;

[AttributeUsage(AttributeTargets.Property)]
internal sealed class EncodingArgumentAttribute : ArgumentTransformationAttribute
{
    public static readonly Encoding Default = new UTF8Encoding(false);

    public override object Transform(EngineIntrinsics engine, object input)
    {
        object o = input is PSObject wrapped ? wrapped.BaseObject : input;
        return o switch {
            Encoding e => e,
            string name => Named(name),
            int page => CodePage(page),
            _ => input };
    }

    static Encoding Named(string name) => name.ToLowerInvariant() switch {
        "ascii" => Encoding.ASCII,
        "ansi" => CodePagesEncodingProvider.Instance.GetEncoding(System.Globalization.CultureInfo.CurrentCulture.TextInfo.ANSICodePage) ?? Encoding.Latin1,
        "bigendianunicode" => Encoding.BigEndianUnicode,
        "bigendianutf32" => new UTF32Encoding(true, true),
        "default" or "utf8" or "utf8nobom" => Default,
        "oem" => CodePagesEncodingProvider.Instance.GetEncoding(System.Globalization.CultureInfo.CurrentCulture.TextInfo.OEMCodePage) ?? Default,
        "string" or "unicode" or "unknown" => Encoding.Unicode,
        "utf7" => CodePage(65000),
        "utf8bom" => new UTF8Encoding(true),
        "utf32" => Encoding.UTF32,
        "latin1" => Encoding.Latin1,
        _ when int.TryParse(name, out int page) => CodePage(page),
        _ => Web(name) };

    static Encoding CodePage(int page) => CodePagesEncodingProvider.Instance.GetEncoding(page) ?? Encoding.GetEncoding(page);

    static Encoding Web(string name) => CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
}
