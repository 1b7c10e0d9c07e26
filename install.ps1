<#
.SYNOPSIS
Installs scalekit-auth for this user of Windows, with its protocol names: the program beside this script, as in a release,
else one that it builds.
.PARAMETER Directory
Where the programs go; it is added to the user's PATH. %LOCALAPPDATA%\Programs\scalekit-auth unless given.
.PARAMETER Executable
A scalekit-auth.exe that is built already.
.PARAMETER Uninstall
Removes the programs. Configuration and stored client credentials stay; `scalekit-auth logout` removes the latter.
#>
param(
    [string]$Directory = (Join-Path $env:LOCALAPPDATA 'Programs\scalekit-auth'),
    [string]$Executable = '',
    [switch]$Uninstall
)
$ErrorActionPreference = 'Stop'

$program = Join-Path $Directory 'scalekit-auth.exe'
$names = 'git-credential-scalekit', 'docker-credential-scalekit', 'bazel-scalekit', 'cargo-credential-scalekit',
    'terraform-credentials-scalekit', 'nuget-plugin-scalekit', 'scalekit-askpass'
$links = $names | ForEach-Object { Join-Path $Directory "$_.exe" }
$userPath = [Environment]::GetEnvironmentVariable('Path', 'User')
$others = @($userPath -split ';' | Where-Object { $_ -and $_.TrimEnd('\') -ne $Directory.TrimEnd('\') })

if ($Uninstall) {
    if (Test-Path $program) { & $program setup --undo }
    Remove-Item -Force -ErrorAction SilentlyContinue -Path (@($links) + $program)
    [Environment]::SetEnvironmentVariable('Path', ($others -join ';'), 'User')
    Write-Host "Removed from $Directory. Configuration and stored client credentials are still there."
    exit 0
}

$beside = Join-Path $PSScriptRoot 'scalekit-auth.exe'
if (-not $Executable -and (Test-Path $beside)) { $Executable = $beside }
if (-not $Executable) {
    if (-not (Get-Command cargo -ErrorAction SilentlyContinue)) {
        throw 'cargo is missing; install Rust from https://rustup.rs, then run this again'
    }
    Push-Location $PSScriptRoot
    try {
        cargo build --release --locked --bin scalekit-auth
        if ($LASTEXITCODE -ne 0) { throw 'the program could not be built' }
    } finally { Pop-Location }
    $target = if ($env:CARGO_TARGET_DIR) { $env:CARGO_TARGET_DIR } else { Join-Path $PSScriptRoot 'target' }
    $Executable = Join-Path $target 'release\scalekit-auth.exe'
}

New-Item -ItemType Directory -Force -Path $Directory | Out-Null
# A program that runs at this moment cannot be overwritten, but it can be renamed; the old one goes with the next installation.
$old = "$program.old"
Remove-Item -Force -ErrorAction SilentlyContinue -Path $old
if (Test-Path $program) { Move-Item -Force $program $old }
Copy-Item -Force $Executable $program
# Names of the old file would go on being the old program.
Remove-Item -Force -ErrorAction SilentlyContinue -Path $links
& $program setup | Out-Null
if ($LASTEXITCODE -ne 0) { throw "$program cannot make its protocol names" }
[Environment]::SetEnvironmentVariable('Path', ((@($Directory) + $others) -join ';'), 'User')
Write-Host "Installed $(& $program --version) to $Directory, which is on PATH in every new window."
