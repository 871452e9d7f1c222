"""The names of the commands that the engine brings along."""

from __future__ import annotations

_SHELL_BUILTINS = """
. : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare
dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill
let local mapfile popd printf pushd pwd read readarray readonly return set shift shopt source
test times trap true type typeset ulimit umask unalias unset wait
"""
SHELL_BUILTINS = frozenset(_SHELL_BUILTINS.split())
"""What is part of the shell itself and cannot be missing."""

_HARMLESS = """
arch awk b2sum base32 base64 basename basenc bash bc bunzip2 bzcat bzip2 cat chgrp chmod chown
cksum clear cmp column comm cp cut date dd diff dirname du egrep env envsubst expand expr factor
fgrep file find fmt fold gawk getconf grep groups gunzip gzip head hexdump hostname iconv id
join jq less link ln locale logname ls mawk md5sum mkdir mkfifo mktemp more mv nawk nice nl
nohup nproc numfmt od paste patch pr printenv readlink realpath rev rm rmdir sed seq sh sha1sum
sha224sum sha256sum sha384sum sha512sum shasum shuf sleep sort split stat strings sum sync tac
tail tar tee timeout touch tr tree truncate tsort tty uname unexpand uniq unlink unzip uuidgen
watch wc which whoami xargs xxd yes yq zip
"""
HARMLESS = frozenset(_HARMLESS.split())
"""The engine's own tools that neither reach outside nor show the machine it runs on."""

_ODD = """
assert busybox csv curl df dotenv flock free glob hostid http install json log make man nano
openssl parallel pgrep pkill ps retry rg semver sudo template tomlq uptime users verify vi wget
who
"""
ODD = frozenset(_ODD.split())
"""The engine's own tools that no shell here offers, unless a program takes the name."""
