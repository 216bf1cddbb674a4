// SPDX-License-Identifier: Apache-2.0
/* The control port below /devices/{id}: state, operations, faults, books of one printer. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/simulator/book.h"

static void ok(struct http_request *r)
{
	control_json(r, 200, json_pack("{s:b}", "ok", 1));
}

static void bad(struct http_request *r, const char *detail)
{
	control_json(r, 400, json_pack("{s:s}", "detail", detail));
}

/* ---- state ---- */

static json_t *running_json(const struct device *d)
{
	static const char *const STATES[] = {"active", "paused", "deferred"};
	json_t *list = json_array();

	list_each (it, &d->running) {
		const struct running *r = container_of(it, struct running, node);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:i}", "op", op_name(r->op), "state",
				      STATES[r->state], "seconds", (int)r->seconds));
	}
	return list;
}

static json_t *sessions_json(const struct device *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < SESSIONS; i++)
		if (d->sessions[i].id[0])
			(void)json_array_append_new(list,
				json_pack("{s:s, s:i, s:I}", "id", d->sessions[i].id, "requests",
					(int)d->sessions[i].requests, "idle_ms",
					(json_int_t)(clock_mono_ms() - d->sessions[i].last_ms)));
	return list;
}

static json_t *items_json(const struct device *d)
{
	json_t *items = json_array();

	for (int i = 0; i < ITEMS; i++)
		if (book_has(d, (enum item)i))
			(void)json_array_append_new(items, json_string(item_name((enum item)i)));
	return items;
}

static void get_device(struct device *d, struct http_request *r)
{
	json_t *j = map_device(d);
	json_t *state = json_pack("{s:b, s:b, s:b, s:b, s:b, s:i, s:s, s:i, s:o, s:o, s:o}", "off",
		d->off, "unsupported", d->model->unsupported, "wrong_password",
		(d->traits & TRAIT_WRONG_PASSWORD) != 0, "receive_restricted",
		(d->traits & TRAIT_RESTRICTED) != 0, "passwords_open", d->passwords_open,
		"exporting", (int)d->exporting, "fault", hostile_name(d->fault.mp),
		"config_changes", (int)d->config_changes, "running", running_json(d), "sessions",
		sessions_json(d), "items", items_json(d));

	bug_if(!state);
	if (d->family->show)
		d->family->show(d, state);
	(void)json_object_set_new(j, "state", state);
	control_json(r, 200, j);
}

/* ---- commands ---- */

static void note(struct device *d, const char *what, const char *item, const char *result)
{
	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d, .what = what, .item = item, .result = result});
}

static void post_op(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	const char *id = json_string_value(json_object_get(j, "op"));
	const struct matrix_row *row = id ? matrix_find(id) : NULL;
	const char *result = "stopped";

	if (!j)
		return;
	if (!row) {
		json_decref(j);
		bad(r, "op is not in the matrix");
		return;
	}
	if (json_is_true(json_object_get(j, "stop")))
		result = op_stop(d, row->op) ? "stopped" : "was not running";
	else
		result = op_start(
			d, row->op, (uint32_t)json_integer_value(json_object_get(j, "seconds")));
	json_decref(j);
	note(d, strcmp(result, "stopped") == 0 ? "op_end" : "op_start", row->id, result);
	control_json(r, strcmp(result, "refused") == 0 ? 409 : 200,
		json_pack("{s:s, s:s}", "op", row->id, "result", result));
}

static void post_fault(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	struct fault f = FAULT_INIT;
	struct fault_plan plan;

	if (!j)
		return;
	int rc = fault_from_json(j, &plan, &f);
	json_decref(j);
	if (rc < 0) {
		control_fault(r, &f);
		return;
	}
	if ((plan.mp == MP_01) != (d->fault.mp == MP_01) && !d->off)
		device_mute(d, plan.mp == MP_01);
	d->fault = plan;
	ok(r);
}

static void post_latency(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);

	if (!j)
		return;
	d->latency = latency_from_json(j, d->latency);
	json_decref(j);
	ok(r);
}

/* {seconds}: off, and on again after them; without: stays off. */
static void post_power(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	struct fault f = FAULT_INIT;

	if (!j)
		return;
	bool on = json_is_true(json_object_get(j, "on"));
	double seconds = json_number_value(json_object_get(j, "seconds"));
	json_decref(j);
	if (!on)
		device_restart(d, (uint64_t)(seconds * 1000));
	else if (device_power(d, true, &f) < 0) {
		control_fault(r, &f);
		return;
	}
	ok(r);
}

static void set_trait(struct device *d, const json_t *j, const char *name, enum device_trait trait)
{
	const json_t *v = json_object_get(j, name);

	if (json_is_true(v))
		d->traits |= (uint32_t)trait;
	else if (json_is_false(v))
		d->traits &= ~(uint32_t)trait;
}

/* {wrong_password, receive_restricted: true or false; language: en fr ja; firmware: text} */
static void post_settings(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	const char *language = json_string_value(json_object_get(j, "language"));
	const char *firmware = json_string_value(json_object_get(j, "firmware"));

	if (!j)
		return;
	set_trait(d, j, "wrong_password", TRAIT_WRONG_PASSWORD);
	set_trait(d, j, "receive_restricted", TRAIT_RESTRICTED);
	if (language)
		d->language = strcmp(language, "fr") == 0 ? 1 : strcmp(language, "ja") == 0 ? 2 : 0;
	if (firmware)
		(void)snprintf(d->firmware, sizeof(d->firmware), "%s", firmware);
	json_decref(j);
	ok(r);
}

/* ---- books ---- */

/* Items named by the query; all that the device has when there is none. 0 = unknown. */
static uint32_t items_of(const struct device *d, const char *names)
{
	uint32_t items = 0;

	for (int i = 0; i < ITEMS; i++) {
		const char *name = item_name((enum item)i);
		const char *at = names ? strstr(names, name) : name;
		size_t n = strlen(name);
		while (at && names && ((at > names && at[-1] != ',') || (at[n] && at[n] != ',')))
			at = strstr(at + 1, name);
		if (at && book_has(d, (enum item)i))
			items |= 1u << i;
	}
	return items;
}

static void get_raw(struct device *d, struct http_request *r, const char *names)
{
	const char *password = http_query(r, "password");
	const char *secrets = http_query(r, "secrets");
	uint32_t items = items_of(d, strcmp(names, "dsv") == 0 ? NULL : names);
	struct buf out = BUF_INIT;

	if (!items) {
		control_json(r, 404, json_pack("{s:s}", "detail", "no such item"));
		return;
	}
	if (password)
		dsv_export(d, items, password, &out);
	else
		book_text(d, (enum item)__builtin_ctz(items), secrets && *secrets == '1', &out);
	http_respond(r, 200, "application/octet-stream", buf_span(&out));
	buf_fini(&out);
}

static json_t *item_json(const struct device *d, enum item item)
{
	struct buf text = BUF_INIT;
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	json_t *j = book_to_json(d, item);

	book_text(d, item, false, &text);
	sha256(buf_span(&text), hash);
	hex_encode((struct span){.p = hash, .n = sizeof(hash)}, hex);
	(void)json_object_set_new(j, "bytes", json_integer((json_int_t)text.n));
	(void)json_object_set_new(j, "sha256", json_string(hex));
	buf_fini(&text);
	return j;
}

static void get_book(struct device *d, struct http_request *r)
{
	const char *raw = http_query(r, "raw");
	json_t *items;

	if (raw) {
		get_raw(d, r, raw);
		return;
	}
	items = json_object();
	for (int i = 0; i < ITEMS; i++)
		if (book_has(d, (enum item)i))
			(void)json_object_set_new(
				items, item_name((enum item)i), item_json(d, (enum item)i));
	control_json(r, 200,
		json_pack("{s:s, s:s, s:o}", "device", d->name, "charset",
			d->model->utf8 ? "UTF-8" : "WCP1252", "items", items));
}

/* -1 after an answer: not an item of this device. */
static int item_or_refuse(const struct device *d, struct http_request *r, const char *name)
{
	int item = name ? item_find(name) : -1;

	if (item >= 0 && book_has(d, (enum item)item))
		return item;
	bad(r, "no such item on this device");
	return -1;
}

static void put_raw(struct device *d, struct http_request *r, const char *name)
{
	int item = item_or_refuse(d, r, name);

	if (item < 0)
		return;
	book_set_raw(d, (enum item)item, http_body(r));
	note(d, "book_put", name, "ok");
	ok(r);
}

static void put_book(struct device *d, struct http_request *r)
{
	const char *raw = http_query(r, "raw");
	struct fault f = FAULT_INIT;
	const char *name;
	json_t *value;

	if (raw) {
		put_raw(d, r, raw);
		return;
	}
	json_t *j = control_body(r);
	if (!j)
		return;
	json_object_foreach(json_object_get(j, "items"), name, value)
	{
		int item = item_or_refuse(d, r, name);
		if (item < 0 || book_from_json(d, (enum item)item, value, &f) < 0) {
			if (item >= 0)
				control_fault(r, &f);
			json_decref(j);
			return;
		}
	}
	json_decref(j);
	note(d, "book_put", "", "ok");
	ok(r);
}

/* {item, number, name, email, …}; without a number the first entry. */
static void post_edit(struct device *d, struct http_request *r)
{
	json_t *j = control_body(r);
	struct fault f = FAULT_INIT;

	if (!j)
		return;
	const char *name = json_string_value(json_object_get(j, "item"));
	int item = item_or_refuse(d, r, name);
	int rc = item < 0 ? 0 : book_edit_entry(d, (enum item)item, j, &f);
	if (item >= 0 && rc < 0)
		control_fault(r, &f);
	if (item >= 0 && rc == 0) {
		note(d, "book_edit", name, "ok");
		ok(r);
	}
	json_decref(j);
}

static const struct {
	const char *method, *name;
	void (*fn)(struct device *d, struct http_request *r);
} ROUTES[] = {
	{"GET", "", get_device},
	{"POST", "/op", post_op},
	{"POST", "/fault", post_fault},
	{"POST", "/latency", post_latency},
	{"POST", "/power", post_power},
	{"POST", "/settings", post_settings},
	{"GET", "/book", get_book},
	{"PUT", "/book", put_book},
	{"POST", "/edit", post_edit},
};

bool control_device(struct sim *s, struct http_request *r, const char *rest)
{
	size_t n = strcspn(rest, "/");
	struct device *d = device_find(s, arena_strndup(http_arena(r), rest, n));

	if (d && d->family->control && d->family->control(d, r, rest + n))
		return true;
	for (size_t i = 0; d && i < array_len(ROUTES); i++) {
		if (strcmp(rest + n, ROUTES[i].name) == 0 &&
			strcmp(http_method(r), ROUTES[i].method) == 0) {
			ROUTES[i].fn(d, r);
			return true;
		}
	}
	return false;
}
