// SecureStringCommands.cs - ConvertTo-, ConvertFrom-SecureString, Get-Credential.
//
// Off Windows a secure string is not encrypted in memory, and the form that ConvertFrom-SecureString gives without a
// key is the text in hexadecimal: it hides nothing. With a key it is AES, in the form every PowerShell reads.

using System;
using System.Management.Automation;
using System.Net;
using System.Security;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.PowerShell.Commands;

internal static class SecureText
{
    const string Header = "76492d1116743f0423413b16050a5345";

    public static string Plain(SecureString s) => new NetworkCredential(string.Empty, s).Password;

    public static SecureString Secure(string plain)
    {
        var made = new SecureString();
        foreach (char c in plain) made.AppendChar(c);
        return made;
    }

    public static byte[] KeyOf(SecureString key) => Encoding.Unicode.GetBytes(Plain(key));

    public static string Hex(SecureString s) => Convert.ToHexStringLower(Encoding.Unicode.GetBytes(Plain(s)));
    public static SecureString FromHex(string text) => Secure(Encoding.Unicode.GetString(Convert.FromHexString(text)));

    public static string Encrypt(SecureString s, byte[] key)
    {
        using Aes aes = Aes.Create();
        aes.Key = key;
        byte[] encrypted = aes.EncryptCbc(Encoding.Unicode.GetBytes(Plain(s)), aes.IV);
        string parts = $"2|{Convert.ToBase64String(aes.IV)}|{Convert.ToHexStringLower(encrypted)}";
        return Header + Convert.ToBase64String(Encoding.Unicode.GetBytes(parts));
    }

    public static SecureString Decrypt(string text, byte[] key)
    {
        if (!text.StartsWith(Header, StringComparison.OrdinalIgnoreCase))
            throw new FormatException("The text was not made by ConvertFrom-SecureString with a key.");
        string[] parts = Encoding.Unicode.GetString(Convert.FromBase64String(text[Header.Length..])).Split('|');
        if (parts.Length != 3 || parts[0] != "2") throw new FormatException("The encrypted text has a form that is not known.");
        using Aes aes = Aes.Create();
        aes.Key = key;
        return Secure(Encoding.Unicode.GetString(aes.DecryptCbc(Convert.FromHexString(parts[2]), Convert.FromBase64String(parts[1]))));
    }
}

public abstract class SecureStringCommandBase : PSCmdlet
{
    // A failure belongs to one input.
    internal void Guarded(string id, Action work)
    {
        try { work(); }
        catch (CryptographicException e) { WriteError(new ErrorRecord(e, id + "_CryptographicError", ErrorCategory.InvalidArgument, null)); }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            WriteError(new ErrorRecord(new PSArgumentException(e.Message, e), id, ErrorCategory.InvalidArgument, null));
        }
    }
}

/// <summary>Makes a secure string of plain or of encrypted text.</summary>
[Cmdlet(VerbsData.ConvertTo, "SecureString", DefaultParameterSetName = "Secure")]
[OutputType(typeof(SecureString))]
public sealed class ConvertToSecureStringCommand : SecureStringCommandBase
{
    [Parameter(Position = 0, ValueFromPipeline = true, Mandatory = true)] public string String { get; set; }
    [Parameter(Position = 1, ParameterSetName = "PlainText")] public SwitchParameter AsPlainText { get; set; }
    [Parameter(Position = 2, ParameterSetName = "PlainText")] public SwitchParameter Force { get; set; }
    [Parameter(Position = 1, ParameterSetName = "Secure")] public SecureString SecureKey { get; set; }
    [Parameter(ParameterSetName = "Open")] public byte[] Key { get; set; }

    protected override void ProcessRecord() => Guarded("ImportSecureString_InvalidArgument", () =>
    {
        byte[] key = SecureKey != null ? SecureText.KeyOf(SecureKey) : Key;
        WriteObject(AsPlainText ? SecureText.Secure(String) : key != null ? SecureText.Decrypt(String, key) : SecureText.FromHex(String));
    });
}

/// <summary>Makes text of a secure string.</summary>
[Cmdlet(VerbsData.ConvertFrom, "SecureString", DefaultParameterSetName = "Secure")]
[OutputType(typeof(string))]
public sealed class ConvertFromSecureStringCommand : SecureStringCommandBase
{
    [Parameter(Position = 0, ValueFromPipeline = true, Mandatory = true)] public SecureString SecureString { get; set; }
    [Parameter(Position = 1, ParameterSetName = "Secure")] public SecureString SecureKey { get; set; }
    [Parameter(ParameterSetName = "AsPlainText")] public SwitchParameter AsPlainText { get; set; }
    [Parameter(ParameterSetName = "Open")] public byte[] Key { get; set; }

    protected override void ProcessRecord() => Guarded("ExportSecureString_InvalidArgument", () =>
    {
        byte[] key = SecureKey != null ? SecureText.KeyOf(SecureKey) : Key;
        WriteObject(AsPlainText ? SecureText.Plain(SecureString) : key != null ? SecureText.Encrypt(SecureString, key) : SecureText.Hex(SecureString));
    });
}

/// <summary>Asks for a user name and password; a host without a person refuses.</summary>
[Cmdlet(VerbsCommon.Get, "Credential", DefaultParameterSetName = "CredentialSet")]
[OutputType(typeof(PSCredential))]
public sealed class GetCredentialCommand : PSCmdlet
{
    [Parameter(Position = 0, ParameterSetName = "CredentialSet")] [Credential] [ValidateNotNull] public PSCredential Credential { get; set; }
    [Parameter(ParameterSetName = "MessageSet")] [ValidateNotNullOrEmpty] public string Message { get; set; }
    [Parameter(Position = 0, ParameterSetName = "MessageSet")] public string UserName { get; set; }
    [Parameter(ParameterSetName = "MessageSet")] public string Title { get; set; }

    protected override void BeginProcessing()
    {
        PSCredential got = Credential ?? Host.UI.PromptForCredential(Title ?? "PowerShell credential request", Message ?? "Enter your credentials.", UserName, string.Empty);
        if (got != null) WriteObject(got);
    }
}
