// SPDX-License-Identifier: Apache-2.0
/* Which objects were read already, and whether they were good: many versions share them. A table of
 * bounded size; what does not fit is read again. Pure. */
#pragma once

#include "common/vault/object.h"

#define SEEN_MAX ((size_t)1 << 20)

struct seen;
struct seen *seen_new(void);
void seen_free(struct seen *s);

struct seen_object {
	uint8_t id[16];        /* of oid and incarnation */
	uint8_t commitment[8]; /* of its key, or of its bytes when there is no key */
	bool used, good;
};

void seen_id(const uint8_t oid[static OID_LEN], uint64_t incarnation, uint8_t id[static 16]);
/* NULL when it was not seen. */
const struct seen_object *seen_find(const struct seen *s, const uint8_t id[static 16]);
void seen_add(struct seen *s, const struct seen_object *o);
