// SPDX-License-Identifier: Apache-2.0
/* Catalogue → vault → books → handler. */
#include "services/storage/books/opened_book.h"

#include <stdlib.h>
#include <string.h>

int cursor_number(const char *text, uint64_t *ret)
{
	char *end;
	if (text == NULL || text[0] == 0)
		return 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (*end != 0 || text[0] < '0' || text[0] > '9')
		return -1;
	*ret = n;
	return 0;
}

const struct book_profile *opened_profile(const struct opened *o, size_t i)
{
	const struct version_book *v = &o->read[i];
	return v->book == NULL ? NULL : profile_for(v->book->family, v->model);
}

static void copy_fault(struct arena *a, const struct version_fault *from, struct m_book_fault *to)
{
	*to = (struct m_book_fault){.item = arena_strdup(a, from->item),
		.code = (uint64_t)from->f.code,
		.warning = from->f.warning,
		.line = from->f.line,
		.column = from->f.column,
		.byte = from->f.byte,
		.where = arena_strndup(a, from->f.where, 256),
		.reason = arena_strndup(a, from->f.reason, 64),
		.text = arena_strndup(a, from->f.text, 1024)};
}

size_t opened_faults(const struct opened *o, const struct m_book_fault **ret)
{
	struct m_book_fault *all =
		arena_array(&o->call->arena, 2 * (size_t)VERSION_FAULTS, sizeof(*all));
	size_t n = 0;
	for (size_t i = 0; all != NULL && i < o->n; i++)
		for (size_t k = 0; k < o->read[i].n_kept && n < VERSION_FAULTS; k++)
			copy_fault(&o->call->arena, &o->read[i].fault[k], &all[n++]);
	*ret = all;
	return n;
}

static void work(void *arg)
{
	struct opened *o = arg;
	for (size_t i = 0; i < o->n && o->fault.code == 0; i++)
		if (version_book_read(o->items[i], o->items_n[i], &o->read[i], &o->fault) < 0)
			break;
	if (o->fault.code == 0)
		o->work(o);
	for (size_t i = 0; i < o->n; i++)
		version_book_fini(&o->read[i]);
}

static void done(void *arg)
{
	struct opened *o = arg;
	for (size_t i = 0; i < o->n; i++)
		free(o->items[i]);
	if (o->fault.code != 0)
		call_fault(o->call, &o->fault);
	else
		o->reply(o);
}

/* Its texts outlive the row. */
static void read_version(struct db_result *row, struct arena *a, struct m_version *ret)
{
	sql_version_read(row, 0, a, ret);
	const char **const texts[] = {&ret->serial, &ret->format, &ret->note, &ret->family,
		&ret->model, &ret->firmware, &ret->language, &ret->charset, &ret->device_name};
	for (size_t i = 0; i < array_len(texts); i++)
		*texts[i] = arena_strdup(a, *texts[i] == NULL ? "" : *texts[i]);
	ret->digest = (struct span){NULL, 0};
}

static bool readable(struct opened *o, size_t i, struct db_result *version, struct db_result *items)
{
	if (db_rows(version) > 0)
		read_version(version, &o->call->arena, &o->version[i]);
	if (o->version[i].state != VERSION_STATE_COMMITTED &&
		o->version[i].state != VERSION_STATE_CONDEMNED) {
		fault_why(&o->fault, CN_NOT_FOUND, "no_version", "no such version");
		return false;
	}
	o->items_n[i] = (size_t)db_rows(items);
	o->items[i] = mem_alloc((o->items_n[i] + 1) * sizeof(struct stored_item));
	for (size_t k = 0; k < o->items_n[i]; k++)
		stored_item_read(items, (int)k, &o->items[i][k]);
	o->job.bytes += version_book_bytes(o->items[i], o->items_n[i]);
	return true;
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct opened *o = arg;
	(void)t;
	if (f != NULL) {
		catalogue_refuse(o->call, f);
		return;
	}
	bug_if(n != 2 * o->n);
	for (size_t i = 0; i < o->n; i++)
		if (!readable(o, i, r[2 * i], r[2 * i + 1])) {
			o->n = i;
			done(o);
			return;
		}
	o->job.work = work;
	o->job.done = done;
	o->job.arg = o;
	book_work(&o->job);
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct opened *o = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(o->call, f);
		return;
	}
	for (size_t i = 0; i < o->n; i++)
		sql_add_get(t, &o->id[i]);
	db_commit(t, got, o);
}

void opened_start(struct opened *o)
{
	db_begin(app.service->db, get, o);
}
