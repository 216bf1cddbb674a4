// SPDX-License-Identifier: Apache-2.0
/* Temporary files that their writers left behind. How old they are is compared with the medium's
 * own clock, by a file made now: a server's may be days off, and who still writes must not lose
 * anything. */
#include <stdio.h>
#include <string.h>

#include "common/vault/vault_dir.h"

struct sweep {
	const struct vault *vault;
	uint64_t before_ms;
};

/* What stepped aside for "NAME" is "NAME.old" and has the age of what it was: it is not needed once
 * its successor went where it belongs, or was swept. */
static bool waits(const struct vault *v, const char *name)
{
	size_t n = strlen(name);
	char successor[VAULT_NAME_MAX];
	if (n < 4 || strcmp(name + n - 4, ".old") != 0)
		return false;
	(void)snprintf(successor, sizeof(successor), "%.*s", (int)(n - 4), name);
	return vault_changed_ms(v, successor) != 0;
}

static int each(void *arg, const char *entry)
{
	const struct sweep *s = arg;
	char name[VAULT_NAME_MAX];
	(void)snprintf(name, sizeof(name), "tmp/%.100s", entry);
	uint64_t changed = vault_changed_ms(s->vault, name);
	if (changed != 0 && changed < s->before_ms && !waits(s->vault, name))
		vault_remove(s->vault, name);
	return 0;
}

int vault_sweep(const struct vault *v, uint64_t age_ms, struct fault *reterr)
{
	struct vault_file now;
	const struct span nothing = {(const uint8_t *)"", 0};
	if (!vault_has_temp(v))
		return 0;
	if (vault_create_with(v, "now", nothing, &now, reterr) < 0)
		return -1;
	uint64_t now_ms = vault_changed_ms(v, now.temp);
	vault_discard(v, &now);
	struct sweep s = {v, now_ms > age_ms ? now_ms - age_ms : 0};
	return vault_list(v, "tmp", each, &s, reterr);
}
