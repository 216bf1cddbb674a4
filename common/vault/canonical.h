// SPDX-License-Identifier: Apache-2.0
/* Canonical JSON (docs/spec/storage.md section 6): UTF-8, keys sorted by bytes, no white space,
 * integers only, no duplicate keys. One writer, one strict reader; the reader takes nothing that
 * the writer would not have written. The error is sticky: read everything, ask canonical_end once.
 */
#pragma once

#include "common/base/buf.h"
#include "common/base/uuid.h"

#define CANONICAL_DEPTH 8
#define CANONICAL_KEY 64

struct canonical {
	const uint8_t *p, *end;
	const uint8_t *begin;
	unsigned depth;
	bool first[CANONICAL_DEPTH + 1];              /* nothing read yet at this depth */
	char key[CANONICAL_DEPTH + 1][CANONICAL_KEY]; /* last key of this object */
	bool err;
	size_t err_at; /* byte of the first error */
};

void canonical_init(struct canonical *c, struct span text);
/* '{' or '['. */
void canonical_enter(struct canonical *c, char open);
/* Next member of the object entered; false at its end (left then) or on error. */
bool canonical_key(struct canonical *c);
bool canonical_is(const struct canonical *c, const char *key);
/* Next element of the list entered; false at its end (left then) or on error. */
bool canonical_element(struct canonical *c);
int64_t canonical_int(struct canonical *c);
uint64_t canonical_count(struct canonical *c); /* not negative */
/* Only the form that clock_rfc3339 writes; wall milliseconds. */
uint64_t canonical_time(struct canonical *c);
/* At most size - 1 bytes, no NUL inside. */
void canonical_text(struct canonical *c, char *out, size_t size);
void canonical_uuid(struct canonical *c, struct uuid *out);
/* Hex or base64 text of exactly, or of at most n bytes. */
void canonical_hex(struct canonical *c, uint8_t *out, size_t n);
size_t canonical_base64(struct canonical *c, uint8_t *out, size_t max);
void canonical_skip(struct canonical *c);
/* true: all was well and nothing follows. */
bool canonical_end(struct canonical *c);
/* For checks of the caller's own. */
void canonical_fail(struct canonical *c);

/* The writer's difficulties. */
void canonical_put_text(struct buf *out, const char *s);
void canonical_put_hex(struct buf *out, struct span bytes); /* at most 64 */
void canonical_put_base64(struct buf *out, struct span bytes);
/* member: what stands before it, "{\"device\":" */
void canonical_put_uuid(struct buf *out, const char *member, const struct uuid *id);
