// SPDX-License-Identifier: Apache-2.0
/* Family ricoh_udirectory: models, credential, control port. */
#include "services/simulator/ricoh.h"

#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

static const struct model MODELS[] = {
	{.name = "MP C3003", .type = TYPE_NONE, .utf8 = true},
	{.name = "IM C3000", .type = TYPE_NONE, .utf8 = true},
	{.name = "MP 5055", .type = TYPE_NONE, .utf8 = true},
};

static const struct model *pick(const struct device *d, struct rng *r)
{
	(void)d;
	return &MODELS[r ? rng_below(r, array_len(MODELS)) : 0];
}

/* Objects in one call: both numbers occur (DC-5). */
uint32_t ricoh_at_once(const struct device *d)
{
	return d->model == &MODELS[1] ? 20 : 50;
}

static const char *setting(const struct fleet *f, const char *name, const char *otherwise)
{
	const json_t *j = json_object_get(f->spec, "ricoh");
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : otherwise;
}

const char *ricoh_user(const struct fleet *f)
{
	return setting(f, "user", "admin");
}

const char *ricoh_password(const struct fleet *f)
{
	return setting(f, "password", "4711-carnet");
}

static json_t *credential(const struct fleet *f)
{
	return json_pack("{s:s, s:s, s:s}", "kind", "user_auth", "user", ricoh_user(f), "password",
		ricoh_password(f));
}

struct ricoh *ricoh_of(struct device *d)
{
	if (!d->state)
		d->state = mem_alloc(sizeof(struct ricoh));
	return d->state;
}

static void reset(struct device *d)
{
	struct ricoh *p = d->state;

	if (!p)
		return;
	if (p->limit)
		timer_free(p->limit);
	ricoh_store_free(p->store);
	free(p);
	d->state = NULL;
	d->exporting = 0;
}

static void show(const struct device *d, json_t *state)
{
	static const struct ricoh fresh = {.store = NULL};
	const struct ricoh *p = d->state ? d->state : &fresh;
	json_t *more = json_pack("{s:s, s:b, s:i, s:i, s:i, s:i}", "session", p->session,
		"exclusive", *p->session && p->exclusive, "sessions_opened", (int)p->opened,
		"sessions_expired", (int)p->expired, "calls", (int)p->calls, "unknown_values",
		(int)p->unknown);

	bug_if(!more);
	(void)json_object_update(state, more);
	json_decref(more);
}

/* ---- control port ---- */

static void answer(struct http_request *r, int rc, const struct fault *f)
{
	if (rc < 0)
		control_fault(r, f);
	else
		control_json(r, 200, json_pack("{s:b}", "ok", 1));
}

static void note(struct device *d, const char *what)
{
	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d, .what = what, .item = "address_book"});
}

static void put_book(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	struct fault f = FAULT_INIT;

	if (!j)
		return;
	int rc = ricoh_from_json(d, json_object_get(j, "entries"), &f);
	json_decref(j);
	if (rc == 0)
		note(d, "book_put");
	answer(r, rc, &f);
}

static void post_edit(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	struct fault f = FAULT_INIT;

	if (!j)
		return;
	int rc = ricoh_edit(d, j, &f);
	json_decref(j);
	if (rc == 0)
		note(d, "book_edit");
	answer(r, rc, &f);
}

/* {seconds, exclusive}: somebody else opens the book; 0 = until {end: true}. */
static void post_session(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);

	if (!j)
		return;
	ricoh_close(d, "ended");
	if (!json_is_true(json_object_get(j, "end")))
		ricoh_open(d, json_is_true(json_object_get(j, "exclusive")), true,
			(uint64_t)(json_number_value(json_object_get(j, "seconds")) * 1000));
	json_decref(j);
	answer(r, 0, NULL);
}

static bool control(struct device *d, struct http_request *r, const char *path)
{
	const char *method = http_method(r);

	if (strcmp(path, "/book") == 0 && strcmp(method, "GET") == 0)
		control_json(r, 200, ricoh_to_json(d));
	else if (strcmp(path, "/book") == 0 && strcmp(method, "PUT") == 0)
		put_book(d, r);
	else if (strcmp(path, "/edit") == 0 && strcmp(method, "POST") == 0)
		post_edit(d, r);
	else if (strcmp(path, "/session") == 0 && strcmp(method, "POST") == 0)
		post_session(d, r);
	else
		return false;
	return true;
}

const struct family family_ricoh_udirectory = {
	.key = "ricoh_udirectory",
	.vendor = "Ricoh",
	.firmware = "2.14",
	.service = "http",
	.port = 8080,
	.pick = pick,
	.serve = ricoh_serve,
	.reset = reset,
	.credential = credential,
	.control = control,
	.show = show,
};
