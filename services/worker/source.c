// SPDX-License-Identifier: Apache-2.0
/* A version over the bus: what it is, then its items one by one, piece by piece. */
#include "services/worker/source.h"

#include <string.h>

#include "gen/errors.h"
#include "services/worker/verdict.h"

#define ASK_MS 30000u

void source_init(struct source *s, struct peer *storage, struct arena *arena,
	struct image_budget *budget, const struct uuid *trace)
{
	*s = (struct source){.storage = storage, .arena = arena, .trace = *trace};
	picture_init(&s->picture, budget);
}

void source_fini(struct source *s)
{
	picture_fini(&s->picture);
}

static void end(struct source *s, const struct fault *f)
{
	struct fault why;

	s->whole = f == NULL;
	if (f) { /* no version, erased: that stays so; anything else is storage's */
		why = f->code == CN_NOT_FOUND && strcmp(f->reason, "stream") != 0
			      ? *f
			      : verdict_storage_fault(f);
		if (f->code == CN_SESSION_LIMIT || f->code == CN_RESPONSE_TOO_BIG)
			why = *f;
		f = &why;
	}
	s->done(s->arg, f);
}

static void fail(struct source *s, int code, const char *reason, const char *text)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, code, reason, "%s", text);
	end(s, &f);
}

static void ask(struct source *s, const struct msg_desc *desc, const void *body, peer_fn answered)
{
	struct peer_opts opts = {.deadline_ms = ASK_MS, .trace = s->trace, .instance = s->instance};

	s->busy = true;
	peer_call(s->storage, desc, body, &opts, answered, s);
}

/* ---- items ---- */

static void next_item(struct source *s);
static void next_piece(struct source *s);

static void on_piece(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct source *s = arg;
	const struct m_version_bytes *r = body;

	s->busy = false;
	if (f) {
		end(s, f);
		return;
	}
	if (!picture_bytes(&s->picture, r->bytes)) {
		if (budget_full_above(s->picture.budget, r->bytes.n))
			fail(s, CN_SESSION_LIMIT, "worker_memory",
				"this worker holds as much as it may just now");
		else
			fail(s, CN_RESPONSE_TOO_BIG, "", "the version is larger than 64 MiB");
		return;
	}
	s->offset += r->bytes.n;
	if (!r->last && r->bytes.n > 0) {
		next_piece(s);
		return;
	}
	s->at++;
	next_item(s);
}

static void next_piece(struct source *s)
{
	struct m_version_read m = {.stream = s->stream, .offset = s->offset};

	ask(s, &m_version_read_desc, &m, on_piece);
}

static void on_opened(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct source *s = arg;
	const struct m_version_stream *r = body;

	s->busy = false;
	if (f) {
		end(s, f);
		return;
	}
	s->stream = r->stream;
	s->instance = instance;
	s->offset = 0;
	if (!picture_item(&s->picture, s->about.items[s->at].name))
		fail(s, CN_RESPONSE_TOO_BIG, "", "the version has too many items");
	else
		next_piece(s);
}

static void next_item(struct source *s)
{
	struct m_version_open m = {.id = s->about.id};

	while (s->at < s->about.items_n && s->about.items[s->at].role != ITEM_ROLE_NATIVE)
		s->at++;
	s->instance = 0;
	if (s->at == s->about.items_n) {
		end(s, NULL);
		return;
	}
	m.item = s->about.items[s->at].name;
	ask(s, &m_version_open_desc, &m, on_opened);
}

/* ---- the version ---- */

static const char *copy(struct source *s, const char *text)
{
	return text ? arena_strdup(s->arena, text) : NULL;
}

static bool copy_about(struct source *s, const struct m_version *v)
{
	struct m_version_item *items = arena_array(s->arena, v->items_n + 1, sizeof(*items));

	s->about = *v;
	s->about.book = NULL;
	s->about.flags = NULL;
	s->about.flags_n = 0;
	s->about.note = NULL;
	s->about.serial = copy(s, v->serial);
	s->about.format = copy(s, v->format);
	s->about.family = copy(s, v->family);
	s->about.model = copy(s, v->model);
	s->about.firmware = copy(s, v->firmware);
	s->about.language = copy(s, v->language);
	s->about.charset = copy(s, v->charset);
	s->about.device_name = copy(s, v->device_name);
	s->about.digest = (struct span){.p = NULL};
	for (size_t i = 0; items && i < v->items_n; i++) {
		items[i] = v->items[i];
		items[i].name = copy(s, v->items[i].name);
	}
	s->about.items = items;
	return items != NULL;
}

static void on_version(void *arg, const void *body, const struct fault *f, uint64_t instance);

static void ask_book(struct source *s)
{
	struct m_version_at at = {.device = s->book, .kind = VERSION_KIND_DISTRIBUTION};

	s->book = (struct uuid){{0}};
	ask(s, &m_version_at_desc, &at, on_version);
}

static void on_version(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct source *s = arg;
	const struct m_version_one *r = body;

	s->busy = false;
	if (f && f->code == CN_NOT_FOUND && !uuid_is_nil(&s->book))
		ask_book(s);
	else if (f)
		end(s, f);
	else if (r->version->state != VERSION_STATE_COMMITTED)
		fail(s, CN_NOT_FOUND, "version", "the version is not whole, or was erased");
	else if (!copy_about(s, r->version))
		fail(s, CN_RESPONSE_TOO_BIG, "", "the version has too many items");
	else
		next_item(s);
}

void source_fetch(struct source *s, const struct source_ask *what,
	void (*done)(void *arg, const struct fault *f), void *arg)
{
	struct m_version_get get = {.id = what->id};
	struct m_version_at at = {.device = what->device, .kind = what->kind, .at = what->at};

	s->done = done;
	s->arg = arg;
	s->book = what->book_id ? what->id : (struct uuid){{0}};
	if (uuid_is_nil(&what->id))
		ask(s, &m_version_at_desc, &at, on_version);
	else
		ask(s, &m_version_get_desc, &get, on_version);
}
