// Files.cs - the file that a command's -Path, -FilePath or -OutFile names, opened; failures end the command.

using System;
using System.Collections.ObjectModel;
using System.IO;
using System.Management.Automation;

namespace Reactions.PowerShell.Engine;

internal static class Files
{
    // The file-system path; of an existing file where wildcards are allowed, else of one that may be made.
    public static string Resolve(PSCmdlet owner, string path, bool literal)
    {
        ProviderInfo provider = null;
        string found = null;
        if (!literal)
        {
            try
            {
                Collection<string> all = owner.SessionState.Path.GetResolvedProviderPathFromPSPath(path, out provider);
                if (all.Count > 1)
                    Refuse(owner, new NotSupportedException("Cannot perform operation because the path resolved to more than one file. This command cannot operate on multiple files."),
                        "ReadWriteMultipleFilesNotSupported", ErrorCategory.InvalidArgument, path);
                if (all.Count == 1) found = all[0];
                else if (WildcardPattern.ContainsWildcardCharacters(path))
                    Refuse(owner, new FileNotFoundException($"Cannot perform operation because the wildcard path {path} did not resolve to a file."), "FileOpenFailure", ErrorCategory.OpenError, path);
            }
            catch (ItemNotFoundException) { }
        }
        found ??= owner.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _);
        if (provider.Name != "FileSystem")
            Refuse(owner, new NotSupportedException($"Cannot open the file because the current provider ({provider.Name}) cannot open a file."), "ReadWriteFileNotFileSystemProvider", ErrorCategory.InvalidArgument, path);
        return found;
    }

    public static FileStream OpenToRead(PSCmdlet owner, string path, bool literal)
    {
        string file = Resolve(owner, path, literal);
        try { return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Refuse(owner, e, "FileOpenFailure", ErrorCategory.OpenError, path);
            throw;
        }
    }

    public static FileStream OpenToWrite(PSCmdlet owner, string path, bool literal, bool append, bool force, bool noClobber)
    {
        string file = Resolve(owner, path, literal);
        try
        {
            if (force && File.Exists(file) && new FileInfo(file) is { IsReadOnly: true } locked) locked.IsReadOnly = false;
            return new FileStream(file, append ? FileMode.Append : noClobber ? FileMode.CreateNew : FileMode.Create,
                FileAccess.Write, append ? FileShare.ReadWrite : FileShare.Read);
        }
        catch (IOException e) when (noClobber && File.Exists(file))
        {
            Refuse(owner, e, "NoClobber", ErrorCategory.ResourceExists, path);
            throw;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Refuse(owner, e, "FileOpenFailure", ErrorCategory.OpenError, path);
            throw;
        }
    }

    static void Refuse(Cmdlet owner, Exception e, string id, ErrorCategory category, object target) =>
        owner.ThrowTerminatingError(new ErrorRecord(e, id, category, target));
}
