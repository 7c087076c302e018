// NewObjectCommand.cs - New-Object.

using System;
using System.Collections;
using System.Management.Automation;
using System.Reflection;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Makes an object of a .NET type.</summary>
[Cmdlet(VerbsCommon.New, "Object", DefaultParameterSetName = "Net")]
public sealed class NewObjectCommand : PSCmdlet
{
    [Parameter(ParameterSetName = "Net", Mandatory = true, Position = 0)] [ValidateTrustedData] public string TypeName { get; set; }
    [Parameter(ParameterSetName = "Net", Position = 1)] [ValidateTrustedData] [Alias("Args")] public object[] ArgumentList { get; set; }
    [Parameter] [ValidateTrustedData] public IDictionary Property { get; set; }

    protected override void BeginProcessing()
    {
        if (!LanguagePrimitives.TryConvertTo(TypeName, out Type type))
            Refuse(new PSArgumentException($"Cannot find type [{TypeName}]: verify that the assembly containing this type is loaded."), "TypeNotFound", ErrorCategory.InvalidType, null);
        if (type.ContainsGenericParameters)
            Refuse(new PSArgumentException($"Cannot create an object of the open generic type [{TypeName}]."), "TypeNotFound", ErrorCategory.InvalidType, null);
        object made = Make(type);
        if (Property != null) SetProperties(PSObject.AsPSObject(made), type);
        WriteObject(made);
    }

    object Make(Type type)
    {
        object[] arguments = ArgumentList ?? [];
        for (int i = 0; i < arguments.Length; i++) arguments[i] = Objects.Base(arguments[i]);
        ConstructorInfo[] constructors = type.GetConstructors();
        try
        {
            if (type.IsValueType && arguments.Length == 0) return Activator.CreateInstance(type);
            if (arguments.Length == 0) constructors = type.GetConstructor(Type.EmptyTypes) is { } plain ? [plain] : [];
            if (constructors.Length > 0) return Inside.Construct(type, constructors, arguments);
        }
        catch (Exception e) when (e is MethodException or MethodInvocationException or TargetInvocationException or MemberAccessException)
        {
            ThrowTerminatingError(new ErrorRecord(e, "ConstructorInvokedThrowException", ErrorCategory.InvalidOperation, null));
        }
        Refuse(new PSArgumentException($"A constructor was not found. Cannot find an appropriate constructor for type {TypeName}."), "CannotFindAppropriateCtor", ErrorCategory.ObjectNotFound, null);
        return null;
    }

    void SetProperties(PSObject made, Type type)
    {
        foreach (DictionaryEntry entry in Property)
        {
            string name = LanguagePrimitives.ConvertTo<string>(entry.Key);
            if (made.BaseObject is PSCustomObject)
            {
                if (name.Equals("PSTypeName", StringComparison.OrdinalIgnoreCase) && entry.Value is string typeName) made.TypeNames.Insert(0, typeName);
                else Objects.SetNote(made, name, entry.Value);
                continue;
            }
            try
            {
                if (made.Methods[name] is { } method) method.Invoke([entry.Value]);
                else if (made.Properties[name] is { } property) property.Value = entry.Value;
                else Refuse(new InvalidOperationException($"The member \"{name}\" was not found for the specified {type.FullName} object."), "InvalidOperationException", ErrorCategory.InvalidOperation, null);
            }
            catch (SetValueException e)
            {
                Refuse(new Exception($"The value supplied is not valid, or the property is read-only. Change the value, and then try again. {e.Message}", e), "SetValueException", ErrorCategory.InvalidData, null);
            }
        }
    }

    void Refuse(Exception e, string id, ErrorCategory category, object target) => ThrowTerminatingError(new ErrorRecord(e, id, category, target));
}
