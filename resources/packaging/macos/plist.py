"""What embedviz.app tells macOS about itself: build_app.spec hands it to PyInstaller's BUNDLE(info_plist=...)."""

import re

IDENTIFIER = "org.embedviz.embedviz"
OLDEST = "14.0"  # what the newest wheels of torch and numpy are built for, whichever macOS builds the app


def info_plist(version: str) -> dict[str, object]:
    """Return the keys of Info.plist; macOS takes three numbers as a version, so 1.2.3rc1 says 1.2.3 there."""
    found = re.match(r"\d+(\.\d+){0,2}", version)
    if found is None:
        raise ValueError(f"'{version}' does not begin with a number.")
    return {
        "CFBundleName": "embedviz",
        "CFBundleDisplayName": "embedviz",
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleShortVersionString": found[0],
        "CFBundleVersion": found[0],
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "Text",
                "CFBundleTypeRole": "Viewer",  # it reads texts, and never changes one
                "LSHandlerRank": "Alternate",  # in "Open With", and no text's default
                "LSItemContentTypes": ["public.plain-text"],
            }
        ],
        "LSBackgroundOnly": False,  # PyInstaller takes it from the trainer, which is the last of the two programs
        "LSApplicationCategoryType": "public.app-category.education",
        "LSMinimumSystemVersion": OLDEST,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT licence, The embedviz authors",
        "NSRequiresAquaSystemAppearance": False,  # dark where the system is
    }
