// SPDX-License-Identifier: Apache-2.0
/* A document that a person wrote, YAML or JSON, as a tree that knows where everything stands.
 * YAML is what configuration needs of it: one document of maps, lists and scalars; anchors,
 * aliases, tags, merge keys and further documents are refused, and so is a name that comes twice. A
 * scalar keeps its text: what a plain `007`, `no` or `1e3` means is decided by whom it is read for.
 * JSON (begins with { or [) is strict. Not thread-safe. */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"

#define DOC_MAX ((size_t)64 * 1024 * 1024) /* bytes of a text */
#define DOC_DEPTH_MAX 32u

enum doc_kind { DOC_SCALAR = 1, DOC_LIST, DOC_MAP };

struct doc {
	enum doc_kind kind;
	bool quoted;           /* scalar: text, whatever it looks like */
	uint32_t line, column; /* from 1, in characters */
	const char *text;      /* scalar; valid UTF-8 without NUL */
	const char *key;       /* of a member of a map, else NULL */
	uint32_t key_line, key_column;
	struct doc *first, *next; /* members or items, in order */
	size_t n;
};

/* Why a text cannot be read. */
struct doc_wrong {
	uint32_t line, column;
	const char *reason; /* malformed nul charset too_deep too_long twice not_plain */
	char detail[128];   /* a sentence, English */
};

/* The tree lives in the arena. An empty YAML text is NULL. 0, or -1. */
int doc_read(struct span text, struct arena *arena, const struct doc **ret,
	struct doc_wrong *wrong) must_check;
/* Member of a map; NULL when there is none, or doc is none or no map. */
const struct doc *doc_get(const struct doc *map, const char *key);
/* A plain null, ~ or nothing at all. */
bool doc_is_null(const struct doc *d);

/* s as a YAML scalar that is read back as this text by every reader of YAML 1.1 and 1.2: plain
 * where nobody can take it for something else, else quoted. s is valid UTF-8. */
void yaml_text(struct buf *out, const char *s);
