// SPDX-License-Identifier: Apache-2.0
/* The properties of uDirectory that are published (address-books.md 4.5) and which of their values
 * may be written (DV-14): nothing else is ever sent. Pure. */
#pragma once

#include "common/base/map.h"
#include "services/worker/adapters/ricoh_message.h"

struct book;

enum ricoh_class {
	RICOH_TEXT,
	RICOH_NUMBER,
	RICOH_BOOL,
	RICOH_TAGS,
	RICOH_WORD,  /* one of words */
	RICOH_OPEN,  /* a value set that nobody published: what the machine itself says */
	RICOH_FIXED, /* given by the machine, or only once */
};

struct ricoh_rule {
	const char *name;
	enum ricoh_class class;
	uint32_t min, max;
	const char *words[4]; /* "" is one of them where it means "none" */
};

#define RICOH_RULES 44u
extern const struct ricoh_rule ricoh_rules[RICOH_RULES];

/* NULL = nobody published it. */
const struct ricoh_rule *ricoh_rule(const char *name);
/* Neither content nor ever written: passwords, times. */
bool ricoh_is_silent(const char *name);
/* The switch of the property's block: "mail:" of "mail:address"; NULL = of the entry itself. */
const struct ricoh_rule *ricoh_switch_of(const struct ricoh_rule *k);
/* The order of tags means nothing. */
bool ricoh_same_value(const struct ricoh_rule *k, const char *a, const char *b);

/* Values of properties whose set nobody published, as this machine has said them, or the one that a
 * backup is of. */
struct ricoh_said {
	struct map values;
};
void ricoh_said_add(struct ricoh_said *s, const struct ricoh_objects *o);
void ricoh_said_fini(struct ricoh_said *s);

/* May it be sent? Of an open set only what now or said has; said may be NULL. */
bool ricoh_writable(const struct ricoh_rule *k, const char *value, const struct ricoh_said *now,
	const struct ricoh_said *said);
