// MemberCommands.cs - Get-Member, Add-Member.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Internal;
using System.Numerics;
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

    const PSMemberTypes Added = PSMemberTypes.AliasProperty | PSMemberTypes.CodeMethod | PSMemberTypes.CodeProperty | PSMemberTypes.MemberSet
        | PSMemberTypes.NoteProperty | PSMemberTypes.PropertySet | PSMemberTypes.ScriptMethod | PSMemberTypes.ScriptProperty;
    const PSMemberTypes Adapted = PSMemberTypes.Property | PSMemberTypes.ParameterizedProperty | PSMemberTypes.Method;

    protected override void ProcessRecord()
    {
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        Type type = InputObject.BaseObject as Type ?? InputObject.BaseObject.GetType();
        string typeName = Static ? type.FullName : InputObject.TypeNames.FirstOrDefault() ?? "<null>";
        if (!_types.Add(typeName)) return;
        PSMemberInfoCollection<PSMemberInfo> members = Static ? Inside.StaticMembersOf(type) : Inside.MembersOf(InputObject, Seen());
        PSMemberTypes wanted = Wanted(typeName);
        foreach (string name in Name)
        {
            var found = Inside.Match(members, name, wanted, Force).Where(m => Force || m is not PSMethod method || !Inside.IsSpecial(method))
                .Select(m => new MemberDefinition(typeName, m.Name, m.MemberType, m.ToString()))
                .OrderBy(m => m.MemberType.ToString(), StringComparer.OrdinalIgnoreCase).ThenBy(m => m.Name, StringComparer.OrdinalIgnoreCase);
            foreach (MemberDefinition m in found) WriteObject(m);
        }
    }

    protected override void EndProcessing()
    {
        if (_types.Count == 0)
            WriteError(new ErrorRecord(new InvalidOperationException("You must specify an object for the Get-Member cmdlet."), "NoObjectInGetMember", ErrorCategory.CloseError, null));
    }

    // An object without an adapter of its own looks the same adapted and not.
    PSMemberViewTypes Seen() => View.HasFlag(PSMemberViewTypes.Base) && !Inside.HasOwnAdapter(InputObject) ? View | PSMemberViewTypes.Adapted : View;

    // A view that leaves out what is added, or what comes with the type, leaves out those kinds of members. A member set
    // shows the members of another view and keeps its own.
    PSMemberTypes Wanted(string typeName)
    {
        PSMemberTypes wanted = MemberType;
        if (!View.HasFlag(PSMemberViewTypes.Extended) && !typeName.Equals(typeof(PSMemberSet).FullName, StringComparison.OrdinalIgnoreCase)) wanted ^= Added;
        if ((View & (PSMemberViewTypes.Adapted | PSMemberViewTypes.Base)) == 0) wanted ^= Adapted;
        return wanted;
    }
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
        if (TypeName != null && string.IsNullOrWhiteSpace(TypeName)) Refuse("TypeNameShouldNotBeEmpty", "The name of a type must not be empty.");
        if (!string.IsNullOrEmpty(TypeName)) NameType();
        if (PassThru) WriteObject(InputObject);
    }

    bool AddAll()
    {
        bool any = false;
        foreach (DictionaryEntry entry in NotePropertyMembers)
        {
            string name = LanguagePrimitives.ConvertTo<string>(entry.Key);
            if (string.IsNullOrEmpty(name))
                WriteError(new ErrorRecord(new InvalidOperationException("The name of a note property must not be empty."), "NotePropertyNameShouldNotBeNull", ErrorCategory.InvalidOperation, name));
            else any |= Add(new PSNoteProperty(name, entry.Value));
        }
        return any;
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
                if (!there.IsInstance)
                {
                    WriteError(new ErrorRecord(new InvalidOperationException($"Cannot force the member with name \"{member.Name}\" and type \"{there.MemberType}\" to be replaced because it comes from type data."),
                        "CannotRemoveTypeDataMember", ErrorCategory.InvalidOperation, InputObject));
                    return false;
                }
                InputObject.Members.Remove(there.Name);
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
        if (!BitOperations.IsPow2((int)MemberType)) Refuse("WrongMemberCount", $"The member type \"{MemberType}\" is not one type.");
        switch (MemberType)
        {
            case PSMemberTypes.NoteProperty:
                AskForValue();
                NoSecond();
                return new PSNoteProperty(Name, Value);
            case PSMemberTypes.AliasProperty:
                AskForValue();
                string target = Required<string>(Value, "Value1ShouldNotBeNull");
                return SecondValue == null ? new PSAliasProperty(Name, target) : new PSAliasProperty(Name, target, LanguagePrimitives.ConvertTo<Type>(SecondValue));
            case PSMemberTypes.ScriptProperty:
                AskForValue();
                NotBothNull();
                return new PSScriptProperty(Name, Block(Value), Block(SecondValue));
            case PSMemberTypes.ScriptMethod:
                NoSecond();
                AskForValue();
                return new PSScriptMethod(Name, Required<ScriptBlock>(Value, "Value1ShouldNotBeNull"));
            case PSMemberTypes.CodeProperty:
                AskForValue();
                NotBothNull();
                return new PSCodeProperty(Name, Method(Value), Method(SecondValue));
            case PSMemberTypes.CodeMethod:
                AskForValue();
                NoSecond();
                return new PSCodeMethod(Name, Method(Required<object>(Value, "Value1ShouldNotBeNull")));
            case PSMemberTypes.MemberSet:
                NoSecond();
                return Value == null ? new PSMemberSet(Name) : new PSMemberSet(Name, LanguagePrimitives.ConvertTo<PSMemberInfo[]>(Value));
            case PSMemberTypes.PropertySet:
                NoSecond();
                AskForValue();
                return new PSPropertySet(Name, LanguagePrimitives.ConvertTo<string[]>(Required<object>(Value, "Value1ShouldNotBeNull")));
            default:
                Refuse("CannotAddMemberType", $"Cannot add a member with type \"{MemberType}\". Specify a different type for the MemberTypes parameter.");
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

    // A value that is left out is asked for, which fails where nobody is to answer.
    void AskForValue()
    {
        if (MyInvocation.BoundParameters.ContainsKey(nameof(Value))) return;
        var answers = Host.UI.Prompt($"Value for the new member of type \"{MemberType}\":", null, [new FieldDescription(nameof(Value))]);
        Value = answers?[nameof(Value)]?.BaseObject;
    }

    void NotBothNull()
    {
        if (Value == null && SecondValue == null) Refuse("Value1AndValue2AreNotBothNull", $"The Value and SecondValue parameters cannot both be null for a member of type \"{MemberType}\".");
    }

    void NoSecond()
    {
        if (SecondValue != null) Refuse("Value2ShouldNotBeSpecified", $"The SecondValue parameter is not necessary for a member of type \"{MemberType}\".");
    }

    void Refuse(string id, string why) => ThrowTerminatingError(new ErrorRecord(new InvalidOperationException(why), id, ErrorCategory.InvalidOperation, null));

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
