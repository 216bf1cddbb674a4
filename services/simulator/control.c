// SPDX-License-Identifier: Apache-2.0
/* The control port: what a test or the demo asks of the whole fleet (devices.md 14.4). */
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "services/simulator/book.h"

void control_json(struct http_request *r, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	bug_if(!text);
	http_respond(r, status, "application/json",
		(struct span){.p = (const uint8_t *)text, .n = strlen(text)});
	free(text);
	json_decref(json);
}

void control_fault(struct http_request *r, const struct fault *f)
{
	control_json(r, 400, json_pack("{s:i, s:s}", "code", f->code, "detail", f->detail));
}

json_t *control_body(struct http_request *r)
{
	struct span body = http_body(r);
	json_error_t err;
	json_t *j = json_loadb(body.n ? (const char *)body.p : "{}", body.n ? body.n : 2,
		JSON_REJECT_DUPLICATES, &err);

	if (json_is_object(j))
		return j;
	json_decref(j);
	control_json(r, 400, json_pack("{s:s}", "detail", "a JSON object is wanted"));
	return NULL;
}

static uint64_t query_number(const struct http_request *r, const char *name, uint64_t otherwise)
{
	const char *s = http_query(r, name);

	return s ? strtoull(s, NULL, 10) : otherwise;
}

static void on_devices(struct sim *s, struct http_request *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->fleet.count; i++)
		(void)json_array_append_new(list, map_device(&s->fleet.devices[i]));
	control_json(r, 200, json_pack("{s:o}", "devices", list));
}

static void on_log(struct sim *s, struct http_request *r)
{
	struct buf out = BUF_INIT;
	char next[24];
	uint64_t limit = query_number(r, "limit", 10000);
	uint64_t last = truth_since(s->truth, query_number(r, "since", 0), limit, &out);

	(void)snprintf(next, sizeof(next), "%llu", (unsigned long long)last);
	http_set_header(r, "X-Last-Seq", next);
	http_respond(r, 200, "application/x-ndjson", buf_span(&out));
	buf_fini(&out);
}

static json_t *stats_json(const struct sim *s)
{
	const struct stats *t = &s->stats;
	int open = 0, off = 0, busy = 0;

	for (uint32_t i = 0; i < s->fleet.count; i++) {
		const struct device *d = &s->fleet.devices[i];
		open += d->passwords_open;
		off += d->off;
		busy += op_blocking(d) != OP_NONE;
	}
	json_t *j = json_pack("{s:i, s:i, s:i, s:i}", "devices", (int)s->fleet.count, "off", off,
		"busy", busy, "password_switches_open", open);
	const struct {
		const char *name;
		uint64_t n;
	} figures[] = {{"connections", t->connections}, {"dropped", t->dropped},
		{"requests", t->requests}, {"logins", t->logins},
		{"logins_refused", t->logins_refused}, {"exports", t->exports},
		{"exports_refused", t->exports_refused}, {"exports_busy", t->exports_busy},
		{"imports", t->imports}, {"imports_busy", t->imports_busy},
		{"imports_refused", t->imports_refused},
		{"imports_interrupted", t->imports_interrupted},
		{"export_overlaps", t->export_overlaps}, {"session_overlaps", t->session_overlaps},
		{"hostile", t->hostile}, {"snmp", t->snmp}, {"restarts", t->restarts},
		{"factory_resets", t->factory_resets}};
	for (size_t i = 0; i < array_len(figures); i++)
		(void)json_object_set_new(
			j, figures[i].name, json_integer((json_int_t)figures[i].n));
	return j;
}

static void on_stats(struct sim *s, struct http_request *r)
{
	control_json(r, 200, stats_json(s));
}

static void on_reset(struct sim *s, struct http_request *r)
{
	struct fault f = FAULT_INIT;

	for (uint32_t i = 0; i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		if (d->fault.mp == MP_01)
			device_mute(d, false);
	}
	if (fleet_reset(s, &f) < 0) {
		control_fault(r, &f);
		return;
	}
	for (uint32_t i = 0; i < s->fleet.count; i++) {
		struct device *d = &s->fleet.devices[i];
		bool on = !(d->traits & TRAIT_UNREACHABLE);
		if (d->off == on && device_power(d, on, &f) < 0) {
			control_fault(r, &f);
			return;
		}
	}
	s->stats = (struct stats){.requests = 0};
	truth_clear(s->truth);
	control_json(r, 200, json_pack("{s:b}", "ok", 1));
}

/* {mp, share or count, …} for a seeded choice of devices */
static void on_fleet_fault(struct sim *s, struct http_request *r)
{
	struct rng rng = rng_of(s->fleet.seed, 1, RNG_FAULTS);
	struct fault_plan plan;
	struct fault f = FAULT_INIT;
	json_t *j = control_body(r);
	uint32_t done = 0;

	if (!j)
		return;
	if (fault_from_json(j, &plan, &f) < 0) {
		json_decref(j);
		control_fault(r, &f);
		return;
	}
	const json_t *count = json_object_get(j, "count");
	double share = json_number_value(json_object_get(j, "share"));
	uint32_t most = json_is_integer(count) ? (uint32_t)json_integer_value(count) : UINT32_MAX;
	uint32_t per_mille = share > 0 ? (uint32_t)(share * 1000) : 1000;
	for (uint32_t i = 0; i < s->fleet.count && done < most; i++) {
		if (!rng_chance(&rng, per_mille))
			continue;
		s->fleet.devices[i].fault = plan;
		done++;
	}
	json_decref(j);
	control_json(r, 200, json_pack("{s:i}", "devices", (int)done));
}

static const struct {
	const char *method, *path;
	void (*fn)(struct sim *s, struct http_request *r);
} ROUTES[] = {
	{"GET", "/devices", on_devices},
	{"GET", "/log", on_log},
	{"GET", "/stats", on_stats},
	{"POST", "/reset", on_reset},
	{"POST", "/fleet/fault", on_fleet_fault},
};

void control_serve(void *sim, struct http_request *r)
{
	struct sim *s = sim;
	const char *path = http_path(r);

	for (size_t i = 0; i < array_len(ROUTES); i++) {
		if (strcmp(path, ROUTES[i].path) == 0 &&
			strcmp(http_method(r), ROUTES[i].method) == 0) {
			ROUTES[i].fn(s, r);
			return;
		}
	}
	if (strncmp(path, "/devices/", 9) == 0 && control_device(s, r, path + 9))
		return;
	control_json(r, 404, json_pack("{s:s}", "detail", "no such path"));
}
