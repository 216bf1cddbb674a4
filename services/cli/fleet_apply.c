// SPDX-License-Identifier: Apache-2.0
/* A plan is done: in the order of who needs whom, each change with the version it was planned on
 * (FL-70), so that what somebody else changed meanwhile stops it. */
#include <stdlib.h>
#include <string.h>

#include "common/msg/msg.h"
#include "services/cli/fleet.h"

#define DEVICES_AT_ONCE 500
#define MEMBERS_AT_ONCE 2000

struct doing {
	struct cli *cli;
	struct fleet_plan *plan;
	size_t done;
};

/* One call for one change; the version that comes back is that of the next one. */
static int call(struct doing *d, struct fleet_change *c, const char *method, const char *path,
	const json_t *body)
{
	char match[48];
	const char *headers[] = {match, NULL};
	struct answer a;

	(void)snprintf(match, sizeof(match), "If-Match: \"%lld\"", (long long)c->version);
	int rc = client_call(d->cli, method, path, body,
		c->version > 0 || c->kind == F_SITE ? headers : NULL, &a);
	if (rc != 0) {
		(void)cli_fail(0, "%s '%s':", fleet_nouns[c->kind].noun, c->name);
		rc = client_problem(d->cli, &a);
	}
	json_t *version = json_object_get(a.json, "version");
	if (json_is_integer(version))
		c->version = json_integer_value(version);
	answer_fini(&a);
	return rc;
}

/* ---- bodies ---- */

static json_t *pairs_of(const struct fleet_noun *noun, const char *member, const json_t *map)
{
	const struct msg_field *f = NULL;
	json_t *list = json_array();
	const char *name;
	json_t *v;

	for (size_t i = 0; i < noun->desc->n_fields; i++)
		if (strcmp(noun->desc->fields[i].name, member) == 0)
			f = &noun->desc->fields[i];
	bug_if(f == NULL);
	json_object_foreach((json_t *)(uintptr_t)map, name, v)
	{
		(void)json_array_append_new(list, json_pack("{s:s, s:O}", f->desc->fields[0].name,
							  name, f->desc->fields[1].name, v));
	}
	return list;
}

/* Members of settings that are to go are said to be nothing: others would stay. */
static json_t *settings_of(const json_t *want, const json_t *have)
{
	json_t *copy = json_deep_copy(want);
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)have, name, v)
	{
		if (json_object_get(copy, name) == NULL)
			(void)json_object_set_new(copy, name, json_null());
	}
	return copy;
}

static json_t *schedule_of(const json_t *want, const json_t *have)
{
	json_t *copy = json_deep_copy(want);
	json_t *start = json_object_get(have, "start_at");

	if (start != NULL && json_object_get(copy, "start_at") == NULL)
		(void)json_object_set(copy, "start_at", start);
	return copy;
}

static json_t *value_of(const struct fleet_change *c, const struct fleet_member *m)
{
	json_t *want = json_object_get(c->want->body, m->name);
	const json_t *have = c->have == NULL ? NULL : json_object_get(c->have->body, m->name);

	if (m->shape == SHAPE_PAIRS)
		return pairs_of(&fleet_nouns[c->kind], m->name, want);
	if (strcmp(m->name, "settings") == 0)
		return settings_of(want, have);
	if (strcmp(m->name, "schedule") == 0)
		return schedule_of(want, have);
	return json_incref(want);
}

/* What differs, or all of what is made anew. */
static json_t *body_of(const struct fleet_change *c, bool whole)
{
	const struct fleet_noun *noun = &fleet_nouns[c->kind];
	json_t *body = json_object();

	for (size_t i = 0; i < noun->n_members; i++) {
		const struct fleet_member *m = &noun->members[i];
		bool listed = c->kind == F_GROUP && m->shape == SHAPE_NAMES;
		bool wanted = whole ? json_object_get(c->want->body, m->name) != NULL
				    : json_object_get(c->fields, m->name) != NULL;
		if (wanted && !listed && m->shape != SHAPE_SECRET)
			(void)json_object_set_new(body, m->name, value_of(c, m));
	}
	return body;
}

static bool binds(const struct fleet_change *c, const char *member)
{
	return c->kind == F_CREDENTIAL && fleet_binding(member);
}

/* What is put as a whole keeps what the file does not mention; of bindings there is one. */
static void keep_rest(const struct fleet_change *c, json_t *body)
{
	const struct fleet_noun *noun = &fleet_nouns[c->kind];
	bool bound = false;

	for (size_t i = 0; i < noun->n_members; i++)
		bound |= binds(c, noun->members[i].name) &&
			 *fleet_text(body, noun->members[i].name) != '\0';
	for (size_t i = 0; i < noun->n_members; i++) {
		const char *name = noun->members[i].name;
		json_t *had = json_object_get(c->have->raw, name);
		if (had != NULL && !json_is_null(had) && json_object_get(body, name) == NULL &&
			!(bound && binds(c, name)))
			(void)json_object_set(body, name, had);
	}
}

static void path_of(const struct fleet_change *c, struct buf *path)
{
	buf_adds(path, fleet_nouns[c->kind].path);
	if (c->have == NULL && c->kind != F_SITE)
		return;
	buf_addc(path, '/');
	request_escape(path, c->kind == F_SITE ? c->name : c->have->id);
}

/* ---- devices: many at once ---- */

static int devices_refused(struct doing *d, const json_t *answer)
{
	const json_t *refused = json_object_get(answer, "refused");

	for (size_t i = 0; i < json_array_size(refused); i++) {
		const json_t *r = json_array_get(refused, i);
		(void)cli_fail(
			0, "device '%s': %s", fleet_text(r, "name"), fleet_text(r, "reason"));
	}
	d->done += (size_t)json_integer_value(json_object_get(answer, "created")) +
		   (size_t)json_integer_value(json_object_get(answer, "updated"));
	return json_array_size(refused) == 0 ? 0 : EXIT_REFUSED;
}

static int send_devices(struct doing *d, json_t *devices)
{
	json_t *body = json_pack("{s:O}", "devices", devices);
	struct answer a;
	int rc = client_call(d->cli, "POST", "/devices:import", body, NULL, &a);

	rc = rc != 0 ? client_problem(d->cli, &a) : devices_refused(d, a.json);
	(void)json_array_clear(devices);
	answer_fini(&a);
	json_decref(body);
	return rc;
}

/* Version 0: there is none yet. */
static int do_devices(struct doing *d)
{
	json_t *batch = json_array();
	int rc = 0;

	for (size_t i = 0; i < d->plan->n && rc == 0; i++) {
		struct fleet_change *c = &d->plan->changes[i];
		if (c->kind != F_DEVICE || c->act == ACT_DELETE)
			continue;
		json_t *body = body_of(c, c->act == ACT_CREATE);
		(void)json_object_set_new(body, "version", json_integer(c->version));
		if (c->have != NULL) {
			(void)json_object_set_new(body, "id", json_string(c->have->id));
			/* an import names whom it means */
			(void)json_object_set_new(body, "name", json_string(c->name));
			(void)json_object_set(
				body, "family", json_object_get(c->have->body, "family"));
			(void)json_object_set(
				body, "address", json_object_get(c->have->body, "address"));
			json_t *changed = body_of(c, false);
			(void)json_object_update(body, changed);
			json_decref(changed);
		}
		(void)json_array_append_new(batch, body);
		if (json_array_size(batch) == DEVICES_AT_ONCE)
			rc = send_devices(d, batch);
	}
	if (rc == 0 && json_array_size(batch) > 0)
		rc = send_devices(d, batch);
	json_decref(batch);
	return rc;
}

/* ---- members of groups ---- */

/* Those in one list that are not in the other, in pieces. */
static int send_members(struct doing *d, struct fleet_change *c, const char *member, bool remove)
{
	const json_t *field = json_object_get(c->fields, member);
	const json_t *in = json_object_get(field, remove ? "from" : "to");
	const json_t *not_in = json_object_get(field, remove ? "to" : "from");
	struct map there = {0};
	char verb[32];
	struct buf path = BUF_INIT;
	int rc = 0;
	size_t n = json_array_size(in);

	(void)snprintf(verb, sizeof(verb), "%s_%s", remove ? "remove" : "add", member);
	buf_adds(&path, "/groups/");
	request_escape(&path, c->have != NULL ? c->have->id : c->name);
	buf_adds(&path, "/members");
	for (size_t i = 0; i < json_array_size(not_in); i++) {
		const char *name = json_string_value(json_array_get(not_in, i));
		(void)map_put(&there, name, strlen(name), c);
	}
	json_t *list = json_array();
	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *name = json_string_value(json_array_get(in, i));
		if (map_get(&there, name, strlen(name)) == NULL)
			(void)json_array_append(list, json_array_get(in, i));
		if (json_array_size(list) == 0 ||
			(json_array_size(list) < MEMBERS_AT_ONCE && i + 1 < n))
			continue;
		json_t *body = json_pack("{s:O}", verb, list);
		rc = call(d, c, "POST", buf_str(&path), body);
		json_decref(body);
		(void)json_array_clear(list);
	}
	json_decref(list);
	map_fini(&there);
	buf_fini(&path);
	return rc;
}

/* Who leaves first: two groups may change places. */
static int do_members(struct doing *d)
{
	int rc = 0;

	for (int add = 0; add < 2; add++)
		for (size_t i = 0; i < d->plan->n && rc == 0; i++) {
			struct fleet_change *c = &d->plan->changes[i];
			if (c->kind != F_GROUP || c->act == ACT_DELETE)
				continue;
			rc = send_members(d, c, "devices", add == 0);
			if (rc == 0)
				rc = send_members(d, c, "groups", add == 0);
		}
	return rc;
}

/* ---- the others, one by one ---- */

static void add_secret(const struct fleet_change *c, json_t *body)
{
	if (c->secret == NULL)
		return;
	if (c->kind != F_TASK) {
		(void)json_object_update(body, c->secret);
		return;
	}
	json_t *settings = json_object_get(body, "settings");
	json_t *copy = settings == NULL ? json_object() : json_deep_copy(settings);
	(void)json_object_update(copy, c->secret);
	(void)json_object_set_new(body, "settings", copy);
}

/* The server wants the id of the book that a set or a task names. */
static void name_book(const struct fleet *server, const struct fleet_change *c, json_t *body)
{
	bool sends = c->kind == F_TASK && strcmp(fleet_task_kind(c->want), "ab.distribute") == 0;
	json_t *holder = sends ? json_object_get(body, "settings") : body;
	const char *member = sends ? "source" : "book";
	const struct fleet_item *book = fleet_named(server, F_BOOK, fleet_text(holder, member));

	if (book != NULL)
		(void)json_object_set_new(holder, member, json_string(book->id));
}

static int do_one(struct doing *d, struct fleet_change *c)
{
	struct buf path = BUF_INIT;
	const char *method = c->act == ACT_CREATE ? "POST" : "PATCH";
	bool whole = c->act == ACT_CREATE || c->kind == F_CREDENTIAL || c->kind == F_SITE;
	json_t *body = body_of(c, whole);
	int rc = 0;

	if (whole && c->have != NULL)
		keep_rest(c, body);
	path_of(c, &path);
	if (c->kind == F_SITE) {
		method = "PUT";
	} else if (c->kind == F_CREDENTIAL && c->have != NULL) {
		/* a credential is put, as a whole */
		buf_reset(&path);
		buf_adds(&path, fleet_nouns[c->kind].path);
		(void)json_object_set_new(body, "id", json_string(c->have->id));
		method = "POST";
	}
	add_secret(c, body);
	name_book(d->plan->server, c, body);
	if (json_object_size(body) > 0)
		rc = call(d, c, method, buf_str(&path), body);
	d->done += rc == 0;
	json_decref(body);
	buf_fini(&path);
	return rc;
}

static int do_kind(struct doing *d, enum fleet_kind kind)
{
	int rc = 0;

	if (kind == F_DEVICE)
		return do_devices(d);
	for (size_t i = 0; i < d->plan->n && rc == 0; i++)
		if (d->plan->changes[i].kind == kind && d->plan->changes[i].act != ACT_DELETE)
			rc = do_one(d, &d->plan->changes[i]);
	return rc == 0 && kind == F_GROUP ? do_members(d) : rc;
}

static int do_deletes(struct doing *d)
{
	int rc = 0;

	for (size_t i = 0; i < d->plan->n && rc == 0; i++) {
		struct fleet_change *c = &d->plan->changes[i];
		struct buf path = BUF_INIT;
		if (c->act != ACT_DELETE)
			continue;
		path_of(c, &path);
		rc = call(d, c, "DELETE", buf_str(&path), NULL);
		d->done += rc == 0;
		buf_fini(&path);
	}
	return rc;
}

int fleet_do(struct fleet_source *s, struct fleet_plan *p)
{
	struct doing d = {.cli = s->cli, .plan = p};
	int rc = fleet_secrets(s, p) ? 0 : EXIT_ERROR;

	for (size_t k = 0; k < FLEET_KINDS && rc == 0; k++)
		rc = do_kind(&d, (enum fleet_kind)k);
	if (rc == 0)
		rc = do_deletes(&d);
	if (rc != 0)
		(void)cli_fail(0, "%zu of %zu done; apply again for the rest", d.done, p->n);
	return rc;
}
