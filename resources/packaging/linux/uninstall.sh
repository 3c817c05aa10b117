#!/bin/sh
# Removes what install.sh installed for this user; --purge removes settings and crash logs too. POSIX sh only.
# shellcheck disable=SC2154 # what is not set here is set in install.sh

uninstall_app() {
    found=false
    if [ -e "$record" ] || [ -e "$entry" ] || is_ours "$app"; then found=true; fi
    refuse_if_running "$app"
    [ "$purge" = false ] || [ -z "$program" ] || refuse_if_running "${program%/*}"
    cd / || fail "The folder / cannot be read."
    delete_leftovers
    delete "$app"
    forget
    if [ "$purge" = true ]; then
        rm -f "$settings/embedviz/embedviz.ini" "$settings/embedviz/embedviz.ini.lock" \
            "$own"/crashes/20??-*.log "$own"/crashes/20??-*.offered
        rmdir "$settings/embedviz" "$own/crashes" "$own" 2>/dev/null # what somebody else put there stays
        say "embedviz, its settings and crash logs are removed."
    elif [ "$found" = true ]; then
        say "embedviz is removed; settings and crash logs are kept (uninstall.sh --purge removes them too)."
    else
        say "embedviz is not installed here."
    fi
}

# shellcheck source=install.sh
. "$(dirname -- "$0")/install.sh"
