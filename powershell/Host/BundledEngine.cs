// BundledEngine.cs - the engine package with our own everyday commands.
//
// Opening a runspace is what a run costs most, so what can be made once is: a model runspace is opened in the ordinary
// way, and its type and format data and the shape of its providers and drives serve all later ones. The engine would read
// 200 type definitions again for each, and ask the kernel about every mounted file system to find the one drive that matters, `/`.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Text.RegularExpressions;

namespace Reactions.PowerShell;

sealed partial class BundledEngine : IEngine
{
    readonly record struct ModelDrive(PSDriveInfo Drive, bool VolumeSeparatedByColon);
    readonly record struct ModelProvider(ProviderInfo Provider, ModelDrive[] Drives);

    // Commands of a full PowerShell on Linux that scripts in use were seen to call, or that their authors look for.
    static readonly string[] Known = [
        "Start-ThreadJob", "Test-Json", "Test-Connection", "Send-MailMessage", "ConvertFrom-Markdown", "Get-Clipboard", "Set-Clipboard", "Get-Acl", "Set-Acl",
        "Get-PackageProvider", "Install-PackageProvider", "Find-Module", "Install-Module", "Save-Module", "Restart-Computer", "Trace-Command", "Set-PSBreakpoint", "Get-Uptime", "Import-PowerShellDataFile",
        "Get-Error", "Get-Verb", "New-FileCatalog", "Protect-CmsMessage", "Unprotect-CmsMessage", "Register-ObjectEvent", "Register-EngineEvent", "Wait-Event", "Debug-Runspace", "Get-Runspace", "Select-Xml", "Export-Clixml", "Import-Clixml"];

    readonly InitialSessionState quick;     // without what is added to each runspace by hand
    readonly TypeTable types;
    readonly object formats;
    readonly ModelProvider[] providers;

    public BundledEngine() : this(true) { }

    // ours: with the everyday commands. Without them is what bench/run measures their cost against.
    internal BundledEngine(bool ours)
    {
        InitialSessionState whole = State(ours);
        using Runspace model = RunspaceFactory.CreateRunspace(whole);
        model.Open();
        object context = EngineDoors.Context(model);
        types = EngineDoors.Types(context);
        formats = EngineDoors.Formats(context);
        providers = [.. model.SessionStateProxy.Provider.GetAll().Select(p => new ModelProvider(p, [.. p.Drives.Select(d => new ModelDrive(d, EngineDoors.VolumeSeparatedByColon(d)))]))];

        quick = State(ours);
        quick.Types.Clear();
        quick.Formats.Clear();
        quick.Providers.Clear();
    }

    static InitialSessionState State(bool ours)
    {
        InitialSessionState state = InitialSessionState.Create();
        CommandSet.AddTo(state);
        if (!ours)
            foreach (string name in CommandSet.Names) state.Commands.Remove(name, typeof(SessionStateCmdletEntry));
        OctopusCommands.AddTo(state);
        return state;
    }

    public string Name => "bundled";
    public IReadOnlyCollection<string> Missing { get; } = [.. Known.Except(CommandSet.Names, StringComparer.OrdinalIgnoreCase)];

    public Runspace Open(PSHost host, string folder)
    {
        Runspace runspace = RunspaceFactory.CreateRunspace(host, quick);
        runspace.ThreadOptions = PSThreadOptions.UseCurrentThread;
        runspace.Open();
        object context = EngineDoors.Context(runspace);
        EngineDoors.SetTypes(context, types);
        EngineDoors.SetFormats(context, formats);
        AddProviders(EngineDoors.SessionState(context), folder);
        runspace.SessionStateProxy.SetVariable("PWD", runspace.SessionStateProxy.Path.CurrentLocation);
        return runspace;
    }

    void AddProviders(object state, string folder)
    {
        SessionState session = EngineDoors.NewSessionState(state);
        object scope = EngineDoors.GlobalScope(state);
        foreach ((ProviderInfo model, ModelDrive[] drives) in providers)
        {
            ProviderInfo provider = EngineDoors.NewProvider(session, model.ImplementingType, model.Name, model.HelpFile, model.PSSnapIn);
            provider.Home = model.Home;
            EngineDoors.SetVolumeSeparatedByColon(provider, model.VolumeSeparatedByColon);
            EngineDoors.AddProvider(state, provider);
            EngineDoors.WorkingDrives(state).Add(provider, null);
            foreach ((PSDriveInfo modelDrive, bool colon) in drives)
            {
                var drive = new PSDriveInfo(modelDrive.Name, provider, modelDrive.Root, modelDrive.Description, null);
                EngineDoors.SetVolumeSeparatedByColon(drive, colon);
                EngineDoors.AddDrive(scope, drive);
                if (drive.Name != "/")
                    continue;
                drive.CurrentLocation = folder[1..];
                EngineDoors.SetCurrentDrive(state, drive);
                EngineDoors.WorkingDrives(state)[provider] = drive;
            }
        }
    }

    // All runspaces share one table of types. A script that may change it gets a copy of its own.
    public void Suit(Runspace runspace, string script)
    {
        if (MayChangeTypes().IsMatch(script))
            EngineDoors.SetTypes(EngineDoors.Context(runspace), EngineDoors.Copy(types, true));
    }

    [GeneratedRegex("TypeData|module|ipmo|ps1xml", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex MayChangeTypes();
}
