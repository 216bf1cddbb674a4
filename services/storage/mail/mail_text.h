// SPDX-License-Identifier: Apache-2.0
/* What a person says with a version sent by mail, and the mail that says it (docs/spec/storage.md
 * ST-52, ST-53, ST-55; seed 003). Pure. */
#pragma once

#include "common/base/buf.h"
#include "common/base/fault.h"

struct mail_words {
	const char *who;         /* who sends it, and how to reach them */
	const char *why;         /* the reason */
	const char *description; /* at least three lines that say something, and differ */
};

/* CN_VALIDATION_FAILED "mail_who_missing", "mail_why_missing", "mail_description_too_short" or
 * "mail_description" (no text). */
int mail_words_check(const struct mail_words *w, struct fault *reterr) must_check;

/* What is in it: no entry names, nothing of the book (ST-55). */
struct mail_facts {
	const char *device, *serial, *kind;
	uint64_t generation;
	const char *made; /* when, RFC 3339 */
	const char *file;
	bool to_password; /* agreed apart; else to the key of who gets it */
};
/* language: en, fr or ja; else en. */
void mail_words_subject(const char *language, const struct mail_facts *f, struct buf *out);
void mail_words_text(const char *language, const struct mail_words *w, const struct mail_facts *f,
	struct buf *out);

/* Is the address one of the list? Entries, separated by commas, are addresses or *@domain, as
 * mail_address gives them. */
bool mail_allowed(const char *list, const char *address) must_check;
