// SPDX-License-Identifier: Apache-2.0
/* What reading and writing of LDIF have in common (docs/spec/address-books.md 4.3). */
#pragma once

#include "common/book/engines/lines.h"
#include "common/book/formats/dn.h"

#define LDIF_BASE "o=Address Book" /* where a fresh file puts its entries */

bool ldif_named(const struct line *l, const char *name);
/* Behind the spaces that fill. */
struct span ldif_value(const struct line *l);
/* The value decoded, in the arena: text or what base64 stands for. NULL: no UTF-8, or with NUL. */
const char *ldif_text(const struct line *l, struct arena *a);
/* Lines of which nothing is said: classes that follow from others, notes of a server. */
bool ldif_silent(const struct line *l);
/* Passwords and such: never shown, never written elsewhere. */
bool ldif_secret(struct span name);
/* The name of the record, in the arena; NULL = it has none. */
const char *ldif_dn(const struct record *r, struct arena *a);

/* "smb://user@host:445/path carnet" to a destination and back. A URI that is not written just so is
 * none of ours: false. */
void ldif_uri(const struct book_dest *d, struct buf *out);
bool ldif_uri_read(const char *text, struct book *b, struct book_entry *e);

int ldif_encode(struct encoder *e) must_check;
