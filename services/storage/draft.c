// SPDX-License-Identifier: Apache-2.0
/* Streams: places, queue, items, and their end. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/sql_upkeep.h"

/* A begin that waits for a place. */
struct waiting {
	struct list node;
	struct call *call;
	call_fn fn;
	uint64_t until_ms;
};

const char *kind_word(enum version_kind kind)
{
	for (const struct msg_enum_word *w = version_kind_words; w->word != NULL; w++)
		if (w->number == (int)kind)
			return w->word;
	return "";
}

enum version_kind kind_number(const char *word)
{
	for (const struct msg_enum_word *w = version_kind_words; w->word != NULL; w++)
		if (strcmp(w->word, word) == 0)
			return (enum version_kind)w->number;
	return (enum version_kind)0;
}

bool kind_of_device(enum version_kind kind)
{
	return kind != VERSION_KIND_FILE && kind != VERSION_KIND_DISTRIBUTION;
}

struct draft *draft_find(struct call *call, const struct uuid *stream)
{
	struct draft *d = map_get(&app.drafts, stream->b, 16);
	if (d == NULL)
		call_refuse(call, CN_NOT_FOUND, "stream", "no such stream here: begin again");
	else
		d->touched_ms = clock_mono_ms();
	return d;
}

/* ---- places ---- */

void draft_place(struct call *call, call_fn fn)
{
	if (app.open < (size_t)app.config->streams) {
		app.open++;
		fn(call);
		return;
	}
	if (app.queued >= (size_t)app.config->stream_queue) {
		call_refuse(call, CN_STORE_UNAVAILABLE, "busy", "%zu streams open, %zu wait",
			app.open, app.queued);
		return;
	}
	struct waiting *w = mem_alloc(sizeof(*w));
	w->call = call;
	w->fn = fn;
	w->until_ms = call->header.deadline_ms == 0 ? UINT64_MAX
						    : clock_mono_ms() + call->header.deadline_ms;
	list_push(&app.queue, &w->node);
	app.queued++;
}

void draft_leave(void)
{
	app.open--;
	while (!list_empty(&app.queue) && app.open < (size_t)app.config->streams) {
		struct waiting *w = container_of(app.queue.next, struct waiting, node);
		struct call *call = w->call;
		call_fn fn = w->fn;
		bool late = clock_mono_ms() >= w->until_ms;
		list_remove(&w->node);
		app.queued--;
		free(w);
		if (late) { /* nobody listens any more */
			call_refuse(call, CN_STORE_UNAVAILABLE, "busy", "waited too long");
			continue;
		}
		app.open++;
		fn(call);
	}
}

/* ---- a draft ---- */

static const char *keep(struct arena *a, const char *s)
{
	char *copy = s == NULL ? NULL : arena_strdup(a, s);
	return copy == NULL ? "" : copy;
}

static void keep_items(struct draft *d, const struct m_store_begin *ask)
{
	const char **items = arena_array(&d->arena, ask->items_n + 1, sizeof(*items));
	bug_if(items == NULL);
	for (size_t i = 0; i < ask->items_n; i++)
		items[i] = keep(&d->arena, ask->items[i]);
	d->ask.items = items;
}

struct draft *draft_new(const struct m_store_begin *ask)
{
	struct draft *d = mem_alloc(sizeof(*d));
	arena_init(&d->arena, 0);
	d->ask = *ask;
	const char **const texts[] = {&d->ask.op, &d->ask.serial, &d->ask.format,
		&d->ask.device_name, &d->ask.family, &d->ask.model, &d->ask.firmware,
		&d->ask.language, &d->ask.charset, &d->ask.site};
	for (size_t i = 0; i < array_len(texts); i++)
		*texts[i] = keep(&d->arena, *texts[i]);
	keep_items(d, ask);
	d->stream = uuid_v7(clock_wall_ms());
	d->no_room = app.place_fault.code == CN_STORE_FULL;
	d->touched_ms = clock_mono_ms();
	list_init(&d->node);
	d->slot_file.fd = d->manifest_file.fd = d->sig_file.fd = -1;
	(void)map_put(&app.drafts, d->stream.b, 16, d);
	metric_set(app.open_streams, (int64_t)app.open);
	return d;
}

static size_t memory_left(const struct draft *d)
{
	size_t used = 0;
	for (size_t i = 0; i < d->n_items; i++)
		used += spool_memory(d->items[i]->plain);
	return used >= DRAFT_MEMORY ? 0 : DRAFT_MEMORY - used;
}

static int name_good(const struct draft *d, const char *name, struct fault *reterr)
{
	size_t n = name == NULL ? 0 : strlen(name);
	bool good = n > 0 && n <= 64;
	for (size_t i = 0; good && i < n; i++)
		good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
		       (name[i] >= '0' && name[i] <= '9') || strchr("._-", name[i]) != NULL;
	if (!good || strcmp(name, "meta") == 0)
		return fault_why(reterr, CN_VALIDATION_FAILED, "item", "bad item name");
	for (size_t i = 0; i < d->n_items; i++)
		if (strcmp(d->items[i]->name, name) == 0)
			return fault_why(
				reterr, CN_VALIDATION_FAILED, "item", "item %s comes twice", name);
	return 0;
}

struct item *draft_item(struct draft *d, const struct m_store_chunk *chunk, struct fault *reterr)
{
	if (chunk->item_no < d->n_items)
		return d->items[chunk->item_no];
	if (chunk->item_no != d->n_items || d->n_items >= NATIVE_MAX) {
		fault_why(reterr, CN_VALIDATION_FAILED, "item", "item %llu after %zu items",
			(unsigned long long)chunk->item_no, d->n_items);
		return NULL;
	}
	if (name_good(d, chunk->item, reterr) < 0)
		return NULL;
	struct item *i = mem_alloc(sizeof(*i));
	memcpy(i->name, chunk->item, strlen(chunk->item));
	i->role = MANIFEST_NATIVE;
	/* of a file its content says it later */
	i->kind = d->ask.format[0] == 0 ? OBJECT_OPAQUE
					: (enum object_kind)object_kind_parse(d->ask.format);
	i->plain = spool_new(app.vault.tmp, memory_left(d));
	i->file.fd = -1;
	d->items[d->n_items++] = i;
	return i;
}

/* ---- the end ---- */

void item_unshare(struct item *i)
{
	struct making *m = i->making;
	i->making = NULL;
	if (m == NULL)
		return;
	if (i->place == PLACE_FRESH && map_get(&app.making, m->oid, OID_LEN) == m)
		(void)map_remove(&app.making, m->oid, OID_LEN);
	if (--m->refs > 0)
		return;
	crypto_wipe(m, sizeof(*m));
	free(m);
}

static void item_free(struct item *i)
{
	item_unshare(i);
	spool_free(i->plain);
	vault_discard(&app.vault, &i->file);
	crypto_wipe(i, sizeof(*i));
	free(i);
}

static void drop_content(struct draft *d)
{
	for (size_t i = 0; i < d->n_items; i++)
		item_free(d->items[i]);
	d->n_items = 0;
	vault_discard(&app.vault, &d->slot_file);
	vault_discard(&app.vault, &d->manifest_file);
	vault_discard(&app.vault, &d->sig_file);
	buf_fini(&d->manifest);
	free(d->sealed_items);
	d->sealed_items = NULL;
}

static void count(const struct draft *d)
{
	if (d->fault.code != 0) {
		metric_add(app.failed, 1);
		return;
	}
	if (d->result.outcome == STORE_OUTCOME_REFUSED) {
		metric_add(app.failed, 1);
		return;
	}
	bool made = d->result.outcome == STORE_OUTCOME_COMMITTED;
	metric_add(made ? app.committed : app.unchanged, 1);
	metric_add(app.bytes_in, (int64_t)d->result.bytes_plain);
	if (made)
		metric_add(app.bytes_out, (int64_t)d->result.bytes_stored);
	metric_observe(app.seconds, (double)(clock_mono_ms() - d->started_ms) / 1000);
}

void draft_done(struct draft *d)
{
	const struct m_store_one one = {.result = &d->result};
	bug_if(d->state == DRAFT_DONE);
	d->state = DRAFT_DONE;
	d->touched_ms = clock_mono_ms();
	if (d->file != NULL)
		file_tell(d->file, &d->result);
	count(d);
	if (d->reserved && (d->fault.code != 0 || d->result.outcome != STORE_OUTCOME_COMMITTED))
		sql_release(&d->ask);
	if (strcmp(d->fault.reason, "token_rollback") == 0) {
		metric_add(app.rollbacks, 1);
		log_error(L("alarm: token_rollback"), L_UUID("device", &d->ask.device),
			L_UUID("run", &d->ask.run), L_FAULT(&d->fault));
		sql_alarm("alarm.token_rollback", &d->ask.device, NULL, NULL);
	} else if (d->fault.code != 0)
		log_warn(L("version not stored"), L_UUID("device", &d->ask.device),
			L_UUID("run", &d->ask.run), L_FAULT(&d->fault));
	size_t n = d->n_calls;
	d->n_calls = 0;
	for (size_t i = 0; i < n; i++) {
		if (d->fault.code != 0)
			call_fault(d->calls[i], &d->fault);
		else
			call_reply(d->calls[i], &one);
	}
	if (d->ended != NULL)
		d->ended(d, d->ended_arg);
	drop_content(d);
	draft_leave();
	metric_set(app.open_streams, (int64_t)app.open);
}

void draft_forget(struct draft *d)
{
	(void)map_remove(&app.drafts, d->stream.b, 16);
	drop_content(d);
	file_free(d->file);
	arena_fini(&d->arena);
	free(d);
}

static void sweep_one(void *value, void *arg)
{
	struct draft *d = value;
	const uint64_t *now = arg;
	if (*now - d->touched_ms < (uint64_t)app.config->stream_idle_ms)
		return;
	if (d->state == DRAFT_OPEN) {
		fault_why(
			&d->fault, CN_STORE_UNAVAILABLE, "idle", "the stream was silent too long");
		draft_done(d);
	}
	if (d->state == DRAFT_DONE)
		draft_forget(d);
}

void drafts_sweep(void)
{
	uint64_t now = clock_mono_ms();
	map_each(&app.drafts, sweep_one, &now);
}
