# Serves the worker protocol inside a PowerShell 7: pwsh -NoLogo -NoProfile -NonInteractive -File start.ps1
$ErrorActionPreference = 'Stop'
Add-Type -Path (Join-Path $PSScriptRoot 'Reactions.PowerShell.Worker.dll')
Add-Type -Path (Join-Path $PSScriptRoot 'Reactions.PowerShell.Octopus.dll')
[Reactions.PowerShell.InstalledEngine]::Serve()
