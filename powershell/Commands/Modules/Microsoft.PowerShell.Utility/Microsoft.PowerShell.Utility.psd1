# The commands of this module are built in; this manifest lets Get-Module and Import-Module find it by name.
@{
    GUID = '354e91fd-4412-5a92-af1f-201c3884b6e0'
    Author = 'Octopus Reactions'
    ModuleVersion = '7.0.0.0'
    CompatiblePSEditions = @('Core')
    PowerShellVersion = '7.0'
    FunctionsToExport = @()
    CmdletsToExport = @()
    AliasesToExport = @()
}
