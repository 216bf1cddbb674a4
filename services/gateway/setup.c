// SPDX-License-Identifier: Apache-2.0
/* The one-time token of a first start. */
#include "services/gateway/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "services/gateway/auth.h"
#include "services/gateway/sql.h"

#define MINUTES 30
#define AGAIN_MS 2000

struct setup {
	struct gateway *gateway;
	struct timer *again;
	char text[65];
	uint8_t digest[32];
};

static void fill(struct db_args *a, void *arg)
{
	const struct setup *s = arg;

	db_bytes(a, (struct span){s->digest, sizeof(s->digest)});
	db_int(a, MINUTES);
}

/* To the file only: a token on the log would be a secret in the log. */
static void lay_down(const struct setup *s)
{
	const char *path = s->gateway->config->setup_token_file;
	size_t n = strlen(s->text);

	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, s->text, n) == (ssize_t)n && write(fd, "\n", 1) == 1;
	if (fd >= 0 && close(fd) != 0)
		good = false;
	if (good)
		log_info(L("first start: make the first administrator with the setup token"),
			L_STR("setup_token_file", path), L_INT("minutes", MINUTES));
	else
		log_error(L("the setup token could not be written"), L_STR("path", path),
			L_INT("errno", errno));
}

static void opened(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct setup *s = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		timer_set(s->again, AGAIN_MS, 0);
		return;
	}
	if (db_rows(res[0]) == 1)
		lay_down(s);
	crypto_wipe(s->text, sizeof(s->text));
	timer_free(s->again);
	free(s);
}

static void ask(void *arg)
{
	struct setup *s = arg;

	auth_secret(s->text, s->digest);
	db_query(s->gateway->service->db, &SQL_SETUP_OPEN, fill, opened, s);
}

void setup_open(struct gateway *g)
{
	struct setup *s;

	if (*g->config->setup_token_file == '\0')
		return;
	s = mem_alloc(sizeof(*s));
	s->gateway = g;
	s->again = timer_new(g->service->loop, ask, s);
	ask(s);
}
