// SPDX-License-Identifier: Apache-2.0
/* The audit trail as a chain (security.md section 7): each entry's hash is SHA-256 over the hash of
 * the one before and its own canonical text; checkpoints sign a hash now and then. Here is how it
 * is walked again and what is said of it when it is not whole. Pure. */
#pragma once

#include "common/base/base.h"

#define AUDIT_HASH 32
#define AUDIT_SUSPECTS 32 /* entries that do not follow; more are only counted */
#define AUDIT_FAULTS 64

/* The canonical text of an entry is a JSON array that begins with its number; tail = what follows
 * the number. */
struct audit_entry {
	uint64_t seq;
	const char *tail;
	uint8_t hash[AUDIT_HASH];
};

/* A checkpoint: key signed that the entry seq has this hash. */
struct audit_mark {
	uint64_t seq;
	uint8_t hash[AUDIT_HASH], key[32], signature[64];
};

enum audit_fault_kind {
	AUDIT_CHANGED = 1, /* seq does not follow from the one before: it, or that one's hash */
	AUDIT_REMOVED,     /* seq..to are not there */
	AUDIT_INSERTED,    /* seq..to were put in */
	AUDIT_MOVED,       /* seq stands at `to` */
	AUDIT_CUT,         /* the end is missing: seq..to */
	AUDIT_REWRITTEN,   /* seq..to are another chain than the one that was signed */
	AUDIT_UNSIGNED,    /* the checkpoint at seq is not signed by a key we know */
};

struct audit_fault {
	enum audit_fault_kind kind;
	uint64_t seq, to;
};

struct audit_suspect {
	uint64_t seq;
	char *tail; /* owned */
	uint8_t hash[AUDIT_HASH], before[AUDIT_HASH], earlier[AUDIT_HASH];
	int push; /* those after it stand one place later (+1) or earlier (-1) than when written */
};

/* A walk over the entries in order. */
struct audit_walk {
	uint64_t seq;                                  /* of the last one */
	uint8_t hash[AUDIT_HASH], earlier[AUDIT_HASH]; /* of the last one and the one before */
	int64_t shift;       /* how far entries stand from where they were */
	uint64_t signed_seq; /* of the last good checkpoint */
	uint64_t entries, marks;
	struct audit_suspect suspects[AUDIT_SUSPECTS];
	size_t suspects_n, suspects_signed; /* now, and at the last checkpoint */
	struct audit_fault faults[AUDIT_FAULTS];
	size_t faults_n;
	bool more; /* faults that found no place */
};

/* The hash of an entry that follows one with the hash before. */
void audit_hash(const uint8_t before[static AUDIT_HASH], uint64_t seq, const char *tail,
	uint8_t ret[static AUDIT_HASH]);

/* Begins after the entry seq with this hash; 0 and zeros = at the first one. */
void audit_walk_begin(struct audit_walk *w, uint64_t seq, const uint8_t hash[static AUDIT_HASH]);
/* The next entry; numbers rise. */
void audit_walk_entry(struct audit_walk *w, const struct audit_entry *e);
/* A checkpoint of the entry that was walked last; known: its key is one of ours. */
void audit_walk_mark(struct audit_walk *w, const struct audit_mark *m, bool known);
/* The entry that was walked last should have this hash: it was seen elsewhere. */
void audit_walk_known(struct audit_walk *w, const uint8_t hash[static AUDIT_HASH]);
/* The end should be here; hash NULL = only the number is known. May be asked several times. */
void audit_walk_head(struct audit_walk *w, uint64_t seq, const uint8_t *hash);
/* After the last entry: what is wrong stands in w->faults, by number. True = nothing. */
bool audit_walk_end(struct audit_walk *w);

/* One fault in words. */
void audit_fault_text(const struct audit_fault *f, char *out, size_t size);
const char *audit_fault_word(enum audit_fault_kind kind);

void audit_mark_sign(struct audit_mark *m, const uint8_t seed[static 32]);
bool audit_mark_good(const struct audit_mark *m);
