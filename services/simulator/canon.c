// SPDX-License-Identifier: Apache-2.0
/* Family canon_rui: models, limits, and what imports did to a device. Remote UI: rui.c. */
#include "services/simulator/canon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/simulator/settings.h"

static const struct model MODELS[] = {
	{.name = "iR-ADV C5235", .type = TYPE_I},
	{.name = "iR-ADV C7065", .type = TYPE_I},
	{.name = "iR-ADV C5560", .type = TYPE_I, .utf8 = true},
	{.name = "iR-ADV DX C5860", .type = TYPE_I, .utf8 = true},
	{.name = "iR 1435", .type = TYPE_II, .utf8 = true},
	{.name = "iR C1225", .type = TYPE_II, .utf8 = true},
	{.name = "MF525x", .type = TYPE_III, .utf8 = true},
	{.name = "MF746Cx", .type = TYPE_III, .utf8 = true},
	{.name = "LBP710Cx", .type = TYPE_NONE, .utf8 = true, .unsupported = true},
};

static uint32_t weight_of(const json_t *types, const char *type, uint32_t otherwise)
{
	const json_t *w = json_object_get(types, type);

	return json_is_integer(w) ? (uint32_t)json_integer_value(w) : otherwise;
}

/* Models of one kind lie together in MODELS; without a stream the print-only one. */
static const struct model *pick(const struct device *d, struct rng *r)
{
	const json_t *types = json_object_get(d->sim->fleet.spec, "types");
	uint32_t one = weight_of(types, "I", 70), two = weight_of(types, "II", 18);
	uint32_t three = weight_of(types, "III", 12);

	if (!r)
		return &MODELS[array_len(MODELS) - 1];
	uint32_t at = rng_below(r, one + two + three + !one);
	if (at < one)
		return &MODELS[d->language == 2 ? 2 + rng_below(r, 2) : rng_below(r, 4)];
	return &MODELS[(at < one + two ? 4 : 6) + rng_below(r, 2)];
}

static struct canon_limits limits_of(const struct fleet *f)
{
	const json_t *j = json_object_get(f->spec, "limits");
	struct canon_limits limits = {.entries = 1600, .one_touch = 200, .members = 256};

	canon_set_limits(&limits, j);
	return limits;
}

void canon_set_limits(struct canon_limits *limits, const json_t *j)
{
	const struct {
		const char *name;
		uint32_t *n;
	} fields[] = {{"entries", &limits->entries}, {"one_touch", &limits->one_touch},
		{"members", &limits->members}, {"name", &limits->name}, {"mail", &limits->mail},
		{"path", &limits->path}};

	for (size_t i = 0; i < array_len(fields); i++) {
		const json_t *n = json_object_get(j, fields[i].name);
		if (json_is_integer(n))
			*fields[i].n = (uint32_t)json_integer_value(n);
	}
}

struct canon *canon_of(struct device *d)
{
	if (!d->state) {
		struct canon *c = mem_alloc(sizeof(*c));
		c->limits = limits_of(&d->sim->fleet);
		c->workflows = d->model->type == TYPE_I ? 0 : 3;
		c->recalls = 5;
		d->state = c;
	}
	return d->state;
}

struct canon_limits canon_limits(const struct device *d)
{
	const struct canon *c = d->state;

	return c ? c->limits : limits_of(&d->sim->fleet);
}

static void reset(struct device *d)
{
	struct canon *c = d->state;

	if (c && c->import)
		import_drop(c->import);
	for (size_t i = 0; c && i < array_len(c->kept_settings); i++)
		buf_fini(&c->kept_settings[i]);
	free(d->state);
	d->state = NULL;
}

/* A device that was away has nothing to apply any more. */
static void settle(struct canon *c, const struct device *d)
{
	if (c->restart_boot_ms && c->restart_boot_ms != d->boot_ms)
		c->restart_boot_ms = 0;
}

static void show(const struct device *d, json_t *state)
{
	static const struct canon fresh = {.recalls = 5};
	struct canon c = d->state ? *(const struct canon *)d->state : fresh;
	json_t *half = json_array();

	settle(&c, d);
	for (int i = 0; i < ITEMS; i++)
		if (c.half & 1u << i)
			(void)json_array_append_new(half, json_string(item_name((enum item)i)));
	json_t *more = json_pack("{s:i, s:i, s:i, s:b, s:i, s:i, s:b, s:o}", "imports",
		(int)c.imports, "dropped", (int)c.dropped, "cut", (int)c.cut, "importing",
		c.import != NULL, "workflows",
		d->state || d->model->type == TYPE_I ? (int)c.workflows : 3, "recalls",
		(int)c.recalls, "restart_required", c.restart_boot_ms != 0, "half_written", half);
	bug_if(!more);
	(void)json_object_update(state, more);
	json_decref(more);
}

/* {name: 24, …} */
static void post_limits(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);

	if (!j)
		return;
	canon_set_limits(&canon_of(d)->limits, j);
	json_decref(j);
	control_json(r, 200, json_pack("{s:b}", "ok", 1));
}

/* {password}: "" = none */
static void post_policy(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	const char *password = json_string_value(json_object_get(j, "password"));

	if (!j)
		return;
	(void)snprintf(
		canon_of(d)->policy, sizeof(canon_of(d)->policy), "%s", password ? password : "");
	json_decref(j);
	control_json(r, 200, json_pack("{s:b}", "ok", 1));
}

/* What the machine holds of ?item=…, as bytes. */
static void serve_setting(struct device *d, struct http_request *r)
{
	const char *id = http_query(r, "item");
	struct buf out = BUF_INIT;

	if (!id || !setting_offered(d, id)) {
		control_json(r, 404, json_pack("{s:s}", "detail", "no such item"));
		return;
	}
	if (strcmp(http_method(r), "PUT") == 0)
		setting_put(d, id, http_body(r));
	setting_state(d, id, &out);
	http_respond(r, 200, "application/octet-stream", buf_span(&out));
	buf_fini(&out);
}

static const struct {
	const char *method, *path;
	void (*fn)(struct device *d, struct http_request *r);
} ROUTES[] = {
	{"POST", "/limits", post_limits},
	{"POST", "/policy", post_policy},
	{"GET", "/setting", serve_setting},
	{"PUT", "/setting", serve_setting},
};

static bool control(struct device *d, struct http_request *r, const char *path)
{
	for (size_t i = 0; i < array_len(ROUTES); i++) {
		if (strcmp(path, ROUTES[i].path) == 0 &&
			strcmp(http_method(r), ROUTES[i].method) == 0) {
			ROUTES[i].fn(d, r);
			return true;
		}
	}
	return false;
}

const struct family family_canon_rui = {
	.key = "canon_rui",
	.vendor = "Canon",
	.firmware = "71.05",
	.service = "http",
	.port = 8000,
	.pick = pick,
	.serve = rui_serve,
	.reset = reset,
	.control = control,
	.show = show,
};
