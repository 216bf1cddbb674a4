// SPDX-License-Identifier: Apache-2.0
/* Normal form, serialisation and hashes `carnet.norm.v1` (docs/spec/address-books.md section 8):
 * what "the same entry" means to backup, diff, merge and search. Frozen: a change is a v2 beside
 * it. Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/book/book.h"
#include "common/book/profile.h"

#define BOOK_HASH 32

/* Keys the digests of secrets (AB-4); per tenant. NULL where only the public hash is asked. */
struct book_key {
	uint8_t b[32];
};

/* The normal form of one value; NULL = absent. It is value itself where that is normal, else in the
 * book's arena. Idempotent. What depends on other fields (a protocol's own port) or on a profile
 * stays. */
const char *norm_value(struct book *b, enum book_field id, const char *value);
/* A copy whose every value is normal; the order of entries, destinations, members and lists stays;
 * tags and extras are sorted, members refer to entries that are there. profile NULL = no defaults
 * are known. Idempotent. */
struct book *book_normalise(const struct book *b, const struct book_profile *profile) must_check;
/* The same without copying what is normal already: b must live on and stay as it is. The i-th entry
 * of a list is that of b, the i-th destination that of the entry. */
struct book *book_normal_view(const struct book *b, const struct book_profile *profile) must_check;
/* The port that a folder has when none is written (F_PROTOCOL, F_SSL); NULL = none is known. */
const char *protocol_port(const char *protocol, bool ssl);

/* Injective on normal forms (L8). key NULL = the public record without secrets. e is normal. */
void entry_serialise(const struct book_entry *e, const struct book_key *key, struct buf *out);

/* The public record without number and uuid: what entries of equal content have in common. */
void entry_content(const struct book_entry *e, struct buf *out);

struct book_hashes {
	uint8_t pub[BOOK_HASH];
	uint8_t full[BOOK_HASH]; /* zero without a key; never leaves the vault (AB-25) */
};

/* Of normal forms. An entry's hash is that of its content: number and uuid, which say where it
 * stands, are in the list's. */
void entry_hash(const struct book_entry *e, const struct book_key *key, struct book_hashes *ret);
void list_hash(const struct book_list *l, const struct book_key *key, struct book_hashes *ret);
void book_hash(const struct book *b, const struct book_key *key, struct book_hashes *ret);

/* Shorter first, then by bytes: numbers stand in their order. NULL as "". */
int number_order(const char *a, const char *b);

/* Canonically equal, secrets too. Neither need be normal. */
bool book_same(const struct book *a, const struct book *b, const struct book_profile *profile);
