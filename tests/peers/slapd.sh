#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ldif_rfc through a real directory server (address-books.md 4.3): books go in by ldapadd and by slapadd, and what ldapsearch and slapcat say is the same book.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
PATH=$PATH:/usr/sbin
B=${B:-build}
books=$B/tests/peers/ldif_books
{ command -v slapd && command -v ldapsearch; } >/dev/null || { echo "1..0 # SKIP packages slapd and ldap-utils are not installed"; exit 0; }
D=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null; rm -rf "$D"' EXIT
url=ldapi://${D//\//%2F}%2Fsocket
admin='cn=admin,o=Address Book'
mkdir "$D/db"
cat >"$D/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile $D/pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "o=Address Book"
rootdn "$admin"
rootpw secret
directory $D/db
CONF
end() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
	pid=
}
unversioned() { sed '1{/^version: 1$/d}'; } # slapadd, unlike ldapadd, knows no version line
empty() { end; rm -rf "$D/db" && mkdir "$D/db"; }
start() {
	slapd -h "$url" -f "$D/slapd.conf" -d 0 2>"$D/slapd.log" &
	pid=$!
	for _ in $(seq 200); do
		ldapsearch -x -H "$url" -s base -b '' >/dev/null 2>&1 && return
		read -rt 0.05 <> <(:) # one turn of waiting, at most 10 s in all
	done
	cat "$D/slapd.log" >&2
	return 1
}
search() { ldapsearch -x -LLL -H "$url" -D "$admin" -w secret -b 'o=Address Book' "$@"; }

start || { not_ok "slapd starts"; done_testing; }
ok "a real directory server"
entries=0
for seed in $(seq "${LDIF_BOOKS:-6}"); do
	empty && start
	"$books" make "$seed" >"$D/book.ldif"
	check "book $seed: a server takes all of it" ldapadd -x -H "$url" -D "$admin" -w secret -f "$D/book.ldif"
	search >"$D/search.ldif"
	check "book $seed: and gives back the same book" "$books" same "$seed" <"$D/search.ldif"
	entries=$((entries + $(grep -c '^uid' "$D/search.ldif")))
	search -o ldif-wrap=20 | "$books" same "$seed" >/dev/null && ok "book $seed: in narrow lines, too" || not_ok "book $seed: in narrow lines, too"
done
check "they held something ($entries entries)" [ "$entries" -gt 20 ]

empty
for seed in 101 102; do
	rm -rf "$D/db" && mkdir "$D/db"
	"$books" make "$seed" | unversioned >"$D/book.ldif"
	check "book $seed: slapadd takes all of it" slapadd -f "$D/slapd.conf" -l "$D/book.ldif"
	slapcat -f "$D/slapd.conf" -l "$D/cat.ldif" 2>/dev/null
	check "book $seed: and slapcat gives back the same book, with what servers add to it" "$books" same "$seed" <"$D/cat.ldif"
done

rm -rf "$D/db" && mkdir "$D/db"
unversioned <tests/golden/book/ldif/carnet.ldif >"$D/book.ldif"
check "the sample goes in" slapadd -f "$D/slapd.conf" -l "$D/book.ldif"
start
search -o ldif-wrap=no >"$D/search.ldif"
is "$(grep -c '^labeledURI: smb://' "$D/search.ldif")" 1 "a folder is found as a URI"
is "$(search '(mail=EMILIE.DURR@example.com)' cn | grep -c ^cn::)" 1 "an address is found whatever its case"
is "$(search '(&(objectClass=groupOfNames)(member=cn=Scans\5c, finance,ou=3,o=Address Book))' cn | grep ^cn)" "cn: Everybody" "a member is found by its name with a comma"
done_testing
