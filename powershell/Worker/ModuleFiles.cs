// ModuleFiles.cs - the module files a reaction lists, where scripts look for them.
//
// `Add-Type -Path Vendor.Api.dll` finds a link in the folder the script starts in; `Import-Module Vendor.Api` and
// `Import-Module Vendor.Api.dll` find links on the module path; what one of them needs of the others is loaded from beside it.

using System;
using System.Collections.Concurrent;
using System.IO;
using System.Runtime.Loader;

namespace Reactions.PowerShell;

internal static class ModuleFiles
{
    // Simple name to path, of the files that reactions of this process listed. A process belongs to one reaction.
    static readonly ConcurrentDictionary<string, string> Listed = new(StringComparer.OrdinalIgnoreCase);

    // An assembly that another one needs is found among the listed files, wherever the first was loaded from.
    static ModuleFiles() => AssemblyLoadContext.Default.Resolving += (context, wanted) =>
        wanted.Name != null && Listed.TryGetValue(wanted.Name, out string path) && File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;

    public static void Link(string folder, string modules, string name, string path)
    {
        if (string.IsNullOrEmpty(name) || Path.GetFileName(name) != name || name is "." or "..")
            throw new IOException($"'{name}' is not the name of a module file");
        if (!File.Exists(path))
            throw new FileNotFoundException($"The module '{name}' that the reaction lists is not at {path}.", path);
        Listed[Path.GetFileNameWithoutExtension(name)] = path;
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
