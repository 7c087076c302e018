// BundledEngine.cs - the engine package with our own everyday commands.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;

namespace Reactions.PowerShell;

sealed class BundledEngine : IEngine
{
    readonly InitialSessionState state = MakeState();

    public string Name => "bundled";
    public string Version { get; } = PSVersionInfo_();
    public IReadOnlyCollection<string> Missing { get; } = [];

    public Runspace Open(PSHost host)
    {
        Runspace runspace = RunspaceFactory.CreateRunspace(host, state);
        runspace.ThreadOptions = PSThreadOptions.UseCurrentThread;
        runspace.Open();
        return runspace;
    }

    static InitialSessionState MakeState()
    {
        InitialSessionState state = InitialSessionState.Create();
        CommandSet.AddTo(state);
        OctopusCommands.AddTo(state);
        return state;
    }

    static string PSVersionInfo_() => typeof(PSObject).Assembly.GetName().Version.ToString(3);
}
