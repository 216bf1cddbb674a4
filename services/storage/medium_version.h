// SPDX-License-Identifier: Apache-2.0
/* A version as one medium and the key file know it: what the catalogue is made again from (ST-21).
 * Reads only; blocks. */
#pragma once

#include "common/vault/keys.h"

struct medium_version {
	struct manifest m;
	struct buf text; /* of the manifest */
	uint8_t digest[SHA256_LEN], signature[SIGNATURE];
	bool is_signed; /* by one of ours: else it is no backup */
	bool erased;    /* and a signed tombstone says so */
	struct uuid kek;
	uint8_t wrapped_dek[WRAPPED_LEN];
	bool there[MANIFEST_ITEMS]; /* the object has the right size */
	bool whole;                 /* all are there */
	uint32_t entries[MANIFEST_ITEMS];
	/* from the sealed meta item */
	char serial[129], format[33], family[65], model[129], firmware[129], language[36],
		charset[41], device_name[129];
	struct uuid password; /* that an export of this version was locked with */
};

/* folder/name.json and what belongs to it. -1: it cannot be used at all; is_signed false: a
 * manifest without a signature. medium_version_fini it in any case. */
int medium_version_read(const struct vault *v, const struct keys *k, const char *folder,
	const char *name, struct medium_version *ret, struct fault *reterr) must_check;
void medium_version_fini(struct medium_version *mv);
