// SPDX-License-Identifier: Apache-2.0
/* The catalogue made again from one medium and the key file (ST-21): each device and kind from its
 * first generation to the newest, signatures and chain checked, a few versions per transaction.
 * Writes nothing on the medium. May be killed and run again. */
#include "services/storage/rebuild.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/vault/names.h"
#include "services/storage/sql_rebuild.h"
#include "services/storage/storage.h"

#define AT_ONCE 16
#define VAULT_NAME                                                                                 \
	"main" /* of a vault that the catalogue does not know; as in schemas/config.tab */

struct link {
	uint64_t generation;
	char name[64]; /* without its suffix */
};

struct rebuild {
	struct vault medium;
	struct keys keys;
	struct loop *loop;
	struct db *db;
	char named[65];
	/* the chain being read */
	struct uuid device;
	const char *kind;
	char folder[96];
	uint64_t token; /* the highest in it */
	uint64_t last_generation;
	uint8_t last_digest[SHA256_LEN];
	/* what goes into the next transaction */
	struct medium_version batch[AT_ONCE];
	size_t n;
	bool chain_ends;
	/* so far */
	uint64_t chains, versions, erased, damaged;
	struct fault fault; /* of the catalogue: the end */
};

static void complain(struct rebuild *r, const char *name, const char *fmt, ...) printf_like(3, 4);
static void complain(struct rebuild *r, const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)printf("%s/%s: ", r->folder, name);
	(void)vprintf(fmt, ap);
	(void)putchar('\n');
	va_end(ap);
	r->damaged++;
}

/* ---- the catalogue ---- */

static void ended(struct rebuild *r, const struct fault *f)
{
	if (f != NULL)
		r->fault = *f;
	loop_stop(r->loop);
}

static void named(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rebuild *r = arg;
	(void)t;
	if (f == NULL && db_get_text(res[n - 1], 0, 0)[0] != 0)
		fault_why(&r->fault, CN_CONFLICT, "not_empty",
			"the catalogue has versions of its own: an empty one is wanted");
	else if (f == NULL)
		(void)snprintf(r->named, sizeof(r->named), "%s", db_get_text(res[n - 1], 0, 1));
	ended(r, f);
}

static void begin(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rebuild *r = arg;
	(void)res;
	(void)n;
	if (f != NULL) {
		ended(r, f);
		return;
	}
	sql_add_rebuild_begin(t, &r->medium, VAULT_NAME);
	db_commit(t, named, r);
}

static void put_done(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rebuild *r = arg;
	(void)t;
	for (size_t i = 0; f == NULL && i < r->n; i++) {
		const char *word = db_get_text(res[i], 0, 0);
		char id[UUID_TEXT];
		bug_if(i >= n);
		if (strcmp(word, "differs") == 0 || strcmp(word, "twin") == 0)
			complain(r, uuid_format(&r->batch[i].m.version, id),
				"the catalogue has another version in its place");
		r->versions++;
		r->erased += r->batch[i].erased;
	}
	ended(r, f);
}

static void put(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rebuild *r = arg;
	(void)res;
	(void)n;
	if (f != NULL) {
		ended(r, f);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		sql_add_rebuild_version(t, &r->medium, &r->batch[i]);
	if (r->chain_ends)
		sql_add_rebuild_chain(t, &r->device, r->kind,
			kind_of_device(kind_number(r->kind)) ? r->token : 0);
	db_commit(t, put_done, r);
}

/* Blocks. */
static int flush(struct rebuild *r, bool chain_ends)
{
	r->chain_ends = chain_ends;
	db_begin(r->db, put, r);
	loop_run(r->loop);
	for (size_t i = 0; i < r->n; i++)
		medium_version_fini(&r->batch[i]);
	r->n = 0;
	return r->fault.code == 0 ? 0 : -1;
}

/* ---- the medium ---- */

static void check_order(struct rebuild *r, const char *name, const struct medium_version *mv)
{
	const struct manifest *m = &mv->m;
	if (m->generation != r->last_generation + 1)
		complain(r, name, "generations %" PRIu64 " to %" PRIu64 " before it are missing",
			r->last_generation + 1, m->generation - 1);
	else if (m->prev_generation != r->last_generation ||
		 memcmp(m->prev_digest, r->last_digest, SHA256_LEN) != 0)
		complain(r, name, "does not follow the generation before it");
	r->last_generation = m->generation;
	memcpy(r->last_digest, mv->digest, SHA256_LEN);
}

/* One version into the batch, when it is one. */
static void take(struct rebuild *r, const char *name)
{
	struct medium_version *mv = &r->batch[r->n];
	struct fault f = FAULT_INIT;
	int rc = medium_version_read(&r->medium, &r->keys, r->folder, name, mv, &f);
	/* the mark of ST-20 counts those without signature, too */
	if (mv->m.token > r->token)
		r->token = mv->m.token;
	if (rc < 0)
		complain(r, name, "%s", f.detail);
	else if (mv->is_signed && mv->m.generation == r->last_generation)
		complain(r, name, "two versions of one generation");
	else if (mv->is_signed)
		check_order(r, name, mv);
	if (rc < 0 || !mv->is_signed) {
		medium_version_fini(mv);
		return;
	}
	if (!mv->erased && !mv->whole)
		complain(r, name, "some of its contents are missing or damaged");
	r->n++;
}

static int by_generation(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The manifests of r->folder in order. */
static struct link *read_links(struct rebuild *r, size_t *ret_n)
{
	struct names names;
	struct fault f = FAULT_INIT;
	size_t n = 0;
	*ret_n = 0;
	if (names_read(&r->medium, r->folder, &names, &f) < 0) {
		complain(r, "", "%s", f.detail);
		return NULL;
	}
	struct link *links = mem_alloc((names.n + 1) * sizeof(*links));
	for (size_t i = 0; i < names.n; i++) {
		struct uuid id;
		const char *suffix;
		if (!version_name(names.names[i], &links[n].generation, &id, &suffix) ||
			strcmp(suffix, "json") != 0)
			continue;
		(void)snprintf(links[n].name, sizeof(links[n].name), "%.*s",
			(int)strlen(names.names[i]) - 5, names.names[i]);
		n++;
	}
	if (n > 1)
		qsort(links, n, sizeof(*links), by_generation);
	names_fini(&names);
	*ret_n = n;
	return links;
}

static int rebuild_chain(struct rebuild *r, const char *device, const char *kind)
{
	size_t n;
	int rc = 0;
	(void)snprintf(r->folder, sizeof(r->folder), "devices/%.40s/%.40s", device, kind);
	r->kind = kind;
	r->token = r->last_generation = 0;
	memset(r->last_digest, 0, SHA256_LEN);
	struct link *links = read_links(r, &n);
	for (size_t i = 0; i < n && rc == 0; i++) {
		take(r, links[i].name);
		if (r->n == AT_ONCE)
			rc = flush(r, false);
	}
	free(links);
	r->chains += n > 0;
	return rc == 0 ? flush(r, true) : -1;
}

static int rebuild_device(struct rebuild *r, const char *device)
{
	struct names kinds;
	struct fault f = FAULT_INIT;
	int rc = 0;
	(void)snprintf(r->folder, sizeof(r->folder), "devices/%.40s", device);
	if (uuid_parse(device, &r->device) < 0 ||
		names_read(&r->medium, r->folder, &kinds, &f) < 0) {
		complain(r, "", "not a folder of ours");
		return 0;
	}
	for (size_t i = 0; i < kinds.n && rc == 0; i++)
		if (kind_number(kinds.names[i]) != 0)
			rc = rebuild_chain(r, device, kinds.names[i]);
	names_fini(&kinds);
	return rc;
}

static int rebuild_all(struct rebuild *r)
{
	struct names devices;
	int rc = 0;
	db_begin(r->db, begin, r);
	loop_run(r->loop);
	if (r->fault.code != 0 || names_read(&r->medium, "devices", &devices, &r->fault) < 0)
		return -1;
	for (size_t i = 0; i < devices.n && rc == 0; i++)
		rc = rebuild_device(r, devices.names[i]);
	names_fini(&devices);
	return rc;
}

/* ---- the command ---- */

static int open_medium(struct rebuild *r, int argc, char **argv)
{
	struct keyring ring = {.n = 0};
	struct buf passphrase = BUF_INIT;
	int rc = passphrase_read(argc > 5 ? argv[5] : "", &passphrase, &r->fault);
	if (rc == 0)
		rc = keyring_read(argv[3], buf_span(&passphrase), &ring, &r->fault);
	if (rc == 0)
		rc = vault_open_medium(&r->medium, argv[2], &r->fault);
	if (rc == 0)
		rc = keys_open(&r->keys, &r->medium, &ring, &r->fault);
	keyring_wipe(&ring);
	buf_wipe(&passphrase);
	return rc;
}

static int say(const struct rebuild *r, const char *medium)
{
	if (r->fault.code != 0) {
		(void)fprintf(stderr, "carnet-storage: %s\n", r->fault.detail);
		return 2;
	}
	(void)printf("%" PRIu64 " versions (%" PRIu64 " erased) in %" PRIu64
		     " chains are in the catalogue, %" PRIu64 " complaints\n"
		     "start storage with CARNET_VAULT_DIR=%s CARNET_VAULT_NAME=%s\n",
		r->versions, r->erased, r->chains, r->damaged, medium, r->named);
	return r->damaged > 0 ? 1 : 0;
}

int rebuild_catalogue(int argc, char **argv)
{
	struct rebuild *r = mem_alloc(sizeof(*r));
	r->medium.fd = r->medium.tmp = -1;
	if (open_medium(r, argc, argv) == 0) {
		r->loop = loop_new();
		r->db = db_open(r->loop, argv[4], 1);
		(void)!rebuild_all(r);
		db_close(r->db);
		loop_free(r->loop);
	}
	int code = say(r, argv[2]);
	keys_fini(&r->keys);
	vault_close(&r->medium);
	free(r);
	return code;
}
