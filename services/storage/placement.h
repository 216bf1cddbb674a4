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

const char *placement_word(enum placement_verdict v);
/* 0: may be used; -1: CN_DESTINATION_REFUSED with reason same_disk, unknown or refused. */
int placement_check(
	const struct placement_ask *ask, struct placement *ret, struct fault *reterr) must_check;
