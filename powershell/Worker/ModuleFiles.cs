// ModuleFiles.cs - the module files a reaction lists, where scripts look for them.
//
// `Add-Type -Path Vendor.Api.dll` finds a link in the folder the script starts in; `Import-Module Vendor.Api` and
// `Import-Module Vendor.Api.dll` find links on the module path; what one of them needs of the others is loaded from beside it.

using System.IO;

namespace Reactions.PowerShell;

internal static class ModuleFiles
{
    public static void Link(string folder, string modules, string name, string path)
    {
        if (string.IsNullOrEmpty(name) || Path.GetFileName(name) != name || name is "." or "..")
            throw new IOException($"'{name}' is not the name of a module file");
        if (!File.Exists(path))
            throw new FileNotFoundException($"The module '{name}' that the reaction lists is not at {path}.", path);
        string own = Path.Combine(modules, Path.GetFileNameWithoutExtension(name));
        Directory.CreateDirectory(own);
        LinkTo(Path.Combine(folder, name), path);
        LinkTo(Path.Combine(modules, name), path);
        LinkTo(Path.Combine(own, name), path);
    }

    static void LinkTo(string link, string path)
    {
        if (!File.Exists(link))
            File.CreateSymbolicLink(link, path);
    }
}
