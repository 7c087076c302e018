// ItemPropertyCommands.cs - the *-ItemProperty family.

using System;
using System.Collections.ObjectModel;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets the properties of an item.</summary>
[Cmdlet(VerbsCommon.Get, "ItemProperty", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class GetItemPropertyCommand : FilteredPathCommand
{
    [Parameter(Position = 1)] [Alias("PSProperty")] public string[] Name { get; set; }

    protected override void ProcessRecord() => ForEachPath(path => NewContext().GetProperty(Providers, path, Name));
}

/// <summary>Gets the bare values of properties of an item.</summary>
[Cmdlet(VerbsCommon.Get, "ItemPropertyValue", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class GetItemPropertyValueCommand : FilteredPathCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public new string[] Path { get => base.Path; set => base.Path = value; }

    [Parameter(Position = 1, Mandatory = true)] [Alias("PSProperty")] public string[] Name { get; set; }

    protected override void ProcessRecord()
    {
        if (Path is not { Length: > 0 }) Path = ["."];
        ForEachPath(path =>
        {
            foreach (string one in Paths.GetResolvedPSPathFromPSPath(IsLiteral ? WildcardPattern.Escape(path) : path).Select(p => p.Path))
                foreach (string name in Name)
                    foreach (PSObject item in Providers.Property.Get([one], new Collection<string> { name }, true))
                    {
                        PSPropertyInfo property = item.Properties[name];
                        if (property?.Value is { } value) WriteObject(value);
                    }
        });
    }
}

/// <summary>Sets properties of an item.</summary>
[Cmdlet(VerbsCommon.Set, "ItemProperty", DefaultParameterSetName = "propertyValuePathSet", SupportsShouldProcess = true, SupportsTransactions = true)]
public class SetItemPropertyCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "propertyValuePathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, ParameterSetName = "propertyPSObjectPathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public string[] Path { get; set; }

    [Parameter(ParameterSetName = "propertyValueLiteralPathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = "propertyPSObjectLiteralPathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get => Path; set { _literal = true; Path = value; } }

    [Parameter(Position = 1, ParameterSetName = "propertyValuePathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 1, ParameterSetName = "propertyValueLiteralPathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSProperty")]
    public string Name { get; set; }

    [Parameter(Position = 2, ParameterSetName = "propertyValuePathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 2, ParameterSetName = "propertyValueLiteralPathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    public object Value { get; set; }

    [Parameter(ParameterSetName = "propertyPSObjectPathSet", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = "propertyPSObjectLiteralPathSet", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public PSObject InputObject { get; set; }

    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] public string Filter { get; set; }
    [Parameter] public string[] Include { get; set; }
    [Parameter] public string[] Exclude { get; set; }

    bool _literal;

    protected override void ProcessRecord()
    {
        PSObject values = InputObject;
        if (values == null)
        {
            values = new PSObject();
            values.Properties.Add(new PSNoteProperty(Name, Value));
        }
        foreach (string path in Path)
            ForPath(() =>
            {
                var context = new ProviderContext(this) { Force = Force, LiteralPath = _literal, PassThru = PassThru };
                context.SetFilters(Include, Exclude, Filter);
                context.SetProperty(Providers, path, values);
            });
    }
}

/// <summary>Adds a property to an item.</summary>
[Cmdlet(VerbsCommon.New, "ItemProperty", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class NewItemPropertyCommand : FilteredPathCommand
{
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] [Alias("PSProperty")] public string Name { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Alias("Type")] public string PropertyType { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public object Value { get; set; }

    protected override void ProcessRecord() => ForEachPath(path => NewContext().NewProperty(Providers, path, Name, PropertyType, Value));
}

/// <summary>Removes properties from an item.</summary>
[Cmdlet(VerbsCommon.Remove, "ItemProperty", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class RemoveItemPropertyCommand : FilteredPathCommand
{
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] [Alias("PSProperty")] public string[] Name { get; set; }

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        foreach (string name in Name) NewContext().RemoveProperty(Providers, path, name);
    });
}

/// <summary>Clears the value of a property of an item.</summary>
[Cmdlet(VerbsCommon.Clear, "ItemProperty", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class ClearItemPropertyCommand : FilteredPathCommand
{
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string Name { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        ProviderContext context = NewContext();
        context.PassThru = PassThru;
        context.ClearProperty(Providers, path, Name);
    });
}

/// <summary>Gives a property of an item a new name.</summary>
[Cmdlet(VerbsCommon.Rename, "ItemProperty", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class RenameItemPropertyCommand : FilteredPathCommand
{
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] [Alias("PSProperty")] public string Name { get; set; }
    [Parameter(Position = 2, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string NewName { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        ProviderContext context = NewContext();
        context.PassThru = PassThru;
        context.RenameProperty(Providers, path, Name, NewName);
    });
}

public abstract class TransferItemPropertyCommand : FilteredPathCommand
{
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string Destination { get; set; }
    [Parameter(Position = 2, Mandatory = true, ValueFromPipelineByPropertyName = true)] [Alias("PSProperty")] public string[] Name { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    internal abstract void Transfer(ProviderContext context, string path, string name);

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        foreach (string name in Name)
        {
            ProviderContext context = NewContext();
            context.PassThru = PassThru;
            Transfer(context, path, name);
        }
    });
}

/// <summary>Copies a property from one item to another.</summary>
[Cmdlet(VerbsCommon.Copy, "ItemProperty", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class CopyItemPropertyCommand : TransferItemPropertyCommand
{
    internal override void Transfer(ProviderContext context, string path, string name) => context.CopyProperty(Providers, path, name, Destination, name);
}

/// <summary>Moves a property from one item to another.</summary>
[Cmdlet(VerbsCommon.Move, "ItemProperty", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class MoveItemPropertyCommand : TransferItemPropertyCommand
{
    internal override void Transfer(ProviderContext context, string path, string name) => context.MoveProperty(Providers, path, name, Destination, name);
}
