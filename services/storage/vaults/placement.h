// SPDX-License-Identifier: Apache-2.0
/* May the primary vault be here? Its disks must be neither the system's nor the database's
 * (docs/spec/storage.md section 10, ST-59..66). Reads /proc and /sys only. */
#pragma once

#include "common/base/fault.h"

enum placement_verdict {
	PLACEMENT_SEPARATE,
	PLACEMENT_SAME_DISK,
	PLACEMENT_UNKNOWN,
	PLACEMENT_REFUSED, /* volatile, inside the database directory, or with the key inside */
};

struct placement_ask {
	const char *root; /* tests: prefix of /proc, /sys and of every path; NULL = the machine */
	const char *vault_name;
	const char *vault;         /* path */
	const char *primary;       /* of a copy: path of the primary vault; NULL = this is it */
	const char *kek_file;      /* path */
	const char *database;      /* libpq connection string */
	const char *database_disk; /* declared: a path, "UUID=…", or a host name; "" = find out */
	const char *system_disks;  /* declared: paths, comma list */
	const char *accept_reason; /* ST-66; "" = none */
};

struct placement {
	enum placement_verdict verdict;
	bool overridden; /* accepted although not separate: for demonstrations */
	char why[400];   /* for people; "" when separate */
};

/* A file system that storage can write. */
struct placement_candidate {
	char path[512], label[64], type[32];
	char disks[128]; /* names, with blanks between */
	uint64_t size, free;
	bool removable;
	struct placement placement;
};
/* What the machine has now (ST-82): how many of at most max. ask: no vault is named. */
size_t placement_candidates(
	const struct placement_ask *ask, struct placement_candidate *out, size_t max);

const char *placement_word(enum placement_verdict v);
/* 0: may be used; -1: CN_DESTINATION_REFUSED with reason same_disk, unknown or refused. */
int placement_check(
	const struct placement_ask *ask, struct placement *ret, struct fault *reterr) must_check;
/* The same for a server: it must be neither this host nor the database's (ST-63). vault: its place;
 * kek_file and system_disks do not count. */
int placement_server(const struct placement_ask *ask, const char *host, struct placement *ret,
	struct fault *reterr) must_check;
