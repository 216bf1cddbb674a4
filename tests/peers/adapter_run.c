// SPDX-License-Identifier: Apache-2.0
/* Runs one adapter against one device, step by step, without a worker around it; prints what each
 * step came to, one JSON line each.
 *
 *   adapter_run MAP STEP…     the first device of a map file, with its credentials
 *
 *   probe busy identify restart write release
 *   read=FILE             the first item goes to FILE
 *   before=FILE wanted=FILE source=FILE   what write, foresee and same are given, as item RUN_ITEM
 *                         (settings); a file that the adapter's codec reads becomes a book, too
 *   foresee               the plan
 *   same=FILE             is that as wanted?
 *   until=FILE            waits until there is such a file
 *
 * RUN_PASSWORD: the task's encryption password.
 * RUN_PROBE_MS: deadline of one SNMP question (300). RUN_FILE_NAME: of the task's settings.
 * RUN_PROFILES: directory of the families' data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/book/codec.h"
#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/msg/msg.h"
#include "gen/errors.h"
#include "services/worker/adapters/adapter.h"
#include "services/worker/adapters/profile.h"
#include "services/worker/credential.h"

static struct arena memory;
static struct m_device device;
static struct credential_keys keys;
static struct m_sealed_credential credentials[8];
static struct m_task_settings settings;
static struct image before, wanted, source;
static struct image_item before_item, wanted_item, source_item;
static const char *items[1];
static const struct adapter *adapter;
static void *self;
static FILE *out;
static uint64_t entries;
static bool ended;
static struct fault fault;

/* ---- what the adapter says ---- */

static void on_done(void *arg unused, const struct fault *f);
static void enter(void *arg unused)
{
}
static void leave(void)
{
}
static void on_item(void *arg unused, const char *name unused)
{
}
static enum http_flow on_bytes(void *arg unused, struct span bytes)
{
	if (out)
		(void)fwrite(bytes.p, 1, bytes.n, out);
	return HTTP_GO;
}
static void on_item_end(void *arg unused, uint64_t n)
{
	entries = n;
}
static void on_absent(void *arg unused, const char *name unused)
{
}

static struct errand errand = {.arena = &memory,
	.device = &device,
	.items = items,
	.n_items = 1,
	.credentials = credentials,
	.keys = &keys,
	.settings = &settings,
	.wall_ms = clock_wall_ms,
	.done = on_done,
	.item = on_item,
	.bytes = on_bytes,
	.item_end = on_item_end,
	.item_absent = on_absent,
	.enter = enter,
	.leave = leave};

static void on_done(void *arg unused, const struct fault *f)
{
	ended = true;
	fault = f ? *f : FAULT_INIT;
	loop_stop(errand.loop);
}

/* ---- the map ---- */

/* The map file writes ports and labels as objects, the message as lists. */
static void as_pairs(json_t *o, const char *member, const char *key, const char *value)
{
	json_t *list = json_array(), *v;
	const char *k;

	json_object_foreach(json_object_get(o, member), k, v)
	{
		json_array_append_new(list, json_pack("{s:s,s:O}", key, k, value, v));
	}
	json_object_set_new(o, member, list);
}

static void read_device(json_t *o)
{
	struct fault f = FAULT_INIT;
	void *body;

	as_pairs(o, "ports", "service", "port");
	as_pairs(o, "labels", "key", "value");
	if (msg_from_json(&m_device_desc, o, &memory, &body, &f) < 0) {
		fprintf(stderr, "device: %s\n", f.detail);
		exit(2);
	}
	device = *(struct m_device *)body;
}

static void read_credential(const json_t *o)
{
	struct m_sealed_credential *c = &credentials[errand.n_credentials++];
	struct buf aad = BUF_INIT, sealed = BUF_INIT;
	uint8_t public_key[32];
	char *text = json_dumps(o, JSON_COMPACT);

	c->id = uuid_v7(clock_wall_ms());
	c->kind = arena_strdup(&memory, json_string_value(json_object_get(o, "kind")));
	box_public(keys.private_key, public_key);
	buf_add(&aad, "carnet-credential-1", 20);
	buf_add(&aad, keys.tenant.b, 16);
	buf_add(&aad, c->id.b, 16);
	box_seal(public_key, buf_span(&aad), (struct span){(uint8_t *)text, strlen(text)}, &sealed);
	c->sealed = (struct span){arena_dup(&memory, sealed.p, sealed.n), sealed.n};
	buf_fini(&aad);
	buf_fini(&sealed);
	free(text);
}

static void set_password(const char *text)
{
	struct buf aad = BUF_INIT, sealed = BUF_INIT;
	uint8_t public_key[32];

	settings.password_id = uuid_v7(clock_wall_ms());
	box_public(keys.private_key, public_key);
	buf_add(&aad, "carnet-password-1", 18);
	buf_add(&aad, keys.tenant.b, 16);
	buf_add(&aad, settings.password_id.b, 16);
	box_seal(public_key, buf_span(&aad), (struct span){(const uint8_t *)text, strlen(text)},
		&sealed);
	settings.password_sealed = (struct span){arena_dup(&memory, sealed.p, sealed.n), sealed.n};
	buf_fini(&aad);
	buf_fini(&sealed);
}

static void read_map(const char *path)
{
	json_t *root = json_load_file(path, 0, NULL), *list = json_object_get(root, "credentials");

	if (!json_is_object(root)) {
		fprintf(stderr, "no map %s\n", path);
		exit(2);
	}
	bug_if(uuid_parse("00000000-0000-7000-8000-000000000001", &keys.tenant) < 0);
	crypto_random(keys.private_key, sizeof(keys.private_key));
	keys.have = true;
	for (size_t i = 0; i < json_array_size(list) && i < array_len(credentials); i++)
		read_credential(json_array_get(list, i));
	read_device(json_array_get(json_object_get(root, "devices"), 0));
	json_decref(root);
}

/* ---- steps ---- */

static struct span read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	struct buf b = BUF_INIT;
	char piece[4096];
	size_t n;

	if (!f) {
		fprintf(stderr, "no file %s\n", path);
		exit(2);
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	fclose(f);
	struct span r = {arena_dup(&memory, b.p, b.n), b.n};
	buf_fini(&b);
	return r;
}

static const struct book *read_book(struct span bytes)
{
	const struct codec *codec = adapter->codec ? codec_named(adapter->codec) : NULL;
	struct fault f = FAULT_INIT;
	struct book *b = NULL;

	/* a file of another kind goes to the device as it is, as setting values do */
	if (codec && book_decode(bytes, codec, NULL, &b, &f) < 0)
		fprintf(stderr, "no book: %s\n", f.detail);
	return b; /* for as long as the process lives */
}

static void set_image(struct image *image, struct image_item *item, const char *path)
{
	*item = (struct image_item){.name = items[0], .bytes = read_file(path)};
	*image = (struct image){.item = item, .n_items = 1, .book = read_book(item->bytes)};
}

static json_t *verdicts(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < errand.seen.n_verdicts; i++)
		json_array_append_new(
			list, json_pack("{s:s,s:i,s:s?}", "item", errand.seen.verdicts[i].item,
				      "result", (int)errand.seen.verdicts[i].result, "detail",
				      errand.seen.verdicts[i].detail));
	return list;
}

static void say(const char *step, json_t *more)
{
	const struct error_info *e = error_info(fault.code);
	json_t *line = json_pack("{s:s,s:s,s:s,s:s,s:s?,s:s?,s:s?,s:o,s:b}", "step", step, "cause",
		fault.code ? e ? e->name : "?" : "ok", "reason", fault.reason, "detail",
		fault.detail, "serial", errand.seen.serial, "uuid", errand.seen.device_uuid, "text",
		errand.seen.text, "verdicts", verdicts(), "restart_required",
		errand.seen.restart_required);

	if (more)
		json_object_update(line, more);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
	json_decref(more);
}

static void call(void (*op)(void *self))
{
	ended = false;
	fault = FAULT_INIT;
	op(self);
	while (!ended) /* a done() from inside the call stops the next run, too */
		loop_run(errand.loop);
}

static json_t *foresee(void)
{
	struct m_device_plan plan = {.add = 0};
	json_t *o;

	if (adapter->foresee(&errand, &plan, &fault) < 0)
		return NULL;
	o = json_object();
	json_object_set_new(o, "plan", msg_to_json(&m_device_plan_desc, &plan));
	return o;
}

static void step(const char *name, const char *value)
{
	static const struct {
		const char *name;
		size_t at;
	} ops[] = {{"probe", offsetof(struct adapter, probe)},
		{"busy", offsetof(struct adapter, busy)}, {"read", offsetof(struct adapter, read)},
		{"identify", offsetof(struct adapter, identify)},
		{"write", offsetof(struct adapter, write)},
		{"restart", offsetof(struct adapter, restart)},
		{"release", offsetof(struct adapter, release)}};
	static const struct {
		const char *name;
		struct image *image;
		struct image_item *item;
	} images[] = {{"before", &before, &before_item}, {"wanted", &wanted, &wanted_item},
		{"source", &source, &source_item}};
	json_t *more = NULL;

	fault = FAULT_INIT;
	for (size_t i = 0; i < array_len(images); i++)
		if (strcmp(images[i].name, name) == 0) {
			set_image(images[i].image, images[i].item, value);
			return;
		}
	if (strcmp(name, "foresee") == 0)
		more = foresee();
	while (strcmp(name, "until") == 0 && access(value, F_OK) < 0)
		(void)usleep(10000);
	if (strcmp(name, "same") == 0) {
		struct image_item seen = {.name = items[0], .bytes = read_file(value)};
		more = json_pack("{s:b}", "same", adapter->same(&errand, &wanted_item, &seen));
	}
	if (strcmp(name, "read") == 0)
		out = fopen(value, "w");
	for (size_t i = 0; i < array_len(ops); i++) {
		void (*op)(void *);
		if (strcmp(ops[i].name, name) != 0)
			continue;
		memcpy(&op, (const char *)adapter + ops[i].at, sizeof(op));
		call(op);
	}
	if (out) {
		fclose(out);
		out = NULL;
		more = json_pack("{s:I}", "entries", (json_int_t)entries);
	}
	say(name, more);
}

int main(int argc, char **argv)
{
	const char *profiles = getenv("RUN_PROFILES");
	struct http_client_opts opts = {.max_connections = 4};
	struct fault f = FAULT_INIT;

	if (argc < 3)
		return 2;
	arena_init(&memory, 0);
	read_map(argv[1]);
	adapter = adapter_find(device.family);
	bug_if(!adapter || profile_load(profiles ? profiles : "schemas/profiles", device.family,
				   &errand.profile, &f) < 0);
	items[0] = getenv("RUN_ITEM") ? getenv("RUN_ITEM") : "settings";
	settings.file_name = getenv("RUN_FILE_NAME");
	if (getenv("RUN_PASSWORD"))
		set_password(getenv("RUN_PASSWORD"));
	errand.probe_ms = getenv("RUN_PROBE_MS") ? (uint32_t)atoi(getenv("RUN_PROBE_MS")) : 300;
	errand.before = &before;
	errand.wanted = &wanted;
	errand.source = &source;
	errand.ip = device.address;
	errand.loop = loop_new();
	errand.http = http_client_new(errand.loop, &opts);
	self = adapter->open(&errand);
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (value)
			*value++ = 0;
		step(argv[i], value);
	}
	http_client_free(errand.http);
	arena_fini(&memory);
	return 0;
}
