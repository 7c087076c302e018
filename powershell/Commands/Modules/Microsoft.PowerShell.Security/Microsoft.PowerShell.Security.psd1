# The commands of this module are built in; this manifest lets Get-Module and Import-Module find it by name.
@{
    GUID = '99904468-6814-515f-81ba-114bc7fa5ddc'
    Author = 'Octopus Reactions'
    ModuleVersion = '7.0.0.0'
    CompatiblePSEditions = @('Core')
    PowerShellVersion = '7.0'
    FunctionsToExport = @()
    CmdletsToExport = @()
    AliasesToExport = @()
}
