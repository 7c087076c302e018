// FileHashCommand.cs - Get-FileHash.

using System;
using System.Collections.ObjectModel;
using System.IO;
using System.Management.Automation;
using System.Security.Cryptography;

namespace Microsoft.PowerShell.Commands;

public class FileHashInfo
{
    public string Algorithm { get; set; }
    public string Hash { get; set; }
    public string Path { get; set; }
}

/// <summary>Computes the hash of a file or stream.</summary>
[Cmdlet(VerbsCommon.Get, "FileHash", DefaultParameterSetName = "Path")]
[OutputType(typeof(FileHashInfo))]
public class GetFileHashCommand : PSCmdlet
{
    [Parameter(Mandatory = true, ParameterSetName = "Path", Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] Path { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", Position = 0, ValueFromPipelineByPropertyName = true)] [Alias("PSPath", "LP")] public string[] LiteralPath { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "StreamParameterSet", Position = 0)] public Stream InputStream { get; set; }
    [Parameter(Position = 1)] [ValidateSet("SHA1", "SHA256", "SHA384", "SHA512", "MD5")] public string Algorithm { get; set; } = "SHA256";

    protected override void ProcessRecord()
    {
        foreach (string path in Path ?? LiteralPath ?? [])
        {
            try
            {
                Collection<string> files = LiteralPath == null ? SessionState.Path.GetResolvedProviderPathFromPSPath(path, out _)
                    : [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)];
                foreach (string file in files) OfFile(file);
            }
            catch (ItemNotFoundException) when (WildcardPattern.ContainsWildcardCharacters(path)) { }
            catch (ItemNotFoundException e) { WriteError(new ErrorRecord(e, "FileNotFound", ErrorCategory.ObjectNotFound, path)); }
        }
    }

    protected override void EndProcessing()
    {
        if (InputStream != null) Write(InputStream, "");
    }

    void OfFile(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            Write(stream, file);
        }
        catch (FileNotFoundException e) { WriteError(new ErrorRecord(e, "FileNotFound", ErrorCategory.ObjectNotFound, file)); }
        catch (UnauthorizedAccessException e) { WriteError(new ErrorRecord(e, "UnauthorizedAccessError", ErrorCategory.InvalidData, file)); }
        catch (IOException e) { WriteError(new ErrorRecord(e, "FileReadError", ErrorCategory.ReadError, file)); }
    }

    void Write(Stream stream, string path)
    {
        string name = Algorithm.ToUpperInvariant();
        byte[] hash = name switch {
            "MD5" => MD5.HashData(stream), "SHA1" => SHA1.HashData(stream), "SHA384" => SHA384.HashData(stream), "SHA512" => SHA512.HashData(stream), _ => SHA256.HashData(stream) };
        WriteObject(new FileHashInfo { Algorithm = name, Hash = Convert.ToHexString(hash), Path = path });
    }
}
