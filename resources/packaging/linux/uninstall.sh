#!/bin/sh
# Removes what install.sh installed for this user; --purge removes settings and crash logs too.
exec sh "$(dirname -- "$0")/install.sh" --uninstall "$@"
