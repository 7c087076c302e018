# The commands of this module are built in; this manifest lets Get-Module and Import-Module find it by name.
@{
    GUID = '4ce9dc0c-a9ba-5e8e-89c7-f0b93674385d'
    Author = 'Octopus Reactions'
    ModuleVersion = '7.0.0.0'
    CompatiblePSEditions = @('Core')
    PowerShellVersion = '7.0'
    FunctionsToExport = @()
    CmdletsToExport = @()
    AliasesToExport = @()
}
