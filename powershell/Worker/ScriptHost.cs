// ScriptHost.cs - what the engine takes for its user: nobody who can answer, and a log that listens.
//
// One per runspace. Before and after a run nothing listens and what is written is dropped.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Security;

namespace Reactions.PowerShell;

internal sealed class ScriptHost : PSHost
{
    readonly ScriptUserInterface ui = new();

    // Set while a run uses this host's runspace.
    public RunLog Log { get => ui.Log; set => ui.Log = value; }

    // What `exit N` asked for.
    public int? ExitCode { get; private set; }

    public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;
    public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;
    public override Guid InstanceId { get; } = Guid.NewGuid();
    public override string Name => "Octopus Reactions";
    public override PSHostUserInterface UI => ui;
    public override Version Version { get; } = new(1, 0);

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;
    public override void EnterNestedPrompt() => throw new NobodyThereException("A nested prompt");
    public override void ExitNestedPrompt() { }
    public override void NotifyBeginApplication() { }
    public override void NotifyEndApplication() { }
}

// Read-Host, Get-Credential, a missing mandatory parameter: nobody is there to answer.
internal sealed class NobodyThereException(string what)
    : HostException($"{what} needs a person to answer; a reaction's script runs without one. Give the value as a parameter or variable.",
        null, "HostFunctionNotImplemented", ErrorCategory.NotImplemented);    // the id and category of a host that cannot ask

internal sealed class ScriptUserInterface : PSHostUserInterface
{
    public volatile RunLog Log;

    public override PSHostRawUserInterface RawUI { get; } = new ScriptRawUserInterface();

    public override void Write(string value) => Log?.AddHostPart(value, false);
    public override void Write(ConsoleColor foregroundColor, ConsoleColor backgroundColor, string value) => Write(value);
    public override void WriteLine(string value) => Log?.AddHostPart(value, true);
    public override void WriteErrorLine(string value) => Log?.Add(Level.Error, value);
    public override void WriteDebugLine(string message) => Log?.Add(Level.Debug, message);
    public override void WriteVerboseLine(string message) => Log?.Add(Level.Verbose, message);
    public override void WriteWarningLine(string message) => Log?.Add(Level.Warning, message);
    public override void WriteProgress(long sourceId, ProgressRecord record) { }

    public override string ReadLine() => throw new NobodyThereException("Read-Host");
    public override SecureString ReadLineAsSecureString() => throw new NobodyThereException("Read-Host");
    public override Dictionary<string, PSObject> Prompt(string caption, string message, Collection<FieldDescription> descriptions)
        => throw new NobodyThereException("A prompt");
    public override int PromptForChoice(string caption, string message, Collection<ChoiceDescription> choices, int defaultChoice)
        => throw new NobodyThereException("A choice (-Confirm, or a preference set to Inquire)");
    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName)
        => throw new NobodyThereException("Get-Credential");
    public override PSCredential PromptForCredential(string caption, string message, string userName, string targetName, PSCredentialTypes allowedCredentialTypes, PSCredentialUIOptions options)
        => throw new NobodyThereException("Get-Credential");
}

// Scripts ask for the window's width, and set its title.
internal sealed class ScriptRawUserInterface : PSHostRawUserInterface
{
    public override ConsoleColor BackgroundColor { get; set; } = ConsoleColor.Black;
    public override ConsoleColor ForegroundColor { get; set; } = ConsoleColor.White;
    public override Size BufferSize { get; set; } = new(120, 300);
    public override Coordinates CursorPosition { get; set; }
    public override int CursorSize { get; set; } = 25;
    public override bool KeyAvailable => false;
    public override Size MaxPhysicalWindowSize => new(120, 300);
    public override Size MaxWindowSize => new(120, 300);
    public override Coordinates WindowPosition { get; set; }
    public override Size WindowSize { get; set; } = new(120, 50);
    public override string WindowTitle { get; set; } = "Octopus Reactions";

    public override void FlushInputBuffer() { }
    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => new BufferCell[0, 0];
    public override KeyInfo ReadKey(ReadKeyOptions options) => throw new NobodyThereException("ReadKey");
    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) { }
    public override void SetBufferContents(Rectangle rectangle, BufferCell fill) { }
    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) { }
}
