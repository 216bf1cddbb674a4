// SPDX-License-Identifier: Apache-2.0
/* From files to the database: read at start, one statement each. */
#include "services/lock/family.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/lock/sql.h"

/* What the member "lock" may say (schemas/profiles/README.md). */
static const char *const members[] = {"revision", "strict", "shared_export", "probe",
	"quarantine_ms", "quarantine_max_ms", "max_hold_ms", "shadow_ttl_ms", "window_required",
	"window_at_start", "denied", "operations"};

/* All the files of one start. */
struct putting {
	struct service *service;
	void (*then)(struct service *s, bool all);
	bool away;   /* the database, for one of them */
	size_t open; /* statements under way, and the reading itself */
};

struct family {
	struct putting *putting;
	char *name, *text;
};

static void one_less(struct putting *p)
{
	if (--p->open > 0)
		return;
	p->then(p->service, !p->away);
	free(p);
}

static bool is_member(const char *name)
{
	for (size_t i = 0; i < array_len(members); i++)
		if (strcmp(members[i], name) == 0)
			return true;
	return false;
}

/* The text of member "lock", owned; NULL when there is none, or one that says what nobody reads. */
static char *lock_of(const char *path)
{
	json_error_t e;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	json_t *lock = json_object_get(root, "lock");
	bool good = json_is_integer(json_object_get(lock, "revision"));
	const char *name;
	json_t *value;

	if (root == NULL)
		log_error(L("a device family cannot be read"), L_STR("file", path),
			L_STR("why", e.text));
	json_object_foreach(lock, name, value) good = good && is_member(name);
	if (lock != NULL && !good)
		log_error(L("a device family has no revision, or a member nobody reads"),
			L_STR("file", path));
	char *text = lock != NULL && good ? json_dumps(lock, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static void fill(struct db_args *a, void *arg)
{
	const struct family *f = arg;

	db_text(a, f->name);
	db_text(a, f->text);
}

static void put(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct family *family = arg;
	struct putting *p = family->putting;

	(void)t;
	(void)results;
	(void)n;
	if (f != NULL)
		log_error(L("a device family was not taken"), L_STR("family", family->name),
			L_FAULT(f));
	p->away |= f != NULL &&
		   (strcmp(f->reason, "database") == 0 || strcmp(f->reason, "unknown") == 0);
	free(family->name);
	free(family->text);
	free(family);
	one_less(p);
}

/* name: of the file. */
static void put_file(struct putting *p, const char *dir, const char *name)
{
	size_t n = strlen(name), end = strlen(".json");
	char path[4500];
	char *text;

	if (n <= end || strcmp(name + n - end, ".json") != 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = lock_of(path);
	if (text == NULL)
		return;
	struct family *f = mem_alloc(sizeof(*f));

	*f = (struct family){.putting = p, .name = mem_strdup(name), .text = text};
	f->name[n - end] = '\0';
	p->open++;
	db_query(p->service->db, &sql_put_family, fill, put, f);
}

void family_put_all(struct service *s, const char *dir, void (*then)(struct service *s, bool all))
{
	struct putting *p = mem_alloc(sizeof(*p));
	DIR *d = opendir(dir);
	const struct dirent *e;

	*p = (struct putting){.service = s, .then = then, .open = 1};
	if (d == NULL)
		log_warn(L("no device families: all are generic"), L_STR("profiles", dir));
	while (d != NULL && (e = readdir(d)) != NULL)
		put_file(p, dir, e->d_name);
	if (d != NULL)
		(void)closedir(d);
	one_less(p);
}
