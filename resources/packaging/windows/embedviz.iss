; The setup program for Windows, for one user and without an administrator. Untried: see RELEASING.md.
;   ISCC /DAppVersion=0.1.0 resources\packaging\windows\embedviz.iss     after `make app`
; makes dist\embedviz-0.1.0-windows-x86_64-setup.exe

#ifndef AppVersion
  #error AppVersion is missing: pass /DAppVersion=0.1.0
#endif
#define Root "..\..\.."
#define Built Root + "\dist\embedviz"

[Setup]
; Never change AppId: by it a newer version finds the older one.
AppId={{CF39EFD6-A0A3-4BAB-A0FD-6AF4EF1A709D}
AppName=embedviz
AppVersion={#AppVersion}
AppVerName=embedviz {#AppVersion}
AppPublisher=The embedviz authors
DefaultDirName={localappdata}\Programs\embedviz
DefaultGroupName=embedviz
DisableProgramGroupPage=yes
DisableDirPage=auto
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile={#Root}\LICENSE
SetupIconFile=embedviz.ico
UninstallDisplayIcon={app}\embedviz.exe
UninstallDisplayName=embedviz
OutputDir={#Root}\dist
OutputBaseFilename=embedviz-{#AppVersion}-windows-x86_64-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern
ChangesAssociations=yes
; The window has to be closed: the trainer is stopped by it, and its files cannot be replaced while they are used.
CloseApplications=yes
RestartApplications=no

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"; Flags: unchecked

[InstallDelete]
; Nothing of an older version may stay where a newer one would load it; in a folder without one, nothing is ours.
Type: filesandordirs; Name: "{app}\_internal"; Check: HasOlderVersion
Type: filesandordirs; Name: "{app}\licences"; Check: HasOlderVersion

[Files]
Source: "{#Built}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\embedviz"; Filename: "{app}\embedviz.exe"
Name: "{autodesktop}\embedviz"; Filename: "{app}\embedviz.exe"; Tasks: desktopicon

[Registry]
; In "Open with" for .txt, and no text's default.
Root: HKCU; Subkey: "Software\Classes\embedviz.text"; ValueType: string; ValueData: "Text"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\embedviz.text\DefaultIcon"; ValueType: string; ValueData: "{app}\embedviz.exe,0"
Root: HKCU; Subkey: "Software\Classes\embedviz.text\shell\open\command"; ValueType: string; ValueData: """{app}\embedviz.exe"" ""%1"""
Root: HKCU; Subkey: "Software\Classes\.txt\OpenWithProgids"; ValueType: string; ValueName: "embedviz.text"; ValueData: ""; Flags: uninsdeletevalue
Root: HKCU; Subkey: "Software\Classes\Applications\embedviz.exe"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "embedviz"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\Applications\embedviz.exe\SupportedTypes"; ValueType: string; ValueName: ".txt"; ValueData: ""
Root: HKCU; Subkey: "Software\Classes\Applications\embedviz.exe\shell\open\command"; ValueType: string; ValueData: """{app}\embedviz.exe"" ""%1"""

[Code]
function HasOlderVersion: Boolean;
begin
  Result := FileExists(ExpandConstant('{app}\embedviz.exe')) and DirExists(ExpandConstant('{app}\_internal'));
end;

[Run]
Filename: "{app}\embedviz.exe"; Description: "{cm:LaunchProgram,embedviz}"; Flags: nowait postinstall skipifsilent
