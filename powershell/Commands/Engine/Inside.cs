// Inside.cs - the doors into the engine that full PowerShell's own command assemblies use.
//
// The engine keeps provider contexts, formatting, scopes and a few other services internal and opens them to
// Microsoft's command assemblies only. Commands that must behave like those need the same services: through the
// public surface alone -WhatIf, -Filter, streaming and the ids of errors would differ. Every such door is listed in
// this folder and nowhere else. They are bound when first called, so a start-up pays nothing, and the project pins
// the exact engine version; tests/powershell runs through each of them.

using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace Reactions.PowerShell.Engine;

internal static class Inside
{
    const string Sma = ", System.Management.Automation";
    const string SessionStateType = "System.Management.Automation.SessionStateInternal" + Sma;
    const string ContextType = "System.Management.Automation.ExecutionContext" + Sma;

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Internal")]
    [return: UnsafeAccessorType(SessionStateType)]
    public static extern object Internal(SessionState state);

    // Scopes. scope is what -Scope takes: a number, Global, Local or Script.

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetVariableTable")]
    public static extern IDictionary<string, PSVariable> VariableTable([UnsafeAccessorType(SessionStateType)] object state);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetVariableTableAtScope")]
    public static extern IDictionary<string, PSVariable> VariableTableAtScope([UnsafeAccessorType(SessionStateType)] object state, string scope);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetVariableAtScope")]
    public static extern PSVariable VariableAtScope([UnsafeAccessorType(SessionStateType)] object state, string name, string scope);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetVariable")]
    public static extern object SetVariable([UnsafeAccessorType(SessionStateType)] object state, PSVariable variable, bool force, CommandOrigin origin);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetVariableAtScope")]
    public static extern object SetVariableAtScope([UnsafeAccessorType(SessionStateType)] object state, PSVariable variable, string scope, bool force, CommandOrigin origin);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "NewVariable")]
    public static extern object NewVariable([UnsafeAccessorType(SessionStateType)] object state, PSVariable variable, bool force);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "NewVariableAtScope")]
    public static extern object NewVariableAtScope([UnsafeAccessorType(SessionStateType)] object state, PSVariable variable, string scope, bool force);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "RemoveVariable")]
    public static extern void RemoveVariable([UnsafeAccessorType(SessionStateType)] object state, PSVariable variable, bool force);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "RemoveVariableAtScope")]
    public static extern void RemoveVariableAtScope([UnsafeAccessorType(SessionStateType)] object state, PSVariable variable, string scope, bool force);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetOptions")]
    public static extern void SetOptions(PSVariable variable, ScopedItemOptions options, bool force);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetAliasTable")]
    public static extern IDictionary<string, AliasInfo> AliasTable([UnsafeAccessorType(SessionStateType)] object state);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetAliasTableAtScope")]
    public static extern IDictionary<string, AliasInfo> AliasTableAtScope([UnsafeAccessorType(SessionStateType)] object state, string scope);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetAliasItemAtScope")]
    public static extern AliasInfo SetAliasAtScope([UnsafeAccessorType(SessionStateType)] object state, AliasInfo alias, string scope, bool force, CommandOrigin origin);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "RemoveAlias")]
    public static extern void RemoveAlias([UnsafeAccessorType(SessionStateType)] object state, string name, bool force);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern AliasInfo NewAlias(string name, string definition, [UnsafeAccessorType(ContextType)] object context, ScopedItemOptions options);


    // The engine's state behind a command, and what hangs on it.

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Context")]
    [return: UnsafeAccessorType(ContextType)]
    public static extern object Context(System.Management.Automation.Internal.InternalCommand command);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_TypeTable")]
    public static extern TypeTable TypeTable([UnsafeAccessorType(ContextType)] object context);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_TypeTable")]
    public static extern void SetTypeTable([UnsafeAccessorType(ContextType)] object context, TypeTable table);

    // Marks entries of a session state so that Get-Command names the module scripts expect.

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern PSModuleInfo NewModule(string name, string path, [UnsafeAccessorType(ContextType)] object context, SessionState state);

    [UnsafeAccessor(UnsafeAccessorKind.Method)]
    public static extern void SetVersion(PSModuleInfo module, System.Version version);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetModule")]
    public static extern void SetModule(InitialSessionStateEntry entry, PSModuleInfo module);

    // Write-Error reports its caller, not itself.

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SetInvocationInfo")]
    public static extern void SetInvocationInfo(ErrorRecord record, InvocationInfo invocation);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_PreserveInvocationInfoOnce")]
    public static extern void SetPreserveInvocationInfoOnce(ErrorRecord record, bool on);

    // Ends what feeds a pipeline, as Select-Object -First does.

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    [return: UnsafeAccessorType("System.Management.Automation.StopUpstreamCommandsException" + Sma)]
    static extern object NewStopUpstream(System.Management.Automation.Internal.InternalCommand by);

    public static System.Exception StopUpstream(System.Management.Automation.Internal.InternalCommand by) => (System.Exception)NewStopUpstream(by);

    // A wrapper whose added members stay with it and do not show on other wrappers of the same object.

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "AsPSObject")]
    static extern PSObject AsPSObject(PSObject type, object o, bool local);

    public static PSObject AsPSObject(object o, bool local) => AsPSObject(null, o, local);

    // The overload resolution of New-Object.

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod)]
    static extern object ConstructorInvokeDotNet([UnsafeAccessorType("System.Management.Automation.DotNetAdapter" + Sma)] object type,
        System.Type made, System.Reflection.ConstructorInfo[] constructors, object[] arguments);

    public static object Construct(System.Type type, System.Reflection.ConstructorInfo[] constructors, object[] arguments) =>
        ConstructorInvokeDotNet(null, type, constructors, arguments);

    // True of methods that stand behind properties, events and operators.

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_IsSpecial")]
    public static extern bool IsSpecial(PSMethod method);

    // The members of one view of an object, or the static ones of a type, and those of them that have a name and a kind.

    public static PSMemberInfoCollection<PSMemberInfo> MembersOf(PSObject o, PSMemberViewTypes view)
    {
        object entries = typeof(PSObject).GetMethod("GetMemberCollection", All, [typeof(PSMemberViewTypes)]).Invoke(null, [view]);
        System.Type collection = typeof(PSObject).Assembly.GetType("System.Management.Automation.PSMemberInfoIntegratingCollection`1", true).MakeGenericType(typeof(PSMemberInfo));
        return (PSMemberInfoCollection<PSMemberInfo>)System.Activator.CreateInstance(collection, All, null, [o, entries], null);
    }

    public static PSMemberInfoCollection<PSMemberInfo> StaticMembersOf(System.Type type)
    {
        object adapter = typeof(PSObject).GetProperty("DotNetStaticAdapter", All).GetValue(null);
        return (PSMemberInfoCollection<PSMemberInfo>)adapter.GetType().GetMethod("BaseGetMembers", All).MakeGenericMethod(typeof(PSMemberInfo)).Invoke(adapter, [type]);
    }

    public static IEnumerable<PSMemberInfo> Match(PSMemberInfoCollection<PSMemberInfo> members, string name, PSMemberTypes types, bool hidden)
    {
        if (!hidden) return members.Match(name, types);
        System.Type options = typeof(PSObject).Assembly.GetType("System.Management.Automation.MshMemberMatchOptions", true);
        return (IEnumerable<PSMemberInfo>)typeof(PSMemberInfoCollection<PSMemberInfo>).GetMethod("Match", All, [typeof(string), typeof(PSMemberTypes), options])
            .Invoke(members, [name, types, System.Enum.Parse(options, "IncludeHidden")]);
    }

    public static bool HasOwnAdapter(PSObject o) => typeof(PSObject).GetProperty("InternalBaseDotNetAdapter", All).GetValue(o) != null;

    // A number as the language reads it, with its suffixes; what is none is converted to the type, or fails as that does.

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod)]
    static extern object ScanNumber(System.Management.Automation.Language.Parser type, string text, System.Type to, bool convert);

    public static object ScanNumber(string text, System.Type to) => ScanNumber(null, text, to, true);

    // Set-StrictMode, as the command sees it.

    [UnsafeAccessor(UnsafeAccessorKind.Method)]
    static extern bool IsStrictVersion([UnsafeAccessorType(ContextType)] object context, int major);

    public static bool IsStrict(System.Management.Automation.Internal.InternalCommand command, int major) => IsStrictVersion(Context(command), major);

    // A validation that does not fail the call but makes the engine try another parameter set.

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern ValidationMetadataException NewRefusalToBind(string message, bool swallow);

    // Type data, and the words of Get-Verb.

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetAllTypeData")]
    public static extern Dictionary<string, TypeData> AllTypeData(TypeTable table);

    public static VerbInfo NewVerb(string verb, string group)
    {
        var made = new VerbInfo();
        Set(made, "Verb", verb);
        Set(made, "AliasPrefix", Call("System.Management.Automation.VerbAliasPrefixes", "GetVerbAliasPrefix", verb));
        Set(made, "Group", group);
        Set(made, "Description", Call("System.Management.Automation.VerbDescriptions", "GetVerbDescription", verb));
        return made;
    }

    const System.Reflection.BindingFlags All = System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic;

    static void Set(object o, string property, object value) => o.GetType().GetProperty(property, All).SetValue(o, value);
    static object Call(string type, string method, string argument) => typeof(PSObject).Assembly.GetType(type, true).GetMethod(method, All).Invoke(null, [argument]);

    // Runs the actions of subscribers whose events have come while a command waits.

    [UnsafeAccessor(UnsafeAccessorKind.Method)]
    static extern void ProcessPendingActions([UnsafeAccessorType("System.Management.Automation.PSLocalEventManager" + Sma)] object manager);

    public static void ProcessPendingActions(PSEventManager manager)
    {
        if (manager.GetType().Name == "PSLocalEventManager") ProcessPendingActions((object)manager);
    }

    // Several objects in one CLIXML document. The first argument only says whose method it is.

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod)]
    public static extern string Serialize([UnsafeAccessorType("System.Management.Automation.PSSerializer" + Sma)] object type, IList<object> all, int depth, bool enumerate);

    // The version of PowerShell that the engine is, without what follows a hyphen.
    public static string Version { get; } = typeof(PSObject).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyInformationalVersionAttribute), false) is [System.Reflection.AssemblyInformationalVersionAttribute a, ..]
        ? a.InformationalVersion.Split(' ', '-', '+')[0] : typeof(PSObject).Assembly.GetName().Version?.ToString(3);
}
