// SPDX-License-Identifier: Apache-2.0
/* One copy of one version in one vault, byte by byte: manifest, signature, key slot, contents
 * against what the catalogue says. Work pool. */
#pragma once

#include "common/base/map.h"
#include "services/storage/reading.h"

/* A version as the catalogue has it. */
struct copied {
	struct uuid version, device;
	char kind[24];
	uint64_t generation;
	uint8_t digest[SHA256_LEN]; /* of the manifest */
	struct stored_item *items;
	size_t n;
	struct uuid kek; /* after copy_check: under which its slot lies there */
};

/* Of the results of sql_add_get; false when it is not (or no longer) committed or condemned. */
bool copied_read(struct db_result *version, struct db_result *items, struct copied *ret);
void copied_fini(struct copied *c);

/* Names of contents that were found good lately: each is read once a pass, however many versions
 * have it. */
struct seen {
	struct map map;
	size_t n;
};
void seen_forget(struct seen *s);

/* 0; or -1: CN_STORE_VERIFY_FAILED = damaged, CN_NOT_FOUND = a file is not there, others = the
 * vault cannot be read. seen may be NULL. bytes counts what was read. */
int copy_check(const struct vault *v, struct copied *c, struct seen *seen, uint64_t *bytes,
	struct fault *reterr) must_check;
