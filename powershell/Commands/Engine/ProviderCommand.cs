// ProviderCommand.cs - what the commands that work on paths of providers have in common.

using System;
using System.Management.Automation;

namespace Reactions.PowerShell.Engine;

// A command that calls into providers: contexts, and errors that belong to one path only.
public abstract class ProviderCommand : PSCmdlet
{
    internal ProviderIntrinsics Providers => SessionState.InvokeProvider;
    internal PathIntrinsics Paths => SessionState.Path;

    internal virtual ProviderContext NewContext() => new(this);

    // A path that leads nowhere adds no parameters; the command itself says what is wrong with it.
    internal static object OrNone(Func<object> parameters)
    {
        try { return parameters(); }
        catch (Exception e) when (e is ItemNotFoundException or ProviderNotFoundException or DriveNotFoundException) { return null; }
    }

    // What fails about one path is reported, and the next path gets its turn.
    internal void ForPath(Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is PSNotSupportedException or DriveNotFoundException or ProviderNotFoundException or ItemNotFoundException or PSArgumentException)
        {
            WriteError(new ErrorRecord(((IContainsErrorRecord)e).ErrorRecord, e));
        }
    }
}

// Reads -Path, in which wildcards count, or -LiteralPath.
public abstract class PathCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string[] Path { get; set; }

    [Parameter(ParameterSetName = "LiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get => Path; set { IsLiteral = true; Path = value; } }

    protected bool IsLiteral { get; private set; }

    internal override ProviderContext NewContext() => new(this) { LiteralPath = IsLiteral };

    internal void ForEachPath(Action<string> work)
    {
        foreach (string path in Path)
            ForPath(() => work(path));
    }
}

// As PathCommand, with filters, -Force and -Credential, and the parameters that the path's provider adds.
public abstract class FilteredPathCommand : PathCommand, IDynamicParameters
{
    [Parameter] public string Filter { get; set; }
    [Parameter] public string[] Include { get; set; } = [];
    [Parameter] public string[] Exclude { get; set; } = [];
    [Parameter] public virtual SwitchParameter Force { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    object _providerParameters;

    internal override ProviderContext NewContext()
    {
        var context = new ProviderContext(this, Credential == PSCredential.Empty ? null : Credential) {
            Force = Force, LiteralPath = IsLiteral, DynamicParameters = _providerParameters };
        context.SetFilters(Include, Exclude, Filter);
        return context;
    }

    // The provider's own parameters for this command, for example -Encoding; null where it has none.
    internal virtual object ProviderParameters(ProviderContext context, string path) => null;

    public object GetDynamicParameters() => _providerParameters =
        OrNone(() => ProviderParameters(NewContext(), Path is { Length: > 0 } && !string.IsNullOrEmpty(Path[0]) ? Path[0] : "."));
}
