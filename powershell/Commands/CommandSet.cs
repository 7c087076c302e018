// CommandSet.cs - puts the engine's own commands and ours into a session state.
//
// Everything is an explicit entry, listed here, made once per process and shared by all session states made from it:
// adding the set to a runspace costs about as much as the engine needs to copy the entries.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Microsoft.PowerShell.Commands;
using Reactions.PowerShell.Engine;

namespace Reactions.PowerShell;

public static class CommandSet
{
    static readonly Lazy<Parts> Prepared = new(Prepare);

    sealed record Parts(
        SessionStateCommandEntry[] Commands, SessionStateVariableEntry[] Variables, SessionStateProviderEntry[] Providers,
        SessionStateTypeEntry[] Types, SessionStateFormatEntry[] Formats);

    // The names of the commands that this set adds to the engine's own.
    public static IReadOnlyCollection<string> Names { get; } = CommandList.Cmdlets.Select(c => c.Name).ToArray();

    /// <summary>Adds the whole set to a state made by InitialSessionState.Create().</summary>
    public static void AddTo(InitialSessionState state)
    {
        Parts parts = Prepared.Value;
        state.LanguageMode = PSLanguageMode.FullLanguage;
        state.Commands.Add(parts.Commands);
        state.Variables.Add(parts.Variables);
        state.Providers.Add(parts.Providers);
        state.Types.Add(parts.Types);
        state.Formats.Add(parts.Formats);
    }

    static Parts Prepare()
    {
        // The engine's own part, as it would be in a default session: core commands, aliases, functions, preference
        // variables, providers, and the type and format data compiled into it.
        InitialSessionState engine = InitialSessionState.CreateDefault2();
        var modules = new Dictionary<string, PSModuleInfo>();
        var commands = new List<SessionStateCommandEntry>(engine.Commands);
        foreach (CommandList.Entry command in CommandList.Cmdlets)
        {
            var entry = new SessionStateCmdletEntry(command.Name, command.Type, HelpFile.Name(command.Module));
            if (!modules.TryGetValue(command.Module, out PSModuleInfo module))
            {
                modules[command.Module] = module = Inside.NewModule(command.Module, null, null, null);
                Inside.SetVersion(module, new Version(7, 0, 0, 0));
            }
            Inside.SetModule(entry, module);
            commands.Add(entry);
        }
        commands.AddRange(CommandList.Aliases.Select(a => new SessionStateAliasEntry(a.Name, a.Definition)));
        return new Parts([.. commands], [.. engine.Variables], [.. engine.Providers], [.. engine.Types], [.. engine.Formats]);
    }
}
