#!/bin/sh
# Installs embedviz for this user: no root, no questions, no network. POSIX sh only; uninstall.sh reads this too.
# Everything it leaves is below: a copy of this folder (or none, with --here), the menu entry, its icons, one link.
set -u
unset CDPATH

ID=org.embedviz.embedviz
MARK=.embedviz-is-being-copied-or-removed
NOT_DONE=", so that embedviz is not installed."
USAGE="usage: install.sh [--here]
  Installs embedviz for you: copies this folder, adds it to the menu and to 'Open with' for texts.
  --here  copy nothing: start embedviz from this folder, which then has to stay where it is
uninstall.sh [--purge] takes it away again; --purge takes your settings and crash logs too."

main() {
    task=install here=false purge=false
    if command -v uninstall_app >/dev/null; then task=uninstall; fi
    for option in "$@"; do
        case $task$option in
            install--here) here=true ;;
            uninstall--purge) purge=true ;;
            *l-h | *l--help) printf '%s\n' "$USAGE" && exit 0 ;;
            *) fail "There is no option '$option': install.sh takes --here, uninstall.sh takes --purge." ;;
        esac
    done
    find_places
    if [ "$task" = install ]; then install_app; else uninstall_app; fi
}

# ---- what both need

find_places() {
    folder=$(cd -P -- "$(dirname -- "$0")" && pwd -P) || fail "This folder cannot be read."
    case ${HOME:-} in
        /*) [ -d "$HOME" ] || fail "Your home folder '$HOME' does not exist, and embedviz is installed there." ;;
        *) fail "HOME is not set, so that your home folder, where embedviz is installed, is not known." ;;
    esac
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ]; then
        fail "Please run this without sudo: embedviz is installed for you alone, and needs no rights for that."
    fi
    data=$HOME/.local/share settings=$HOME/.config
    case ${XDG_DATA_HOME:-} in /*) data=${XDG_DATA_HOME%/} ;; esac # one that is not absolute counts as none
    case ${XDG_CONFIG_HOME:-} in /*) settings=${XDG_CONFIG_HOME%/} ;; esac
    case $folder$data$HOME in
        *'
'*) fail "A path with a line break in it cannot stand in a menu entry: please rename that folder." ;;
    esac
    own=$data/embedviz app=$own/app record=$own/installed
    entry=$data/applications/$ID.desktop
    link=$HOME/.local/bin/embedviz
    program=$(recorded program)
    made=$(recorded folder)
}

# The record has a line for the program that is installed, and one for each folder that had to be made.
recorded() {
    [ ! -f "$record" ] || sed -n "s/^$1 //p" "$record"
}

# A sentence, on the screen too if nobody sees a terminal.
say() {
    printf '%s\n' "$1" 2>/dev/null
    if ! [ -t 1 ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v notify-send >/dev/null; then
        notify-send --app-name=embedviz embedviz "$1" 2>/dev/null
    fi
    return 0
}

fail() {
    say "$1" >&2
    exit 2
}

refuse_if_running() {
    is_ours "$1" || return 0
    real=$(cd -P -- "$1" && pwd -P)
    # shellcheck disable=SC2010 # names are compared, not taken apart
    if ls -l /proc/[0-9]*/exe 2>/dev/null | grep -Fq -- " -> $real/"; then
        fail "embedviz is open: please close its windows, then run this again."
    fi
}

# A link that leads nowhere is something, too.
exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

# Tells menus what changed; they notice by themselves where these programs are absent.
refresh() {
    if command -v update-desktop-database >/dev/null && [ -d "$data/applications" ]; then
        update-desktop-database -q "$data/applications" 2>/dev/null
    fi
    touch -c "$data/icons/hicolor" 2>/dev/null
    # Only a cache that is there already: without one, icons are looked up in the folders.
    if [ -f "$data/icons/hicolor/icon-theme.cache" ] && command -v gtk-update-icon-cache >/dev/null; then
        gtk-update-icon-cache -q -f -t "$data/icons/hicolor" 2>/dev/null
    fi
    return 0
}

# Only such folders are ever moved or deleted: what else has one of our names is somebody's work.
is_ours() {
    [ -f "$1/$MARK" ] || { [ -f "$1/embedviz" ] && [ -f "$1/share/applications/$ID.desktop" ]; }
}

# The mark goes last, so that a kill leaves nothing that is not known again. Of a link, only the link goes.
delete() {
    is_ours "$1" || return 0
    if [ -L "$1" ]; then rm -f "$1" && return 0; fi
    chmod -R u+w "$1" 2>/dev/null # a copy that was interrupted may hold folders that cannot be written
    touch "$1/$MARK" 2>/dev/null
    for inside in "$1"/* "$1"/.[!.]*; do
        [ "$inside" = "$1/$MARK" ] || rm -rf "$inside"
    done
    rm -rf "$1"
}

# What a killed installation left; one that is still copying is left in peace.
delete_leftovers() {
    for left in "$own"/app.new.* "$own"/app.old.*; do
        is_ours "$left" || rmdir "$left" 2>/dev/null # killed before there was a mark: nothing is in it
        is_ours "$left" || continue
        other=${left##*.}
        if { tr '\0' '\n' <"/proc/$other/cmdline"; } 2>/dev/null | grep -q 'install\.sh$'; then
            fail "embedviz is being installed at this moment: please wait until that is done."
        fi
        if ! exists "$app" && [ ! -f "$left/$MARK" ]; then
            mv "$left" "$app" # killed between the two renames of put_in_place
        else
            delete "$left"
        fi
    done
    rm -f "$entry.new" "$record.new" 2>/dev/null
    for left in "$link".new.*; do [ ! -L "$left" ] || rm -f "$left"; done
}

is_our_link() {
    [ -L "$link" ] || return 1
    points_to=$(readlink "$link")
    [ "$points_to" = "$app/embedviz" ] || { [ -n "$program" ] && [ "$points_to" = "$program" ]; }
}

# Takes away the menu entry, the icons, the link and the folders that were made, if nothing else is in them.
forget() {
    rm -f "$entry" "$record" "$data"/icons/hicolor/*/apps/"$ID".* 2>/dev/null
    if is_our_link; then rm -f "$link"; fi
    refresh
    printf '%s\n' "$made" | while IFS= read -r each; do
        [ -n "$each" ] && [ -d "$each" ] || continue
        # The list of what opens what, made by refresh in a folder of ours: nothing is in it any more.
        [ "$(ls -A "$each")" != mimeinfo.cache ] || rm -f "$each/mimeinfo.cache"
        rmdir "$each" 2>/dev/null
    done
    return 0
}

# ---- install

install_app() {
    is_ours "$folder" ||
        fail "install.sh belongs into the folder of embedviz: please unpack the archive again, and run it there."
    if [ -d "$app" ] && [ "$(cd -P -- "$app" && pwd -P)" = "$folder" ]; then
        here=true target=$app # run from the installed copy: all there is to do is the menu entry
    else
        refuse_if_running "$app"
        if [ "$here" = true ]; then target=$folder; else target=$app; fi
    fi
    refuse_what_would_fail
    is_new=false finished=false put=false
    [ -f "$record" ] || is_new=true
    fresh=$own/app.new.$$ old=$own/app.old.$$
    trap undo_if_not_done EXIT
    trap 'exit 1' HUP INT TERM
    delete_leftovers
    make_folder "$own"
    [ "$here" = true ] || copy
    prepare_entry
    put_in_place
    finished=true
    delete "$old"
    [ "$target" = "$app" ] || delete "$app"
    refresh
    what="is installed, and in your menu; this folder is not needed any more."
    [ "$here" = false ] || what="is in your menu now; this folder has to stay where it is."
    say "embedviz $what"
}

refuse_what_would_fail() {
    case $here$own/ in
        false"$folder"/*) fail "The copy would lie inside this folder: please run 'install.sh --here'." ;;
    esac
    kept=$([ ! -d "$own" ] || { cd -P -- "$own" && pwd -P; })
    case $folder in
        "$kept"/app/* | "$kept"/app.new.* | "$kept"/app.old.*)
            [ -z "$kept" ] || fail "Old copies are deleted in '$own': please move this folder out of it first." ;;
    esac
    # shellcheck disable=SC2016 # the loader of libraries puts something of its own in place of each
    case $target in
        *[:\;]* | *'${'* | *'$LIB'* | *'$ORIGIN'* | *'$PLATFORM'*)
            fail 'embedviz cannot run in a folder with : ; ${ $LIB $ORIGIN or $PLATFORM in its path'"$NOT_DONE" ;;
    esac
    if [ "$here" = false ] && exists "$app" && ! is_ours "$app"; then
        fail "'$app' is in the way, and was not made by install.sh: please move it away$NOT_DONE"
    fi
    for each in "$entry" "$record"; do
        [ ! -d "$each" ] || fail "There is a folder where the file '$each' has to go: please move it away$NOT_DONE"
    done
}

# Makes a folder, and those around it, and keeps in mind which were not there.
make_folder() {
    if [ -z "$1" ] || [ -d "$1" ]; then return 0; fi
    make_folder "${1%/*}"
    mkdir "$1" 2>/dev/null || fail "The folder '$1' cannot be made$NOT_DONE"
    made="$1
$made"
}

copy() {
    { mkdir "$fresh" && touch "$fresh/$MARK"; } 2>/dev/null || fail "Nothing can be written into '$own'$NOT_DONE"
    if ! { cp -RP "$folder/." "$fresh/" && chmod -R u+w "$fresh"; } 2>/dev/null; then
        size=$(du -sk "$folder" 2>/dev/null | sed 's/[^0-9].*//')
        fail "There is no room for $((${size:-0} / 1024 + 1)) MB in '$own', or no right to write there$NOT_DONE"
    fi
    chmod u+x "$fresh"/embedviz* "$fresh"/*.sh # some programs that unpack archives forget it
    rm -f "$fresh/$MARK"
}

# Writes all that can fail for lack of room, under names that nobody reads yet.
prepare_entry() {
    if [ ! -x "$folder/embedviz" ] && [ "$here" = true ] && ! chmod u+x "$folder/embedviz" 2>/dev/null; then
        fail "'$folder/embedviz' may not be executed: please unpack the archive again, elsewhere."
    fi
    make_folder "$data/applications"
    for icon in "$folder"/share/icons/hicolor/*/apps/"$ID".*; do
        [ -f "$icon" ] || continue
        inside=${icon#"$folder/share/"}
        make_folder "$data/${inside%/*}"
        { [ ! -d "$data/$inside" ] && cp -f "$icon" "$data/$inside" && chmod u+w "$data/$inside"; } 2>/dev/null ||
            fail "'$data/$inside' cannot be written$NOT_DONE"
    done
    { write_entry >"$entry.new"; } 2>/dev/null || fail "'$entry' cannot be written$NOT_DONE"
    make_folder "${link%/*}"
    { write_record >"$record.new"; } 2>/dev/null ||
        fail "'$record' cannot be written$NOT_DONE"
}

write_entry() {
    try_exec=$(printf '%s\n' "$target/embedviz" | LC_ALL=C sed 's/\\/\\\\/g') || return 1
    exec=$(command_line "$target/embedviz") || return 1
    while IFS= read -r line; do
        case $line in
            TryExec=*) printf 'TryExec=%s\n' "$try_exec" || return 1 ;;
            Exec=embedviz*) printf 'Exec=%s%s\n' "$exec" "${line#Exec=embedviz}" || return 1 ;;
            *) printf '%s\n' "$line" || return 1 ;;
        esac
    done <"$folder/share/applications/$ID.desktop"
}

# A path as the Exec key wants it: quoted for the command line, then for the file, then for field codes.
command_line() {
    # Programs with a percent sign are not found by GLib, which looks before it makes one of two, and those with an
    # equals sign are not allowed: a shell starts both.
    case $1 in *[%=]*) printf '%s' 'sh -c "exec \\"\\$0\\" \\"\\$@\\"" ' ;; esac
    quoted=$(printf '%s\n' "$1" | LC_ALL=C sed 's/["`$\\]/\\&/g; s/\\/\\\\/g; s/%/%%/g') || return 1
    printf '"%s"' "$quoted"
}

write_record() {
    printf 'program %s\n' "$target/embedviz" || return 1
    printf '%s\n' "$made" | sed '/^$/d; s/^/folder /'
}

# Renames, none of which needs room: whenever this is killed, the menu has a whole embedviz or the old one.
put_in_place() {
    put=true
    if [ "$here" = false ]; then
        ! exists "$app" || mv "$app" "$old" || fail "'$app' cannot be replaced."
        mv "$fresh" "$app" || fail "'$app' cannot be made."
    fi
    if ! exists "$link" || is_our_link; then
        ln -s "$target/embedviz" "$link.new.$$" && mv -f "$link.new.$$" "$link"
    fi
    mv -f "$record.new" "$record" && mv -f "$entry.new" "$entry" || fail "'$entry' cannot be replaced."
}

undo_if_not_done() {
    [ "$finished" = false ] || return 0 # called by the trap
    if [ "$put" = true ] && [ "$here" = false ] && [ ! -d "$fresh" ]; then delete "$app"; fi
    delete "$fresh"
    ! exists "$old" || mv "$old" "$app"
    rm -f "$entry.new" "$record.new" "$link.new.$$" 2>/dev/null
    if [ "$is_new" = true ]; then
        program=$target/embedviz
        forget
    fi
}

main "$@"
exit 0
