// SPDX-License-Identifier: Apache-2.0
/* Names in a folder of a medium, and what those of versions say. Blocks. */
#pragma once

#include "common/vault/vault_dir.h"

struct names {
	char **names; /* sorted */
	size_t n;
};

/* A folder that does not exist is empty. */
int names_read(const struct vault *v, const char *folder, struct names *ret,
	struct fault *reterr) must_check;
void names_fini(struct names *n);
/* "12-<uuid>.json": false when it is none. suffix points into name. */
bool version_name(
	const char *name, uint64_t *ret_generation, struct uuid *ret_id, const char **ret_suffix);
