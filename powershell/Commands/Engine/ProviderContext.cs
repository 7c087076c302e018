// ProviderContext.cs - the engine's context for one call into a provider, and those calls.
//
// A context made for a cmdlet sends what the provider emits straight down the cmdlet's pipeline: objects, errors,
// -WhatIf questions. Its methods carry the filters and switches that the public overloads have no room for.

using System;
using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Provider;
using System.Runtime.CompilerServices;

namespace Reactions.PowerShell.Engine;

internal sealed class ProviderContext
{
    const string Raw = "System.Management.Automation.CmdletProviderContext, System.Management.Automation";

    readonly object _raw;

    public ProviderContext(PSCmdlet command, PSCredential credential = null) =>
        _raw = credential == null ? New(command) : New(command, credential);

    public bool Force { set => SetForce(_raw, value); }
    public bool PassThru { set => SetPassThru(_raw, value); }
    public bool LiteralPath { set => SetSuppressWildcardExpansion(_raw, value); }
    public object DynamicParameters { set => SetDynamicParameters(_raw, value); }

    public void SetFilters(string[] include, string[] exclude, string filter) =>
        SetFilters(_raw, new Collection<string>(include ?? []), new Collection<string>(exclude ?? []), filter);

    // Items.
    public void GetItem(ProviderIntrinsics p, string path) => Get(p.Item, path, _raw);
    public void SetItem(ProviderIntrinsics p, string path, object value) => Set(p.Item, path, value, _raw);
    public void ClearItem(ProviderIntrinsics p, string path) => Clear(p.Item, path, _raw);
    public void InvokeItem(ProviderIntrinsics p, string path) => Invoke(p.Item, path, _raw);
    public void RenameItem(ProviderIntrinsics p, string path, string newName) => Rename(p.Item, path, newName, _raw);
    public void NewItem(ProviderIntrinsics p, string path, string name, string type, object content) => New(p.Item, path, name, type, content, _raw);
    public void RemoveItem(ProviderIntrinsics p, string path, bool recurse) => Remove(p.Item, path, recurse, _raw);
    public void CopyItem(ProviderIntrinsics p, string path, string to, bool recurse, CopyContainers how) => Copy(p.Item, path, to, recurse, how, _raw);
    public void MoveItem(ProviderIntrinsics p, string path, string to) => Move(p.Item, path, to, _raw);
    public bool ItemExists(ProviderIntrinsics p, string path) => Exists(p.Item, path, _raw);
    public bool IsContainer(ProviderIntrinsics p, string path) => IsContainer(p.Item, path, _raw);
    public object GetItemParameters(ProviderIntrinsics p, string path) => GetItemDynamicParameters(p.Item, path, _raw);
    public object NewItemParameters(ProviderIntrinsics p, string path, string type, object content) => NewItemDynamicParameters(p.Item, path, type, content, _raw);
    public object RemoveItemParameters(ProviderIntrinsics p, string path, bool recurse) => RemoveItemDynamicParameters(p.Item, path, recurse, _raw);
    public object CopyItemParameters(ProviderIntrinsics p, string path, string to, bool recurse) => CopyItemDynamicParameters(p.Item, path, to, recurse, _raw);
    public object SetItemParameters(ProviderIntrinsics p, string path, object value) => SetItemDynamicParameters(p.Item, path, value, _raw);
    public object ItemExistsParameters(ProviderIntrinsics p, string path) => ItemExistsDynamicParameters(p.Item, path, _raw);

    // Child items.
    public void GetChildItems(ProviderIntrinsics p, string path, bool recurse, uint depth) => Get(p.ChildItem, path, recurse, depth, _raw);
    public void GetChildNames(ProviderIntrinsics p, string path, ReturnContainers what, bool recurse, uint depth) => GetNames(p.ChildItem, path, what, recurse, depth, _raw);
    public object GetChildItemsParameters(ProviderIntrinsics p, string path, bool recurse) => GetChildItemsDynamicParameters(p.ChildItem, path, recurse, _raw);
    public bool HasChild(ProviderIntrinsics p, string path) => HasChild(p.ChildItem, path, _raw);

    // Content.
    public Collection<IContentReader> Readers(ProviderIntrinsics p, string path) => GetReader(p.Content, path, _raw);
    public Collection<IContentWriter> Writers(ProviderIntrinsics p, string path) => GetWriter(p.Content, path, _raw);
    public void ClearContent(ProviderIntrinsics p, string path) => Clear(p.Content, path, _raw);
    public object ReaderParameters(ProviderIntrinsics p, string path) => GetContentReaderDynamicParameters(p.Content, path, _raw);
    public object WriterParameters(ProviderIntrinsics p, string path) => GetContentWriterDynamicParameters(p.Content, path, _raw);
    public object ClearContentParameters(ProviderIntrinsics p, string path) => ClearContentDynamicParameters(p.Content, path, _raw);

    // Properties.
    public void GetProperty(ProviderIntrinsics p, string path, string[] names) => Get(p.Property, path, names == null ? null : new Collection<string>(names), _raw);
    public void SetProperty(ProviderIntrinsics p, string path, PSObject values) => Set(p.Property, path, values, _raw);
    public void ClearProperty(ProviderIntrinsics p, string path, string name) => Clear(p.Property, path, [name], _raw);
    public void NewProperty(ProviderIntrinsics p, string path, string name, string type, object value) => New(p.Property, path, name, type, value, _raw);
    public void RemoveProperty(ProviderIntrinsics p, string path, string name) => Remove(p.Property, path, name, _raw);
    public void RenameProperty(ProviderIntrinsics p, string path, string from, string to) => Rename(p.Property, path, from, to, _raw);
    public void CopyProperty(ProviderIntrinsics p, string path, string name, string toPath, string toName) => Copy(p.Property, path, name, toPath, toName, _raw);
    public void MoveProperty(ProviderIntrinsics p, string path, string name, string toPath, string toName) => Move(p.Property, path, name, toPath, toName, _raw);

    // Paths and drives.
    public PathInfo SetLocation(PathIntrinsics p, string path, bool literal) => SetLocation(p, path, _raw, literal);
    public bool IsCurrentLocationOrAncestor(PathIntrinsics p, string path) => IsCurrentLocationOrAncestor(p, path, _raw);
    public Collection<PathInfo> ResolvedPaths(PathIntrinsics p, string path) => GetResolvedPSPathFromPSPath(p, path, _raw);
    public Collection<string> ResolvedProviderPaths(PathIntrinsics p, string path, out ProviderInfo provider) => GetResolvedProviderPathFromPSPath(p, path, _raw, out provider);
    public string UnresolvedProviderPath(PathIntrinsics p, string path, out ProviderInfo provider, out PSDriveInfo drive) => GetUnresolvedProviderPathFromPSPath(p, path, _raw, out provider, out drive);
    public string Combine(PathIntrinsics p, string parent, string child) => Combine(p, parent, child, _raw);
    public string ParseParent(PathIntrinsics p, string path) => ParseParent(p, path, "", _raw, true);
    public string ParseChildName(PathIntrinsics p, string path) => ParseChildName(p, path, _raw, true);
    public string NormalizeRelativePath(PathIntrinsics p, string path, string basePath) => NormalizeRelativePath(p, path, basePath, _raw);
    public bool IsValid(PathIntrinsics p, string path) => IsValid(p, path, _raw);
    public void NewDrive(DriveManagementIntrinsics d, PSDriveInfo drive, string scope) => New(d, drive, scope, _raw);
    public void RemoveDrive(DriveManagementIntrinsics d, string name, bool force, string scope) => Remove(d, name, force, scope, _raw);

    // The doors themselves: one line each, in the same order.
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)] [return: UnsafeAccessorType(Raw)] static extern object New(Cmdlet command);
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)] [return: UnsafeAccessorType(Raw)] static extern object New(PSCmdlet command, PSCredential credential);
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Force")] static extern void SetForce([UnsafeAccessorType(Raw)] object c, SwitchParameter on);
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_PassThru")] static extern void SetPassThru([UnsafeAccessorType(Raw)] object c, bool on);
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_SuppressWildcardExpansion")] static extern void SetSuppressWildcardExpansion([UnsafeAccessorType(Raw)] object c, bool on);
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_DynamicParameters")] static extern void SetDynamicParameters([UnsafeAccessorType(Raw)] object c, object value);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void SetFilters([UnsafeAccessorType(Raw)] object c, Collection<string> include, Collection<string> exclude, string filter);

    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Get(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Set(ItemCmdletProviderIntrinsics p, string path, object value, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Clear(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Invoke(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Rename(ItemCmdletProviderIntrinsics p, string path, string newName, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void New(ItemCmdletProviderIntrinsics p, string path, string name, string type, object content, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Remove(ItemCmdletProviderIntrinsics p, string path, bool recurse, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Copy(ItemCmdletProviderIntrinsics p, string path, string to, bool recurse, CopyContainers how, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Move(ItemCmdletProviderIntrinsics p, string path, string to, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern bool Exists(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern bool IsContainer(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object GetItemDynamicParameters(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object NewItemDynamicParameters(ItemCmdletProviderIntrinsics p, string path, string type, object content, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object RemoveItemDynamicParameters(ItemCmdletProviderIntrinsics p, string path, bool recurse, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object CopyItemDynamicParameters(ItemCmdletProviderIntrinsics p, string path, string to, bool recurse, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object SetItemDynamicParameters(ItemCmdletProviderIntrinsics p, string path, object value, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object ItemExistsDynamicParameters(ItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);

    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Get(ChildItemCmdletProviderIntrinsics p, string path, bool recurse, uint depth, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void GetNames(ChildItemCmdletProviderIntrinsics p, string path, ReturnContainers what, bool recurse, uint depth, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object GetChildItemsDynamicParameters(ChildItemCmdletProviderIntrinsics p, string path, bool recurse, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern bool HasChild(ChildItemCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);

    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern Collection<IContentReader> GetReader(ContentCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern Collection<IContentWriter> GetWriter(ContentCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Clear(ContentCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object GetContentReaderDynamicParameters(ContentCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object GetContentWriterDynamicParameters(ContentCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern object ClearContentDynamicParameters(ContentCmdletProviderIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);

    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Get(PropertyCmdletProviderIntrinsics p, string path, Collection<string> names, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Set(PropertyCmdletProviderIntrinsics p, string path, PSObject values, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Clear(PropertyCmdletProviderIntrinsics p, string path, Collection<string> names, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void New(PropertyCmdletProviderIntrinsics p, string path, string name, string type, object value, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Remove(PropertyCmdletProviderIntrinsics p, string path, string name, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Rename(PropertyCmdletProviderIntrinsics p, string path, string from, string to, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Copy(PropertyCmdletProviderIntrinsics p, string path, string name, string toPath, string toName, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Move(PropertyCmdletProviderIntrinsics p, string path, string name, string toPath, string toName, [UnsafeAccessorType(Raw)] object c);

    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern PathInfo SetLocation(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c, bool literal);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern bool IsCurrentLocationOrAncestor(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern Collection<PathInfo> GetResolvedPSPathFromPSPath(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern Collection<string> GetResolvedProviderPathFromPSPath(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c, out ProviderInfo provider);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern string GetUnresolvedProviderPathFromPSPath(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c, out ProviderInfo provider, out PSDriveInfo drive);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern string Combine(PathIntrinsics p, string parent, string child, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern string ParseParent(PathIntrinsics p, string path, string root, [UnsafeAccessorType(Raw)] object c, bool useDefaultProvider);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern string ParseChildName(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c, bool useDefaultProvider);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern string NormalizeRelativePath(PathIntrinsics p, string path, string basePath, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern bool IsValid(PathIntrinsics p, string path, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void New(DriveManagementIntrinsics d, PSDriveInfo drive, string scope, [UnsafeAccessorType(Raw)] object c);
    [UnsafeAccessor(UnsafeAccessorKind.Method)] static extern void Remove(DriveManagementIntrinsics d, string name, bool force, string scope, [UnsafeAccessorType(Raw)] object c);
}
