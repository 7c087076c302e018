// MemberCommands.cs - Get-Member, Add-Member.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Reflection;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>One member of a type.</summary>
public class MemberDefinition
{
    public MemberDefinition(string typeName, string name, PSMemberTypes memberType, string definition) =>
        (TypeName, Name, MemberType, Definition) = (typeName, name, memberType, definition);

    public string TypeName { get; }
    public string Name { get; }
    public PSMemberTypes MemberType { get; }
    public string Definition { get; }

    public override string ToString() => Definition;
}

/// <summary>Gets the members of objects, once per type.</summary>
[Cmdlet(VerbsCommon.Get, "Member")]
[OutputType(typeof(MemberDefinition))]
public class GetMemberCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; }
    [Parameter(Position = 0)] [ValidateNotNullOrEmpty] public string[] Name { get; set; } = ["*"];
    [Parameter] [Alias("Type")] public PSMemberTypes MemberType { get; set; } = PSMemberTypes.All;
    [Parameter] public PSMemberViewTypes View { get; set; } = PSMemberViewTypes.Adapted | PSMemberViewTypes.Extended;
    [Parameter] public SwitchParameter Static { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    readonly HashSet<string> _types = new(StringComparer.OrdinalIgnoreCase);

    protected override void ProcessRecord()
    {
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        Type type = InputObject.BaseObject as Type ?? InputObject.BaseObject.GetType();
        string typeName = Static ? type.FullName : InputObject.TypeNames.FirstOrDefault() ?? type.FullName;
        if (!_types.Add(typeName)) return;
        var members = (Static ? StaticMembers(type, typeName) : Name.SelectMany(n => Members(n, typeName)))
            .GroupBy(m => m.Name, StringComparer.OrdinalIgnoreCase).Select(g => g.First())
            .OrderBy(m => m.MemberType.ToString(), StringComparer.OrdinalIgnoreCase).ThenBy(m => m.Name, StringComparer.OrdinalIgnoreCase);
        foreach (MemberDefinition m in members) WriteObject(m);
    }

    protected override void EndProcessing()
    {
        if (_types.Count == 0)
            WriteError(new ErrorRecord(new InvalidOperationException("You must specify an object for the Get-Member cmdlet."), "NoObjectInGetMember", ErrorCategory.CloseError, null));
    }

    IEnumerable<MemberDefinition> Members(string name, string typeName)
    {
        IEnumerable<PSMemberInfo> found = View switch {
            PSMemberViewTypes.Extended => ((PSMemberSet)InputObject.Members["psextended"]).Members.Match(name, MemberType),
            PSMemberViewTypes.Adapted => ((PSMemberSet)InputObject.Members["psadapted"]).Members.Match(name, MemberType),
            PSMemberViewTypes.Base => ((PSMemberSet)InputObject.Members["psbase"]).Members.Match(name, MemberType),
            _ => InputObject.Members.Match(name, MemberType) };
        foreach (PSMemberInfo m in found)
        {
            if (!Force && (m is PSMethod method && Inside.IsSpecial(method) || m is PSMemberSet && IsEnginesOwn(m.Name))) continue;
            yield return new MemberDefinition(typeName, m.Name, m.MemberType, m.ToString());
        }
    }

    static bool IsEnginesOwn(string name) => name is "psbase" or "psadapted" or "psextended" or "psobject" or "pstypenames" or "PSStandardMembers";

    IEnumerable<MemberDefinition> StaticMembers(Type type, string typeName)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.Static | BindingFlags.FlattenHierarchy;
        bool Wanted(string member) => Name.Any(n => WildcardPattern.Get(n, WildcardOptions.IgnoreCase).IsMatch(member));
        if (MemberType.HasFlag(PSMemberTypes.Method))
        {
            foreach (var overloads in type.GetMethods(all).Where(m => Force || !m.IsSpecialName).Where(m => Wanted(m.Name)).GroupBy(m => m.Name))
                yield return new MemberDefinition(typeName, overloads.Key, PSMemberTypes.Method, Overloads(type, overloads.Key));
            if (Wanted("new") && type.GetConstructors().Length > 0)
                yield return new MemberDefinition(typeName, "new", PSMemberTypes.Method, Overloads(type, "new"));
        }
        if (!MemberType.HasFlag(PSMemberTypes.Property)) yield break;
        foreach (PropertyInfo p in type.GetProperties(all).Where(p => Wanted(p.Name)))
            yield return new MemberDefinition(typeName, p.Name, PSMemberTypes.Property, $"static {Short(p.PropertyType)} {p.Name} {{{(p.CanRead ? "get;" : "")}{(p.GetSetMethod() != null ? "set;" : "")}}}");
        foreach (FieldInfo f in type.GetFields(all).Where(f => Wanted(f.Name)))
            yield return new MemberDefinition(typeName, f.Name, PSMemberTypes.Property, $"static {Short(f.FieldType)} {f.Name} {{get;{(f.IsInitOnly || f.IsLiteral ? "" : "set;")}}}");
    }

    // The engine knows how overloads read.
    string Overloads(Type type, string name) =>
        string.Join(", ", InvokeCommand.InvokeScript(true, ScriptBlock.Create("param($t, $n) $t::$n.OverloadDefinitions"), null, type, name));

    static string Short(Type t) => LanguagePrimitives.ConvertTo<string>(t);
}

/// <summary>Adds members to an object.</summary>
[Cmdlet(VerbsCommon.Add, "Member", DefaultParameterSetName = "TypeNameSet")]
public class AddMemberCommand : PSCmdlet
{
    const string MemberSet = "MemberSet", Single = "NotePropertySingleMemberSet", Many = "NotePropertyMultiMemberSet", TypeOnly = "TypeNameSet";

    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = MemberSet)]
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = TypeOnly)]
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = Single)]
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = Many)]
    public PSObject InputObject { get; set; }

    [Parameter(Mandatory = true, Position = 0, ParameterSetName = MemberSet)] [Alias("Type")] public PSMemberTypes MemberType { get; set; }
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = MemberSet)] public string Name { get; set; }
    [Parameter(Position = 2, ParameterSetName = MemberSet)] public object Value { get; set; }
    [Parameter(Position = 3, ParameterSetName = MemberSet)] public object SecondValue { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = TypeOnly)]
    [Parameter(ParameterSetName = MemberSet)] [Parameter(ParameterSetName = Single)] [Parameter(ParameterSetName = Many)]
    [ValidateNotNullOrEmpty]
    public string TypeName { get; set; }

    [Parameter(ParameterSetName = MemberSet)] [Parameter(ParameterSetName = Single)] [Parameter(ParameterSetName = Many)] public SwitchParameter Force { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = Single)] [NoMemberType] [ValidateNotNullOrEmpty] public string NotePropertyName { get; set; }
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = Single)] [AllowNull] public object NotePropertyValue { get; set; }
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = Many)] [ValidateNotNullOrEmpty] public IDictionary NotePropertyMembers { get; set; }

    protected override void ProcessRecord()
    {
        bool added = ParameterSetName switch {
            MemberSet => Make() is { } member && Add(member),
            Single => Add(new PSNoteProperty(NotePropertyName, NotePropertyValue)),
            Many => AddAll(),
            _ => true };
        if (!added) return;
        if (!string.IsNullOrEmpty(TypeName)) NameType();
        if (PassThru) WriteObject(InputObject);
    }

    bool AddAll()
    {
        bool all = true;
        foreach (DictionaryEntry entry in NotePropertyMembers)
            all &= Add(new PSNoteProperty(LanguagePrimitives.ConvertTo<string>(entry.Key), entry.Value));
        return all;
    }

    void NameType()
    {
        // A type accelerator is written out, any other name is taken as it is.
        string name = LanguagePrimitives.TryConvertTo(TypeName, out Type type) ? type.FullName : TypeName;
        InputObject.TypeNames.Insert(0, name);
    }

    bool Add(PSMemberInfo member)
    {
        PSMemberInfo there = InputObject.Members[member.Name];
        try
        {
            if (there != null)
            {
                if (!Force)
                {
                    WriteError(new ErrorRecord(new InvalidOperationException($"Cannot add a member with the name \"{member.Name}\" because a member with that name already exists. To overwrite the member anyway, add the Force parameter to your command."),
                        "MemberAlreadyExists", ErrorCategory.InvalidOperation, InputObject));
                    return false;
                }
                if (there.IsInstance) InputObject.Members.Remove(there.Name);
            }
            InputObject.Members.Add(member);
            return true;
        }
        catch (ExtendedTypeSystemException e)
        {
            WriteError(new ErrorRecord(e, "MemberAlreadyExists", ErrorCategory.InvalidOperation, InputObject));
            return false;
        }
    }

    PSMemberInfo Make()
    {
        switch (MemberType)
        {
            case PSMemberTypes.NoteProperty:
                NoSecond();
                return new PSNoteProperty(Name, Value);
            case PSMemberTypes.AliasProperty:
                string target = Required<string>(Value, "Value1ShouldNotBeNull");
                return SecondValue == null ? new PSAliasProperty(Name, target) : new PSAliasProperty(Name, target, LanguagePrimitives.ConvertTo<Type>(SecondValue));
            case PSMemberTypes.ScriptProperty:
                if (Value == null && SecondValue == null) Refuse("Value1AndValue2AreNull", "The Value and SecondValue parameters cannot both be null.");
                return new PSScriptProperty(Name, Block(Value), Block(SecondValue));
            case PSMemberTypes.ScriptMethod:
                NoSecond();
                return new PSScriptMethod(Name, Required<ScriptBlock>(Value, "Value1ShouldNotBeNull"));
            case PSMemberTypes.CodeProperty:
                return new PSCodeProperty(Name, Method(Value), Method(SecondValue));
            case PSMemberTypes.CodeMethod:
                NoSecond();
                return new PSCodeMethod(Name, Method(Value));
            case PSMemberTypes.MemberSet:
                NoSecond();
                return Value == null ? new PSMemberSet(Name) : new PSMemberSet(Name, LanguagePrimitives.ConvertTo<PSMemberInfo[]>(Value));
            case PSMemberTypes.PropertySet:
                NoSecond();
                return new PSPropertySet(Name, LanguagePrimitives.ConvertTo<string[]>(Required<object>(Value, "Value1ShouldNotBeNull")));
            default:
                WriteError(new ErrorRecord(new InvalidOperationException($"Cannot add a member with type \"{MemberType}\". Specify a different type for the MemberTypes parameter."), "CannotAddMemberType", ErrorCategory.InvalidOperation, MemberType));
                return null;
        }
    }

    static ScriptBlock Block(object value) => value == null ? null : LanguagePrimitives.ConvertTo<ScriptBlock>(value);
    static MethodInfo Method(object value) => value == null ? null : LanguagePrimitives.ConvertTo<MethodInfo>(value);

    T Required<T>(object value, string id)
    {
        if (value == null) Refuse(id, $"The Value parameter must not be null when the member type is \"{MemberType}\".");
        return LanguagePrimitives.ConvertTo<T>(value);
    }

    void NoSecond()
    {
        if (SecondValue != null) Refuse("Value2ShouldNotBeSpecified", $"The SecondValue parameter is not necessary for a member of type \"{MemberType}\".");
    }

    void Refuse(string id, string why) => ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(why), id, ErrorCategory.InvalidArgument, null));

    // "Add-Member ScriptProperty x {...}" means the other form: the name of a member type is no name for a note. The
    // engine then goes on looking for a form that fits.
    [AttributeUsage(AttributeTargets.Property)]
    sealed class NoMemberTypeAttribute : ValidateArgumentsAttribute
    {
        protected override void Validate(object arguments, EngineIntrinsics engine)
        {
            if (arguments is string { Length: > 0 } s && !char.IsDigit(s, 0) && Enum.TryParse(s, true, out PSMemberTypes type))
                throw Inside.NewRefusalToBind($"The name for a note property must not be \"{type}\".", true);
        }
    }
}
