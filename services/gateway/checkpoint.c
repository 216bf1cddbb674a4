// SPDX-License-Identifier: Apache-2.0
/* Checkpoints: what was added since the last one is walked, and only what is whole is signed. */
#include "services/gateway/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "services/gateway/sql.h"
#include "services/gateway/trail.h"

#define KEYS 16
#define ENTRIES 1000      /* so many entries want a checkpoint earlier */
#define MISSING_MS 300000 /* without one for so long: something is wrong */

struct checkpoints {
	struct gateway *gateway;
	struct timer *timer;
	uint8_t seed[32];
	bool signs;
	uint8_t keys[KEYS][32]; /* the first is ours, when we sign */
	size_t keys_n;
	struct trail trail;
	struct audit_mark walked; /* whole so far, by our own eyes */
	bool walking, broken;
	uint64_t good_ms; /* when all was well */
};

static int take_keys(struct checkpoints *c, const char *text, struct fault *reterr)
{
	char hex[65];

	while (*text != '\0') {
		size_t n = strcspn(text, ",");
		if (n != 64 || c->keys_n == KEYS)
			return fault_set(reterr, CN_VALIDATION_FAILED,
				"audit_keys: up to 15 keys of 64 hex digits");
		memcpy(hex, text, n);
		hex[n] = '\0';
		if (hex_decode(hex, c->keys[c->keys_n++], 32) != 0)
			return fault_set(reterr, CN_VALIDATION_FAILED, "audit_keys: not hex");
		text += n + (text[n] == ',');
	}
	return 0;
}

bool checkpoints_ours(const struct gateway *g, const uint8_t key[static 32])
{
	const struct checkpoints *c = g->checkpoints;

	for (size_t i = 0; i < c->keys_n; i++)
		if (memcmp(c->keys[i], key, 32) == 0)
			return true;
	return false;
}

const char *checkpoints_warning(const struct gateway *g)
{
	const struct checkpoints *c = g->checkpoints;

	if (c->broken)
		return "the audit trail is not whole: carnet audit verify tells where";
	if (c->signs &&
		clock_mono_ms() - c->good_ms > MISSING_MS + (uint64_t)g->config->checkpoint_ms)
		return "no checkpoint of the audit trail could be made for 5 minutes";
	return "";
}

/* ---- one checkpoint ---- */

static void made(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct checkpoints *c = arg;
	char hash[2 * AUDIT_HASH + 1], signature[129];

	(void)t;
	(void)res;
	(void)n;
	c->walking = false;
	if (f != NULL)
		return; /* again with the next look */
	c->good_ms = clock_mono_ms();
	hex_encode((struct span){c->walked.hash, AUDIT_HASH}, hash);
	hex_encode((struct span){c->walked.signature, 64}, signature);
	/* the log goes elsewhere: a trail cut off together with its checkpoints shows there */
	log_info(L("audit checkpoint"), L_INT("seq", (int64_t)c->walked.seq), L_STR("hash", hash),
		L_STR("signature", signature));
}

static void fill_mark(struct db_args *a, void *arg)
{
	const struct audit_mark *m = &((const struct checkpoints *)arg)->walked;

	db_int(a, (int64_t)m->seq);
	db_bytes(a, (struct span){m->hash, sizeof(m->hash)});
	db_bytes(a, (struct span){m->key, sizeof(m->key)});
	db_bytes(a, (struct span){m->signature, sizeof(m->signature)});
}

static void walked(struct trail *trail, const struct fault *f)
{
	struct checkpoints *c = trail->arg;
	char text[160];

	c->walking = f == NULL && trail->walk.faults_n == 0;
	if (f != NULL)
		return;
	if (trail->walk.faults_n > 0) {
		audit_fault_text(&trail->walk.faults[0], text, sizeof(text));
		if (!c->broken)
			log_error(L("the audit trail is not whole"), L_STR("first", text));
		c->broken = true;
		return;
	}
	c->broken = false;
	c->walked.seq = trail->walk.seq;
	memcpy(c->walked.hash, trail->walk.hash, AUDIT_HASH);
	audit_mark_sign(&c->walked, c->seed);
	db_query(c->gateway->service->db, &SQL_AUDIT_MARK, fill_mark, made, c);
}

/* ---- looking ---- */

/* Before the first walk of this process a good checkpoint is believed. */
static void believe(struct checkpoints *c, struct db_result *res)
{
	struct audit_mark last = {.seq = (uint64_t)db_get_int(res, 0, 3)};

	if (c->walked.seq != 0 || last.seq == 0)
		return;
	trail_mark(res, 0, 4, &last);
	if (checkpoints_ours(c->gateway, last.key) && audit_mark_good(&last))
		c->walked = last;
}

static void looked(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct checkpoints *c = arg;

	(void)t;
	(void)n;
	c->walking = false;
	if (f != NULL)
		return;
	uint64_t head = (uint64_t)db_get_int(res[0], 0, 0),
		 last = (uint64_t)db_get_int(res[0], 0, 3);
	if (head == last && !c->broken)
		c->good_ms = clock_mono_ms();
	if (head == last || (head - last < ENTRIES && !db_get_bool(res[0], 0, 7)))
		return;
	believe(c, res[0]);
	c->walking = true;
	c->trail = (struct trail){.gateway = c->gateway, .then = walked, .arg = c};
	audit_walk_begin(&c->trail.walk, c->walked.seq, c->walked.hash);
	trail_walk(&c->trail);
}

static void fill_look(struct db_args *a, void *arg)
{
	const struct checkpoints *c = arg;

	db_int(a, c->gateway->config->checkpoint_ms);
}

static void look(void *arg)
{
	struct checkpoints *c = arg;

	if (c->walking)
		return;
	c->walking = true;
	db_query(c->gateway->service->db, &SQL_AUDIT_HEAD, fill_look, looked, c);
}

struct checkpoints *checkpoints_new(struct gateway *g, struct fault *reterr)
{
	const struct gateway_config *config = g->config;
	struct checkpoints *c = mem_alloc(sizeof(*c));

	c->gateway = g;
	c->good_ms = clock_mono_ms();
	c->signs = *config->audit_key_file != '\0';
	if (c->signs &&
		key_file_read(config->audit_key_file, c->seed, sizeof(c->seed), reterr) != 0)
		goto bad;
	if (c->signs)
		sign_public(c->seed, c->keys[c->keys_n++]);
	if (take_keys(c, config->audit_keys, reterr) != 0)
		goto bad;
	if (c->signs) {
		uint64_t every = (uint64_t)config->checkpoint_ms / 10 + 1;
		c->timer = timer_new(g->service->loop, look, c);
		timer_set(c->timer, every, every);
	} else {
		log_warn(L("no audit_key_file: the audit trail has no checkpoints"));
	}
	return c;
bad:
	crypto_wipe(c->seed, sizeof(c->seed));
	free(c);
	return NULL;
}
