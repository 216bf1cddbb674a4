// SPDX-License-Identifier: Apache-2.0
/* Who is asking (security.md SE-41..43): API token or session cookie, looked up in the database. */
#pragma once

#include "services/gateway/gateway.h"

/* Fills r->who (known = false when nobody signed in) and calls then, with a fault when a token or
 * cookie was given and is not good, or a browser's change lacks its proof (Origin, token). */
void auth_identify(struct rest *r, void (*then)(struct rest *r, const struct fault *f));

enum msg_right auth_right(const char *role);
/* A column of scope lines, as of struct person. */
const char *auth_scope(struct arena *arena, const char *lines);
const char *auth_role(enum msg_right right);

/* 32 random bytes: text for the client (hex), digest for the database. */
void auth_secret(char text[static 65], uint8_t digest[static 32]);
void auth_digest(const char *text, uint8_t digest[static 32]);

/* At most 5 tries a minute and account (of any case), 20 a minute and address (reliability.md
 * section 5). */
bool auth_try_allowed(const char *account, const char *address);

/* Once a minute, outcome and address: what is refused before anything is looked up is noted, and
 * no flood of it. */
bool auth_note_allowed(const char *outcome, const char *address);

/* Password work on the pool, at most 2 at once; then(arg) on the loop. */
struct password_work {
	const char *password; /* lives until then */
	const char *stored;   /* text to check against; NULL = make a new one */
	struct span pepper;
	bool good;      /* of a check */
	char made[256]; /* of a new one, "" on failure */
	void (*then)(struct password_work *w);
	void *arg;
	struct password_work *next;
};
void auth_password(struct loop *l, struct password_work *w);
