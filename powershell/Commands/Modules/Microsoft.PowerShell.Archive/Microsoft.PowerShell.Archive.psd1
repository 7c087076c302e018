# The commands of this module are built in; this manifest lets Get-Module and Import-Module find it by name.
@{
    GUID = 'f43fe0ea-97e1-4f74-ba97-63bb78f743e3'
    Author = 'Octopus Reactions'
    ModuleVersion = '7.0.0.0'
    CompatiblePSEditions = @('Core')
    PowerShellVersion = '7.0'
    FunctionsToExport = @()
    CmdletsToExport = @()
    AliasesToExport = @()
}
