// SPDX-License-Identifier: Apache-2.0
/* Books of XML elements. */
#include "services/simulator/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

/* ---- XML ---- */

void xml_copy(struct buf *out, const struct xml_node *n, const char *prefix)
{
	buf_addf(out, "<%s%s>", prefix, n->name);
	if (!n->child)
		soap_put(out, n->text);
	for (const struct xml_node *c = n->child; c; c = c->next)
		xml_copy(out, c, prefix);
	buf_addf(out, "</%s%s>", prefix, n->name);
}

const struct xml_node *xml_find(const struct xml_node *n, const char *path)
{
	while (n && *path) {
		size_t len = strcspn(path, "/");

		n = n->child;
		while (n && (strncmp(n->name, path, len) != 0 || n->name[len]))
			n = n->next;
		path += len + (path[len] == '/');
	}
	return n;
}

static const struct xml_node *parse(struct arena *a, struct span text)
{
	static const struct xml_limits limits = {
		.depth = 64, .nodes = 100000, .attributes = 64, .text = 65536};
	struct fault f = FAULT_INIT;

	return xml_parse(a, text, &limits, NULL, &f);
}

/* ---- records ---- */

static void free_records(struct records *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].xml);
	free(r->v);
	*r = (struct records){.v = NULL};
}

static bool is_before(const struct record *a, uint32_t number, bool group)
{
	return a->group != group ? group : a->number < number;
}

/* Where it is or would be. */
static size_t place_of(const struct records *r, uint32_t number, bool group)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (is_before(&r->v[mid], number, group))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct record *records_find(const struct records *r, uint32_t number, bool group)
{
	size_t i = place_of(r, number, group);

	return i < r->n && r->v[i].number == number && r->v[i].group == group ? &r->v[i] : NULL;
}

void records_put(struct records *r, uint32_t number, bool group, char *xml)
{
	size_t i = place_of(r, number, group);

	if (records_find(r, number, group)) {
		free(r->v[i].xml);
		r->v[i].xml = xml;
		return;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->v = mem_realloc(r->v, r->cap * sizeof(*r->v));
	}
	memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof(*r->v));
	r->v[i] = (struct record){.number = number, .group = group, .xml = xml};
	r->n++;
}

bool records_remove(struct records *r, uint32_t number, bool group)
{
	size_t i = place_of(r, number, group);

	if (!records_find(r, number, group))
		return false;
	free(r->v[i].xml);
	memmove(&r->v[i], &r->v[i + 1], (r->n - i - 1) * sizeof(*r->v));
	r->n--;
	return true;
}

/* ---- from the seed ---- */

static uint32_t size_of_book(const struct device *d, struct rng *r)
{
	static const char *const NAMES[] = {"empty", "small", "medium", "large", "full"};
	static const uint32_t WEIGHT[] = {5, 40, 40, 12, 3}, ENTRIES[] = {0, 30, 160, 600, 2000};
	const json_t *books = json_object_get(d->sim->fleet.spec, "books");
	uint32_t weights[array_len(NAMES)], sum = 0, at;

	for (size_t i = 0; i < array_len(NAMES); i++) {
		const json_t *w = json_object_get(books, NAMES[i]);
		weights[i] = json_is_integer(w) ? (uint32_t)json_integer_value(w) : WEIGHT[i];
		sum += weights[i];
	}
	at = sum ? rng_below(r, sum) : 0;
	for (size_t i = 0; i < array_len(NAMES); i++) {
		if (at < weights[i])
			return i == 0 || i == 4 ? ENTRIES[i]
						: ENTRIES[i] / 2 + rng_below(r, ENTRIES[i]);
		at -= weights[i];
	}
	return 0;
}

static const char *text(char *s)
{
	bug_if(!s);
	return s;
}

static void make_folder(struct rng *r, struct arena *a, struct entry *e)
{
	static const char *const PROTOCOLS[] = {"smb", "smb", "ftp", "webdav"};

	e->kind = KIND_FILE;
	e->protocol = rng_pick(r, PROTOCOLS);
	e->host = text(arena_printf(a, "%snas%u.example.com", *e->protocol == 'w' ? "https://" : "",
		rng_below(r, 9) + 1));
	e->path = text(arena_printf(a, "scan\\%u", rng_below(r, 500)));
	e->user = text(arena_printf(a, "EXAMPLE\\scan%u", rng_below(r, 40)));
	e->password = text(arena_printf(a, "Pw-%08x", (unsigned)rng_next(r)));
}

static void make_person(struct rng *r, struct arena *a, const struct device *d,
	const struct records_format *f, struct entry *e)
{
	uint32_t dice = rng_below(r, 100);

	name_person(r, a, d->language, false, e);
	const char *local = e->mail;
	e->mail = NULL;
	if (dice >= 90 && f->kinds & 1u << KIND_FAX) {
		e->kind = KIND_FAX;
		e->dial = text(arena_printf(a, "0%u", 100000000 + rng_below(r, 10000000)));
	} else if (dice >= 60 && f->kinds & 1u << KIND_FILE) {
		make_folder(r, a, e);
	} else {
		e->kind = KIND_EMAIL;
		e->mail = text(arena_printf(a, "%s%u@example.com", local, rng_below(r, 90) + 10));
	}
}

static void make_group(struct rng *r, struct arena *a, const struct device *d,
	const struct records *have, struct entry *e)
{
	e->kind = KIND_GROUP;
	e->name = name_department(r, d->language, false);
	e->reading = "";
	e->n_members = 1 + rng_below(r, 6);
	e->members = arena_array(a, e->n_members, sizeof(*e->members));
	bug_if(!e->members);
	for (size_t i = 0; i < e->n_members; i++)
		e->members[i] = have->v[rng_below(r, (uint32_t)have->n)].number;
}

static void put_entry(struct records *r, const struct entry *e, const struct records_format *f)
{
	struct buf xml = BUF_INIT;

	f->write(e, &xml);
	records_put(r, e->number, e->kind == KIND_GROUP, buf_detach(&xml));
}

static void make(struct records *r, const struct device *d, const struct records_format *f)
{
	struct rng rng = rng_of(d->sim->fleet.seed, d->index, RNG_LIST + ITEM_ADDRESS_BOOK);
	uint32_t n = size_of_book(d, &rng);
	struct arena a;

	for (uint32_t i = 0; i < n; i++) {
		struct entry e = {.number = f->first + i};
		arena_init(&a, 0);
		make_person(&rng, &a, d, f, &e);
		put_entry(r, &e, f);
		arena_fini(&a);
	}
	for (uint32_t i = 0; f->kinds & 1u << KIND_GROUP && i < n / 20; i++) {
		struct entry e = {.number = f->first + i};
		arena_init(&a, 0);
		make_group(&rng, &a, d, r, &e);
		put_entry(r, &e, f);
		arena_fini(&a);
	}
}

struct records *records_of(struct device *d, const struct records_format *f)
{
	if (!d->state) {
		d->state = mem_alloc(f->state_size);
		make(d->state, d, f);
	}
	return d->state;
}

void records_reset(struct device *d)
{
	if (d->state)
		free_records(d->state);
	free(d->state);
	d->state = NULL;
}

/* ---- control port ---- */

static void bad(struct http_request *r, const char *detail)
{
	control_json(r, 400, json_pack("{s:s}", "detail", detail));
}

static void ok(struct device *d, struct http_request *r, const char *what)
{
	d->config_changes++;
	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d, .what = what, .item = "address_book"});
	control_json(r, 200, json_pack("{s:b}", "ok", 1));
}

static json_t *record_json(const struct record *rec, const struct records_format *f)
{
	struct entry e = {.number = rec->number, .name = "", .reading = ""};
	struct arena a;
	json_t *j;

	arena_init(&a, 0);
	const struct xml_node *n =
		parse(&a, (struct span){(const uint8_t *)rec->xml, strlen(rec->xml)});
	if (n)
		f->read(n, &a, &e);
	if (rec->group)
		e.kind = KIND_GROUP;
	j = book_entry_json(&e);
	arena_fini(&a);
	return j;
}

static void get_book(struct device *d, struct http_request *r, const struct records_format *f)
{
	const struct records *book = records_of(d, f);
	const char *raw = http_query(r, "raw");
	json_t *entries = json_array();
	struct buf all = BUF_INIT;
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < book->n; i++) {
		(void)json_array_append_new(entries, record_json(&book->v[i], f));
		buf_adds(&all, book->v[i].xml);
		buf_addc(&all, '\n');
	}
	sha256(buf_span(&all), hash);
	hex_encode((struct span){.p = hash, .n = sizeof(hash)}, hex);
	if (raw) {
		json_decref(entries);
		http_respond(r, 200, "application/octet-stream", buf_span(&all));
	} else {
		control_json(r, 200,
			json_pack("{s:s, s:s, s:{s:{s:s, s:o, s:I, s:s}}}", "device", d->name,
				"charset", "UTF-8", "items", "address_book", "name", "", "entries",
				entries, "bytes", (json_int_t)all.n, "sha256", hex));
	}
	buf_fini(&all);
}

static int read_entry(struct arena *a, const json_t *j, const struct records_format *f,
	struct entry *e, struct fault *reterr)
{
	json_int_t number = json_integer_value(json_object_get(j, "number"));

	if (number < 1 || number > 100000)
		return fault_set(reterr, CN_VALIDATION_FAILED, "an entry has a number");
	e->number = (uint32_t)number;
	if (book_entry_fill(a, e, j, reterr) < 0)
		return -1;
	if (!(f->kinds & 1u << e->kind))
		return fault_set(
			reterr, CN_VALIDATION_FAILED, "this family has no such kind of entry");
	return 0;
}

static int take_entries(struct records *book, const json_t *list, const struct records_format *f,
	struct fault *reterr)
{
	struct arena a;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		struct entry e = {.number = 0};
		arena_init(&a, 0);
		rc = read_entry(&a, json_array_get(list, i), f, &e, reterr);
		if (rc == 0)
			put_entry(book, &e, f);
		arena_fini(&a);
	}
	return rc;
}

static void put_book(struct device *d, struct http_request *r, const struct records_format *f)
{
	struct records *book = records_of(d, f), fresh = {.v = NULL};
	struct fault why = FAULT_INIT;
	json_t *j = control_body(r);
	const json_t *list = json_object_get(
		json_object_get(json_object_get(j, "items"), "address_book"), "entries");

	if (!j)
		return;
	if (!json_is_array(list)) {
		bad(r, "items.address_book.entries wanted");
	} else if (take_entries(&fresh, list, f, &why) < 0) {
		free_records(&fresh);
		control_fault(r, &why);
	} else {
		free_records(book);
		*book = fresh;
		ok(d, r, "book_put");
	}
	json_decref(j);
}

/* {number, name, email, …}; {number, remove: true}; without a number the first. */
static void post_edit(struct device *d, struct http_request *r, const struct records_format *f)
{
	struct records *book = records_of(d, f);
	json_t *j = control_body(r);
	struct fault why = FAULT_INIT;
	struct arena a;

	if (!j)
		return;
	arena_init(&a, 0);
	struct entry e = {.number = (uint32_t)json_integer_value(json_object_get(j, "number"))};
	if (e.number == 0 && book->n > 0)
		e.number = book->v[0].number;
	const struct record *have = records_find(book, e.number, false);
	if (have) {
		const struct xml_node *n =
			parse(&a, (struct span){(const uint8_t *)have->xml, strlen(have->xml)});
		if (n)
			f->read(n, &a, &e);
	}
	if (json_is_true(json_object_get(j, "remove"))) {
		(void)records_remove(book, e.number, false);
		ok(d, r, "book_edit");
	} else if (e.number == 0 || book_entry_fill(&a, &e, j, &why) < 0) {
		bad(r, e.number ? why.detail : "no such entry");
	} else {
		put_entry(book, &e, f);
		ok(d, r, "book_edit");
	}
	arena_fini(&a);
	json_decref(j);
}

bool records_control(
	struct device *d, struct http_request *r, const char *path, const struct records_format *f)
{
	const char *method = http_method(r);

	if (strcmp(path, "/book") == 0 && strcmp(method, "GET") == 0)
		get_book(d, r, f);
	else if (strcmp(path, "/book") == 0 && strcmp(method, "PUT") == 0)
		put_book(d, r, f);
	else if (strcmp(path, "/edit") == 0 && strcmp(method, "POST") == 0)
		post_edit(d, r, f);
	else
		return false;
	return true;
}
