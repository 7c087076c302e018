// ItemCommands.cs - Get-, Set-, New-, Remove-, Copy-, Move-, Rename-, Clear-, Invoke-Item, Get-ChildItem.

using System;
using System.IO;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets the item at a path.</summary>
[Cmdlet(VerbsCommon.Get, "Item", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class GetItemCommand : FilteredPathCommand
{
    internal override object ProviderParameters(ProviderContext context, string path) => context.GetItemParameters(Providers, path);
    protected override void ProcessRecord() => ForEachPath(path => NewContext().GetItem(Providers, path));
}

/// <summary>Gets the items below a path.</summary>
[Cmdlet(VerbsCommon.Get, "ChildItem", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class GetChildItemCommand : FilteredPathCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public new string[] Path { get => base.Path; set => base.Path = value; }

    [Parameter(Position = 1)] public new string Filter { get => base.Filter; set => base.Filter = value; }
    [Parameter] [Alias("s")] public SwitchParameter Recurse { get; set; }
    [Parameter] public uint Depth { get => _depth; set { _depth = value; Recurse = true; } }
    [Parameter] public SwitchParameter Name { get; set; }

    uint _depth = uint.MaxValue;

    internal override object ProviderParameters(ProviderContext context, string path) => context.GetChildItemsParameters(Providers, path, Recurse);

    protected override void ProcessRecord()
    {
        if (Path is not { Length: > 0 }) Path = [string.Empty];
        ForEachPath(path =>
        {
            if (Name) NewContext().GetChildNames(Providers, path, ReturnContainers.ReturnMatchingContainers, Recurse, _depth);
            else NewContext().GetChildItems(Providers, path, Recurse, _depth);
        });
    }
}

/// <summary>Sets the value of an item.</summary>
[Cmdlet(VerbsCommon.Set, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class SetItemCommand : FilteredPathCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public new string[] Path { get => base.Path; set => base.Path = value; }

    [Parameter(Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public object Value { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    internal override object ProviderParameters(ProviderContext context, string path) => context.SetItemParameters(Providers, path, Value);

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        ProviderContext context = NewContext();
        context.PassThru = PassThru;
        context.SetItem(Providers, path, Value);
    });
}

/// <summary>Makes a new item: a file, a directory, a link, a variable.</summary>
[Cmdlet(VerbsCommon.New, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class NewItemCommand : ProviderCommand, IDynamicParameters
{
    [Parameter(Position = 0, ParameterSetName = "Path", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipelineByPropertyName = true)]
    public string[] Path { get; set; }

    [Parameter(ParameterSetName = "Name", Mandatory = true, ValueFromPipelineByPropertyName = true)] [AllowNull] [AllowEmptyString]
    public string Name { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)] [Alias("Type")] public string ItemType { get; set; }
    [Parameter(ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] [Alias("Target")] public object Value { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    object _providerParameters;

    internal override ProviderContext NewContext() => new(this) { Force = Force, DynamicParameters = _providerParameters };

    public object GetDynamicParameters() =>
        _providerParameters = OrNone(() => NewContext().NewItemParameters(Providers, Path is { Length: > 0 } ? Path[0] : ".", ItemType, Value));

    protected override void ProcessRecord()
    {
        foreach (string path in Path is { Length: > 0 } ? Path : [string.Empty])
            ForPath(() => NewContext().NewItem(Providers, path, Name, ItemType, Value));
    }
}

/// <summary>Removes items.</summary>
[Cmdlet(VerbsCommon.Remove, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class RemoveItemCommand : FilteredPathCommand
{
    [Parameter] public SwitchParameter Recurse { get; set; }

    bool _yesToAll, _noToAll;

    internal override object ProviderParameters(ProviderContext context, string path) => context.RemoveItemParameters(Providers, path, Recurse);

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        foreach (PathInfo found in NewContext().ResolvedPaths(Paths, path))
            RemoveOne(found);
    });

    void RemoveOne(PathInfo found)
    {
        ProviderContext context = NewContext();
        context.LiteralPath = true;
        string path = found.Path;
        if (context.IsCurrentLocationOrAncestor(Paths, path) && context.IsContainer(Providers, path))
        {
            var inUse = new PSInvalidOperationException($"Cannot remove the item at '{path}' because it is in use.");
            WriteError(new ErrorRecord(inUse.ErrorRecord, inUse));
            return;
        }
        bool recurse = Recurse;
        // Of a link to a directory the link goes, and nothing behind it.
        if (found.Provider.Name == "FileSystem" && new DirectoryInfo(found.ProviderPath).LinkTarget != null) recurse = false;
        else if (!recurse && context.HasChild(Providers, path))
        {
            // Neither -Confirm:$false nor -WhatIf answers this.
            if (!ShouldContinue($"The item at {path} has children and the Recurse parameter was not specified. If you continue, all children will be removed with the item. Are you sure you want to continue?",
                    "Confirm", ref _yesToAll, ref _noToAll))
                return;
            recurse = true;
        }
        // Filters chose the items; below a chosen directory they do not apply.
        var remove = new ProviderContext(this) { Force = Force, LiteralPath = true };
        remove.RemoveItem(Providers, path, recurse);
    }
}

/// <summary>Copies items.</summary>
[Cmdlet(VerbsCommon.Copy, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class CopyItemCommand : FilteredPathCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)] public string Destination { get; set; }
    [Parameter] public SwitchParameter Container { get; set; } = true;
    [Parameter] public SwitchParameter Recurse { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    internal override object ProviderParameters(ProviderContext context, string path) => context.CopyItemParameters(Providers, path, Destination, Recurse);

    protected override void ProcessRecord()
    {
        CopyContainers how = Container ? CopyContainers.CopyTargetContainer : CopyContainers.CopyChildrenOfTargetContainer;
        ForEachPath(path =>
        {
            ProviderContext context = NewContext();
            context.PassThru = PassThru;
            context.CopyItem(Providers, path, Destination, Recurse, how);
        });
    }
}

/// <summary>Moves items.</summary>
[Cmdlet(VerbsCommon.Move, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class MoveItemCommand : FilteredPathCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)] public string Destination { get; set; } = ".";
    [Parameter] public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        foreach (PathInfo found in NewContext().ResolvedPaths(Paths, path))
        {
            ProviderContext context = NewContext();
            context.LiteralPath = true;
            if (context.IsCurrentLocationOrAncestor(Paths, found.Path))
            {
                var inUse = new PSInvalidOperationException($"Cannot move item because the item at '{found.Path}' is in use.");
                WriteError(new ErrorRecord(inUse.ErrorRecord, inUse));
                continue;
            }
            context.PassThru = PassThru;
            context.MoveItem(Providers, found.Path, Destination);
        }
    });
}

/// <summary>Gives an item a new name in the same place.</summary>
[Cmdlet(VerbsCommon.Rename, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class RenameItemCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string Path { get; set; }

    [Parameter(ParameterSetName = "LiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string LiteralPath { get => Path; set { _literal = true; Path = value; } }

    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string NewName { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    bool _literal;

    internal override ProviderContext NewContext() => new(this) { Force = Force, LiteralPath = _literal };

    protected override void ProcessRecord() => ForPath(() =>
    {
        if (!NewContext().ItemExists(Providers, Path))
        {
            Refuse($"Cannot rename because item at '{Path}' does not exist.");
            return;
        }
        if (NewContext().IsCurrentLocationOrAncestor(Paths, Path))
        {
            Refuse($"Cannot rename the item at '{Path}' because it is in use.");
            return;
        }
        ProviderContext context = NewContext();
        context.PassThru = PassThru;
        context.RenameItem(Providers, Path, NewName);
    });

    void Refuse(string why)
    {
        var e = new PSInvalidOperationException(why);
        WriteError(new ErrorRecord(e.ErrorRecord, e));
    }
}

/// <summary>Clears the value of an item.</summary>
[Cmdlet(VerbsCommon.Clear, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class ClearItemCommand : FilteredPathCommand
{
    protected override void ProcessRecord() => ForEachPath(path => NewContext().ClearItem(Providers, path));
}

/// <summary>Runs the default action of an item.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "Item", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class InvokeItemCommand : FilteredPathCommand
{
    protected override void ProcessRecord() => ForEachPath(path => NewContext().InvokeItem(Providers, path));
}
