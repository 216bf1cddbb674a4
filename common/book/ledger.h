// SPDX-License-Identifier: Apache-2.0
/* What a conversion or a write loses or changes, line by line, before anything is written
 * (docs/spec/address-books.md 10.3, AB-29 to AB-31). Strings belong to the ledger. */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/book/field.h"

enum ledger_action {
	LEDGER_DROPPED,
	LEDGER_ENTRY_DROPPED,
	LEDGER_CUT,
	LEDGER_REENCODED,
	LEDGER_TRANSLITERATED,
	LEDGER_REMAPPED,
	LEDGER_SPLIT,
	LEDGER_MERGED,
	LEDGER_RENUMBERED,
	LEDGER_DEFAULTED,
	LEDGER_SECRET_NEEDED,
	LEDGER_MEMBER_LOST,
	LEDGER_DUPLICATE,
	LEDGER_SIDE_EFFECT,
	LEDGER_ACTIONS, /* how many there are */
};

enum ledger_severity {
	SEVERITY_CHANGE,
	SEVERITY_WARNING,
	SEVERITY_ACTION,
	SEVERITY_LOSS,
	SEVERITY_DESTRUCTIVE
};

struct ledger_line {
	enum ledger_action action;
	const char *list;   /* slot in the source */
	const char *key;    /* of the entry in the source; "" = of the whole list or book */
	const char *name;   /* of the entry, for people */
	const char *field;  /* of the target: "file.path", "name", "secret", "member" …; "" = the
			       entry */
	const char *before; /* "" for secrets, always */
	const char *after;
	const char
		*reason; /* a sentence: "Sharp has no FTP passive mode", "24 characters at most" */
};

struct ledger {
	struct arena arena;
	struct ledger_line *line;
	uint32_t n, cap;
};

void ledger_init(struct ledger *l);
void ledger_fini(struct ledger *l);
/* Copies what line points to; NULL strings become "". */
void ledger_add(struct ledger *l, const struct ledger_line *line);
enum ledger_severity ledger_severity(enum ledger_action action);
const char *ledger_action_name(enum ledger_action action);
const char *ledger_severity_name(enum ledger_severity severity);
int ledger_action_named(const char *name) must_check;
/* Lines that must be accepted before a write: loss, action, destructive. */
uint32_t ledger_losses(const struct ledger *l);
/* SHA-256 over the lines in order: what an acceptance is bound to (AB-29). */
void ledger_hash(const struct ledger *l, uint8_t hash[static 32]);
/* Forms for people and programs (AB-31). */
void ledger_json(const struct ledger *l, struct buf *out);
void ledger_csv(const struct ledger *l, struct buf *out);
