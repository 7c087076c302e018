// InstalledEngine.cs - a full PowerShell as a worker: the process is pwsh, which loaded us by start.ps1.

using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;

namespace Reactions.PowerShell;

public sealed class InstalledEngine : IEngine
{
    readonly InitialSessionState state = MakeState();

    public string Name => "pwsh";
    public IReadOnlyCollection<string> Missing => [];

    public static void Serve() => Worker.Serve(new InstalledEngine());

    public Runspace Open(PSHost host, string folder)
    {
        Runspace runspace = RunspaceFactory.CreateRunspace(host, state);
        runspace.ThreadOptions = PSThreadOptions.UseCurrentThread;
        runspace.Open();
        runspace.SessionStateProxy.Path.SetLocation(folder);
        return runspace;
    }

    public void Suit(Runspace runspace, string script) { }

    // With all of its own modules' commands at once: loading them when a script first uses one costs 20 ms.
    static InitialSessionState MakeState()
    {
        InitialSessionState state = InitialSessionState.CreateDefault();
        OctopusCommands.AddTo(state);
        return state;
    }
}
