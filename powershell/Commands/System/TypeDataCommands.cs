// TypeDataCommands.cs - Update-, Get-, Remove-TypeData.

using System;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Reflection;
using System.Runtime.CompilerServices;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Adds members to a type, for this session.</summary>
[Cmdlet(VerbsData.Update, "TypeData", DefaultParameterSetName = "FileSet", SupportsShouldProcess = true)]
public class UpdateTypeDataCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "FileSet", Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] [Alias("PSPath", "Path")] public string[] AppendPath { get; set; } = [];
    [Parameter(ParameterSetName = "FileSet")] public string[] PrependPath { get; set; } = [];

    [Parameter(ParameterSetName = "DynamicTypeSet")] [Alias("Type")] public PSMemberTypes MemberType { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string MemberName { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public object Value { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public object SecondValue { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public Type TypeConverter { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public Type TypeAdapter { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string SerializationMethod { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public Type TargetTypeForDeserialization { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public int SerializationDepth { get; set; } = -1;
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string DefaultDisplayProperty { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public bool? InheritPropertySerializationSet { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string StringSerializationSource { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string[] DefaultDisplayPropertySet { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string[] DefaultKeyPropertySet { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] public string[] PropertySerializationSet { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet", Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)] public string TypeName { get; set; }
    [Parameter(ParameterSetName = "DynamicTypeSet")] [Parameter(ParameterSetName = "TypeDataSet")] public SwitchParameter Force { get; set; }
    [Parameter(ParameterSetName = "TypeDataSet", Mandatory = true, Position = 0, ValueFromPipeline = true)] public TypeData[] TypeData { get; set; }

    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case "FileSet":
                foreach (string path in PrependPath.Concat(AppendPath))
                    Apply(() => TypeDataTable.AddFile(this, path));
                break;
            case "TypeDataSet":
                foreach (TypeData data in TypeData) Apply(() => TypeDataTable.Add(this, data, Force));
                break;
            default:
                if (Described() is { } made) Apply(() => TypeDataTable.Add(this, made, Force));
                break;
        }

        void Apply(Action work)
        {
            if (!ShouldProcess(TypeName ?? "type data", "Update TypeData")) return;
            try { work(); }
            catch (Exception e) when (e is RuntimeException or System.IO.IOException)
            {
                WriteError(new ErrorRecord(e, e is RuntimeException ? "DynamicUpdateTypeDataError" : "TypesXmlUpdateException", ErrorCategory.InvalidOperation, null));
            }
        }
    }

    TypeData Described()
    {
        string name = LanguagePrimitives.TryConvertTo(TypeName, out Type type) ? type.FullName : TypeName;
        var data = new TypeData(name) { IsOverride = Force };
        if (MyInvocation.BoundParameters.ContainsKey(nameof(MemberType)))
        {
            if (string.IsNullOrWhiteSpace(MemberName) || Member() is not { } member)
            {
                WriteError(new ErrorRecord(new InvalidOperationException($"Cannot add a member of type \"{MemberType}\" named \"{MemberName}\": give -MemberName and -Value that fit."), "MemberTypeNotValid", ErrorCategory.InvalidArgument, MemberType));
                return null;
            }
            data.Members.Add(MemberName, member);
        }
        if (DefaultDisplayProperty != null) data.DefaultDisplayProperty = DefaultDisplayProperty;
        if (DefaultDisplayPropertySet != null) data.DefaultDisplayPropertySet = new PropertySetData(DefaultDisplayPropertySet);
        if (DefaultKeyPropertySet != null) data.DefaultKeyPropertySet = new PropertySetData(DefaultKeyPropertySet);
        if (PropertySerializationSet != null) data.PropertySerializationSet = new PropertySetData(PropertySerializationSet);
        if (TypeConverter != null) data.TypeConverter = TypeConverter;
        if (TypeAdapter != null) data.TypeAdapter = TypeAdapter;
        if (SerializationMethod != null) data.SerializationMethod = SerializationMethod;
        if (TargetTypeForDeserialization != null) data.TargetTypeForDeserialization = TargetTypeForDeserialization;
        if (SerializationDepth >= 0) data.SerializationDepth = (uint)SerializationDepth;
        if (InheritPropertySerializationSet is { } inherit) data.InheritPropertySerializationSet = inherit;
        if (StringSerializationSource != null) data.StringSerializationSource = StringSerializationSource;
        return data;
    }

    TypeMemberData Member() => MemberType switch {
        PSMemberTypes.NoteProperty => new NotePropertyData(MemberName, Value),
        PSMemberTypes.AliasProperty => new AliasPropertyData(MemberName, LanguagePrimitives.ConvertTo<string>(Value), SecondValue == null ? null : LanguagePrimitives.ConvertTo<Type>(SecondValue)),
        PSMemberTypes.ScriptProperty => new ScriptPropertyData(MemberName, Value as ScriptBlock ?? (Value as PSObject)?.BaseObject as ScriptBlock, SecondValue as ScriptBlock ?? (SecondValue as PSObject)?.BaseObject as ScriptBlock),
        PSMemberTypes.ScriptMethod => new ScriptMethodData(MemberName, LanguagePrimitives.ConvertTo<ScriptBlock>(Value)),
        PSMemberTypes.CodeProperty => new CodePropertyData(MemberName, LanguagePrimitives.ConvertTo<MethodInfo>(Value), LanguagePrimitives.ConvertTo<MethodInfo>(SecondValue)),
        PSMemberTypes.CodeMethod => new CodeMethodData(MemberName, LanguagePrimitives.ConvertTo<MethodInfo>(Value)),
        _ => null };
}

/// <summary>Gets the type data of this session.</summary>
[Cmdlet(VerbsCommon.Get, "TypeData")]
[OutputType(typeof(TypeData))]
public class GetTypeDataCommand : PSCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true)] [ValidateNotNullOrEmpty] public string[] TypeName { get; set; }

    protected override void ProcessRecord()
    {
        foreach (TypeData data in TypeDataTable.All(this))
            if (TypeName == null || TypeName.Any(n => WildcardPattern.Get(n, WildcardOptions.IgnoreCase).IsMatch(data.TypeName)))
                WriteObject(data);
    }
}

/// <summary>Removes type data from this session.</summary>
[Cmdlet(VerbsCommon.Remove, "TypeData", DefaultParameterSetName = "RemoveTypeDataSet", SupportsShouldProcess = true)]
public class RemoveTypeDataCommand : PSCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "RemoveTypeSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string TypeName { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "RemoveTypeDataSet", ValueFromPipeline = true)] public TypeData TypeData { get; set; }

    protected override void ProcessRecord()
    {
        string name = TypeName ?? TypeData.TypeName;
        if (!ShouldProcess(name, "Remove TypeData")) return;
        if (LanguagePrimitives.TryConvertTo(name, out Type type)) name = type.FullName;
        if (TypeDataTable.All(this).All(d => !string.Equals(d.TypeName, name, StringComparison.OrdinalIgnoreCase)))
        {
            WriteError(new ErrorRecord(new InvalidOperationException($"The type \"{name}\" was not found."), "TypeNotFound", ErrorCategory.InvalidOperation, name));
            return;
        }
        TypeDataTable.Remove(this, name);
    }
}

// The type table of the session a command runs in. A host may let sessions share one; the first change gives this
// session a copy of its own.
internal static class TypeDataTable
{
    static readonly ConditionalWeakTable<TypeTable, object> Own = [];

    public static void Add(PSCmdlet owner, TypeData data, bool replace)
    {
        data.IsOverride |= replace;
        ToChange(owner).AddType(data);
    }

    public static void Remove(PSCmdlet owner, string name) => ToChange(owner).RemoveType(name);
    public static TypeData[] All(PSCmdlet owner) => [.. Inside.AllTypeData(Inside.TypeTable(Inside.Context(owner))).Values];

    // A types file is read into a table of its own and taken over from there.
    public static void AddFile(PSCmdlet owner, string path)
    {
        string file = owner.GetResolvedProviderPathFromPSPath(path, out _).First();
        foreach (TypeData data in Inside.AllTypeData(new TypeTable([file])).Values) Add(owner, data, false);
    }

    static TypeTable ToChange(PSCmdlet owner)
    {
        object context = Inside.Context(owner);
        TypeTable table = Inside.TypeTable(context);
        if (Own.TryGetValue(table, out _)) return table;
        TypeTable copy = table.Clone(true);
        Own.Add(copy, null);
        Inside.SetTypeTable(context, copy);
        return copy;
    }
}
