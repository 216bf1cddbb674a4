// SPDX-License-Identifier: Apache-2.0
/* What the files of carnet-verify share (docs/spec/storage.md section 7). One walk over a medium:
 * passports, then each device and kind: chain, slots, objects; everything that is wrong becomes a
 * finding. Reads only; memory is bounded by tables of fixed size and one manifest at a time. */
#pragma once

#include "common/vault/keys.h"
#include "common/vault/names.h"
#include "common/vault/passport.h"
#include "common/vault/vault_dir.h"

enum {
	VERIFY_GOOD = 0,
	VERIFY_DAMAGED = 1,
	VERIFY_CANNOT_OPEN = 2,
	VERIFY_INCOMPLETE = 3,
	VERIFY_USAGE = 4,
	VERIFY_NEEDS_NEWER = 5,
};

enum severity {
	FINDING_NOTE,       /* worth knowing, nothing is wrong */
	FINDING_INCOMPLETE, /* whole, but something newer was promised, or is not finished */
	FINDING_NEWER,      /* written by a later Carnet */
	FINDING_DAMAGE,
};

struct finding {
	enum severity severity;
	const char *path;
	int64_t offset; /* -1 = not one place */
	const char *what;
	const struct uuid *device; /* NULL = none in particular */
	const char *kind;
	uint64_t generation; /* 0 = none in particular */
};

struct verify {
	/* asked */
	bool quick;         /* objects are only looked for, not read */
	struct uuid device; /* nil = all */
	uint64_t serial;    /* of the passport that must be there at least; 0 = any */
	bool have_public;   /* --public was given */
	void (*report)(void *arg, const struct finding *f);
	void *arg;
	/* opened by who calls */
	struct vault medium;
	struct keyring ring; /* n = 0: no key */

	struct keys keys;
	bool have_key;          /* keys are good */
	struct signers signers; /* n = 0: nobody's signature can be checked */
	struct passport passport;
	bool *met; /* by entry of the passport */
	struct seen *seen;
	uint64_t devices, versions, erased, objects, bytes;
	uint64_t count[FINDING_DAMAGE + 1];
};

/* The exit code. Call once. */
int verify_medium(struct verify *v);
void verify_fini(struct verify *v);

/* ---- findings; where_* may be NULL ---- */

struct where {
	const char *path;
	int64_t offset;
	const struct uuid *device;
	const char *kind;
	uint64_t generation;
};
void found(struct verify *v, enum severity severity, const struct where *where, const char *fmt,
	...) printf_like(4, 5);
/* A fault of a reader. */
void found_fault(struct verify *v, const struct where *where, const struct fault *f);

/* ---- passports.c ---- */

void check_passports(struct verify *v);
/* Devices and kinds it names that were not met. */
void check_absent(struct verify *v);

/* ---- chain.c ---- */

void check_chains(struct verify *v);

/* ---- items.c ---- */

/* Slot and objects of a version whose manifest is signed. */
void check_items(struct verify *v, const struct manifest *m);
/* Does the newest passport know this key as one in use? */
bool kek_in_use(const struct verify *v, const struct uuid *kek);
/* Of an erased one: no key of it may be there. erased_ms 0 = nobody knows when. */
void check_erased_slot(struct verify *v, const struct where *where, const struct uuid *version,
	uint64_t erased_ms);

/* ---- extract.c ---- */

/* The items of a version into a directory; generation 0 = the newest; kind "" = address_book. */
int extract(struct verify *v, const char *kind, uint64_t generation, const char *dir);

/* extract.c */
int write_all(int fd, struct span bytes) must_check;

/* ---- mail.c: versions that came by mail (storage.md ST-54); return exit codes ---- */

/* Makes the file of a recipient's key, if absent, and prints its public half. */
int mail_key(const char *path);
/* What is sealed to a password needs no key file: it is read from password_file, or asked for. */
int mail_open(
	const char *attachment, const char *key_file, const char *password_file, const char *dir);

/* main.c: from the terminal, unseen */
void ask_passphrase(struct buf *out);
