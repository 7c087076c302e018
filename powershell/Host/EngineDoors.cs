// EngineDoors.cs - the engine's internal parts that opening a runspace quickly needs. This and Commands/Engine/Inside.cs name all of them; the project
// pins the engine's exact version.

using System.Collections.Generic;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace Reactions.PowerShell;

static class EngineDoors
{
    const string Sma = ", System.Management.Automation";
    const string ContextType = "System.Management.Automation.ExecutionContext" + Sma;
    const string SessionStateType = "System.Management.Automation.SessionStateInternal" + Sma;
    const string ScopeType = "System.Management.Automation.SessionStateScope" + Sma;
    const string FormatsType = "Microsoft.PowerShell.Commands.Internal.Format.TypeInfoDataBaseManager" + Sma;

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_ExecutionContext")]
    [return: UnsafeAccessorType(ContextType)]
    public static extern object Context(Runspace runspace);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_EngineSessionState")]
    [return: UnsafeAccessorType(SessionStateType)]
    public static extern object SessionState([UnsafeAccessorType(ContextType)] object context);

    // Type and format data.

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_TypeTable")]
    public static extern TypeTable Types([UnsafeAccessorType(ContextType)] object context);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_TypeTable")]
    public static extern void SetTypes([UnsafeAccessorType(ContextType)] object context, TypeTable types);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Clone")]
    public static extern TypeTable Copy(TypeTable types, bool unshared);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_FormatDBManager")]
    [return: UnsafeAccessorType(FormatsType)]
    public static extern object Formats([UnsafeAccessorType(ContextType)] object context);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_FormatDBManager")]
    public static extern void SetFormats([UnsafeAccessorType(ContextType)] object context, [UnsafeAccessorType(FormatsType)] object formats);

    // Providers.

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern SessionState NewSessionState([UnsafeAccessorType(SessionStateType)] object state);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    public static extern ProviderInfo NewProvider(SessionState state, System.Type type, string name, string help, PSSnapInInfo snapIn);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_VolumeSeparatedByColon")]
    public static extern void SetVolumeSeparatedByColon(ProviderInfo provider, bool on);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_VolumeSeparatedByColon")]
    public static extern bool VolumeSeparatedByColon(PSDriveInfo drive);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_VolumeSeparatedByColon")]
    public static extern void SetVolumeSeparatedByColon(PSDriveInfo drive, bool on);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "NewProviderEntry")]
    public static extern void AddProvider([UnsafeAccessorType(SessionStateType)] object state, ProviderInfo provider);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_ProvidersCurrentWorkingDrive")]
    public static extern Dictionary<ProviderInfo, PSDriveInfo> WorkingDrives([UnsafeAccessorType(SessionStateType)] object state);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_GlobalScope")]
    [return: UnsafeAccessorType(ScopeType)]
    public static extern object GlobalScope([UnsafeAccessorType(SessionStateType)] object state);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "NewDrive")]
    public static extern void AddDrive([UnsafeAccessorType(ScopeType)] object scope, PSDriveInfo drive);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_CurrentDrive")]
    public static extern void SetCurrentDrive([UnsafeAccessorType(SessionStateType)] object state, PSDriveInfo drive);
}
