// SPDX-License-Identifier: Apache-2.0
/* A fleet file and its form: every member is one that is known, of its type, within its limits. The
 * fields of the messages say what that is, so that a file has no rules of its own. */
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/msg/msg.h"
#include "common/text/rfc3339.h"
#include "services/cli/book.h"
#include "services/cli/fleet.h"

#define FAULTS_SAID 20
#define PATH_ROOM 512
#define FLEET_ITEMS_MAX 200000u

/* ---- what is wrong, and where ---- */

void fleet_wrong(struct fleet_source *s, const struct doc *at, const char *path, const char *word,
	const char *fmt, ...)
{
	const struct error_info *e = error_reason(word);
	struct buf line = BUF_INIT;
	struct buf what = BUF_INIT;
	va_list ap;

	if (s->faults++ >= FAULTS_SAID)
		return;
	va_start(ap, fmt);
	buf_addv(&what, fmt, ap);
	va_end(ap);
	buf_adds(&line, s->file);
	if (at != NULL)
		buf_addf(&line, ":%u:%u", at->line, at->column);
	if (*path != '\0')
		buf_addf(&line, ": %s", path);
	buf_addf(&line, ": %s", e == NULL ? word : e->text[cli_lang(s->cli)]);
	if (what.n > 0)
		buf_addf(&line, " (%s)", buf_str(&what));
	(void)cli_fail(0, "%s", buf_str(&line));
	buf_fini(&line);
	buf_fini(&what);
}

/* ---- values ---- */

struct reader {
	struct fleet_source *source;
	const struct fleet_noun *noun;
	char path[PATH_ROOM]; /* "devices[3]", then members */
	size_t root;          /* length of the first part, with its dot */
};

static json_t *wrong_type(struct reader *r, const struct doc *at, const char *wanted)
{
	fleet_wrong(r->source, at, r->path, "wrong_type", "%s", wanted);
	return NULL;
}

static json_t *take_number(struct reader *r, const struct msg_field *f, const struct doc *d)
{
	char *end;

	errno = 0;
	long long n = strtoll(d->text, &end, 10);
	if (d->quoted || *d->text == '\0' || *end != '\0' || *d->text == '+' || *d->text == ' ')
		return wrong_type(r, d, "a whole number");
	long long most = f->max == 0 ? INT64_MAX : (long long)f->max;
	if (errno != 0 || n > most || (f->type == MSG_UINT && n < 0)) {
		fleet_wrong(r->source, d, r->path, "out_of_range", "0 … %lld", most);
		return NULL;
	}
	return json_integer(n);
}

static json_t *take_text(struct reader *r, const struct doc *d, size_t max)
{
	if (strlen(d->text) > max) {
		fleet_wrong(r->source, d, r->path, "too_long", "%zu bytes", max);
		return NULL;
	}
	return json_string(d->text);
}

static json_t *take_word(struct reader *r, const struct msg_field *f, const struct doc *d)
{
	struct buf words = BUF_INIT;

	if (msg_number(f->words, d->text) != 0)
		return json_string(d->text);
	for (const struct msg_enum_word *w = f->words; w->word != NULL; w++)
		buf_addf(&words, "%s%s", words.n == 0 ? "" : " ", w->word);
	fleet_wrong(r->source, d, r->path, "unknown_word", "%s", buf_str(&words));
	buf_fini(&words);
	return NULL;
}

/* Times have one spelling, the server's, or they could not be compared. */
static json_t *take_time(struct reader *r, const struct doc *d)
{
	char text[CLOCK_RFC3339];
	int64_t ms;

	if (rfc3339_parse(d->text, &ms) != 0)
		return wrong_type(r, d, "2027-01-05T01:20:30Z");
	(void)clock_rfc3339((uint64_t)ms, text);
	return json_string(text);
}

static json_t *take_scalar(struct reader *r, const struct msg_field *f, const struct doc *d)
{
	struct uuid id;

	if (d->kind != DOC_SCALAR)
		return wrong_type(r, d, f->list ? "one of a list" : "no list, no map");
	switch (f->type) {
	case MSG_BOOL:
		if (!d->quoted && strcmp(d->text, "true") == 0)
			return json_true();
		if (!d->quoted && strcmp(d->text, "false") == 0)
			return json_false();
		return wrong_type(r, d, "true, false");
	case MSG_UINT:
	case MSG_INT:
		return take_number(r, f, d);
	case MSG_ENUM:
		return take_word(r, f, d);
	case MSG_UUID:
		return uuid_parse(d->text, &id) == 0 ? json_string(d->text)
						     : wrong_type(r, d, "UUID");
	case MSG_TIME:
		return take_time(r, d);
	case MSG_TEXT:
	case MSG_BYTES:
	case MSG_STRUCT:
		break;
	}
	return take_text(r, d, f->max);
}

static const struct msg_field a_name = {.name = "", .type = MSG_TEXT, .max = 128};

static json_t *take_struct(struct reader *r, const struct msg_desc *desc, const struct doc *d);

static json_t *take_one(struct reader *r, const struct msg_field *f, const struct doc *d)
{
	return f->type == MSG_STRUCT ? take_struct(r, f->desc, d) : take_scalar(r, f, d);
}

static json_t *take_list(struct reader *r, const struct msg_field *f, const struct doc *d)
{
	size_t length = strlen(r->path), i = 0;
	json_t *list;

	if (d->kind != DOC_LIST)
		return wrong_type(r, d, "[…]");
	if (d->n > f->max_items) {
		fleet_wrong(r->source, d, r->path, "too_many", "%u", f->max_items);
		return NULL;
	}
	list = json_array();
	for (const struct doc *e = d->first; e != NULL; e = e->next, i++) {
		(void)snprintf(r->path + length, sizeof(r->path) - length, "[%zu]", i);
		json_t *v = take_one(r, f, e);
		if (v != NULL)
			(void)json_array_append_new(list, v);
	}
	r->path[length] = '\0';
	return list;
}

static const struct msg_field *field_of(const struct msg_desc *desc, const char *name)
{
	for (size_t i = 0; i < desc->n_fields; i++)
		if (strcmp(desc->fields[i].name, name) == 0)
			return &desc->fields[i];
	return NULL;
}

static struct doc key_of(const struct doc *member)
{
	return (struct doc){.line = member->key_line, .column = member->key_column};
}

static void unknown(struct reader *r, const struct doc *member)
{
	struct doc key = key_of(member);

	fleet_wrong(r->source, &key, r->path, "unknown_member", "%s", "");
}

static json_t *take_struct(struct reader *r, const struct msg_desc *desc, const struct doc *d)
{
	size_t length = strlen(r->path);
	json_t *object;

	if (d->kind != DOC_MAP)
		return wrong_type(r, d, "{…}");
	object = json_object();
	for (const struct doc *m = d->first; m != NULL; m = m->next) {
		const struct msg_field *f = field_of(desc, m->key);
		(void)snprintf(r->path + length, sizeof(r->path) - length, ".%s", m->key);
		const struct fleet_member *ref = fleet_inner(r->noun, r->path + r->root);
		if (ref != NULL && ref->shape == SHAPE_NAME)
			f = &a_name;
		if (f == NULL || f->secret || fleet_hidden(r->path + r->root)) {
			unknown(r, m);
		} else if (!doc_is_null(m)) {
			json_t *v = f->list ? take_list(r, f, m) : take_one(r, f, m);
			if (v != NULL)
				(void)json_object_set_new(object, m->key, v);
		}
		r->path[length] = '\0';
	}
	return object;
}

/* {http: 8000}: names to values of the pair's second field. */
static json_t *take_pairs(struct reader *r, const struct msg_field *f, const struct doc *d)
{
	size_t length = strlen(r->path);
	json_t *map;

	if (d->kind != DOC_MAP)
		return wrong_type(r, d, "{…}");
	if (d->n > f->max_items)
		fleet_wrong(r->source, d, r->path, "too_many", "%u", f->max_items);
	map = json_object();
	for (const struct doc *m = d->first; m != NULL; m = m->next) {
		(void)snprintf(r->path + length, sizeof(r->path) - length, ".%s", m->key);
		struct doc key = key_of(m);
		if (strlen(m->key) > f->desc->fields[0].max)
			fleet_wrong(r->source, &key, r->path, "too_long", "%u bytes",
				f->desc->fields[0].max);
		json_t *v = take_scalar(r, &f->desc->fields[1], m);
		if (v != NULL)
			(void)json_object_set_new(map, m->key, v);
		r->path[length] = '\0';
	}
	return map;
}

static const struct msg_field names = {
	.name = "", .type = MSG_TEXT, .list = true, .max = 128, .max_items = FLEET_ITEMS_MAX};
static const struct msg_field a_path = {.name = "", .type = MSG_TEXT, .max = 1024};

static json_t *take_member(struct reader *r, const struct fleet_member *m, const struct doc *d)
{
	const struct msg_field *f = field_of(r->noun->desc, m->name);

	switch (m->shape) {
	case SHAPE_PAIRS:
		return take_pairs(r, f, d);
	case SHAPE_NAME:
		return take_scalar(r, &a_name, d);
	case SHAPE_NAMES:
	case SHAPE_SERIES:
		return take_list(r, &names, d);
	case SHAPE_SECRET:
		return take_scalar(r, &a_path, d);
	case SHAPE_FIELD:
		break;
	}
	return f->list ? take_list(r, f, d) : take_one(r, f, d);
}

/* ---- items and sections ---- */

static json_t *take_item(struct reader *r, const struct doc *d)
{
	size_t length = strlen(r->path);
	json_t *body;

	if (d->kind != DOC_MAP)
		return wrong_type(r, d, "{…}");
	body = json_object();
	for (const struct doc *at = d->first; at != NULL; at = at->next) {
		const struct fleet_member *m = fleet_member(r->noun, at->key);
		(void)snprintf(r->path + length, sizeof(r->path) - length, ".%s", at->key);
		r->root = length + 1;
		if (m == NULL) {
			unknown(r, at);
		} else if (!doc_is_null(at)) {
			json_t *v = take_member(r, m, at);
			if (v != NULL)
				(void)json_object_set_new(body, at->key, v);
		}
		r->path[length] = '\0';
	}
	if (*fleet_text(body, "name") == '\0')
		fleet_wrong(r->source, d, r->path, "required", "name");
	return body;
}

static void take_section(
	struct fleet_source *s, enum fleet_kind kind, const struct doc *section, struct fleet *ret)
{
	struct reader r = {.source = s, .noun = &fleet_nouns[kind]};
	size_t i = 0;

	ret->list[kind].given = true;
	if (doc_is_null(section))
		return;
	if (section->kind != DOC_LIST || section->n > FLEET_ITEMS_MAX) {
		fleet_wrong(s, section, r.noun->section,
			section->kind != DOC_LIST ? "wrong_type" : "too_many", "[…]");
		return;
	}
	for (const struct doc *d = section->first; d != NULL; d = d->next, i++) {
		(void)snprintf(r.path, sizeof(r.path), "%s[%zu]", r.noun->section, i);
		json_t *body = take_item(&r, d);
		if (body == NULL)
			continue;
		struct fleet_item *item = fleet_add(ret, kind);
		item->body = body;
		item->at = d;
	}
}

static void take_sections(struct fleet_source *s, const struct doc *root, struct fleet *ret)
{
	for (const struct doc *d = root->first; d != NULL; d = d->next) {
		size_t kind = 0;
		while (kind < FLEET_SECTIONS && strcmp(fleet_nouns[kind].section, d->key) != 0)
			kind++;
		struct doc key = key_of(d);
		if (kind < FLEET_SECTIONS)
			take_section(s, (enum fleet_kind)kind, d, ret);
		else if (strcmp(d->key, "carnet") != 0)
			fleet_wrong(s, &key, d->key, "unknown_member", "%s", "");
		else if (d->kind != DOC_SCALAR || strcmp(d->text, "1") != 0)
			fleet_wrong(s, d, d->key, "unknown_word", "1");
	}
}

/* ---- the file ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcasecmp(s + n - k, end) == 0;
}

static int parse(
	struct fleet_source *s, struct span text, struct arena *arena, const struct doc **ret_root)
{
	const char *format = cli_flag(s->cli, "format");
	struct doc_wrong w;

	if (format == NULL ? ends_with(s->file, ".csv") : strcmp(format, "csv") == 0)
		return fleet_read_csv(s, text, arena, ret_root);
	if (doc_read(text, arena, ret_root, &w) == 0)
		return 0;
	struct doc at = {.line = w.line, .column = w.column};
	char word[40];
	(void)snprintf(word, sizeof(word), "doc_%s", w.reason);
	const char *known = error_reason(word) != NULL       ? word
			    : error_reason(w.reason) != NULL ? w.reason
							     : "doc_malformed";
	fleet_wrong(s, &at, "", known, "%s", w.detail);
	return EXIT_ERROR;
}

int fleet_read_file(struct fleet_source *s, struct arena *arena, struct fleet *ret)
{
	const struct doc *root = NULL;
	struct source text;
	int rc = source_read(&text, s->file);

	if (rc == 0)
		rc = parse(s, source_span(&text), arena, &root);
	free(text.bytes);
	if (rc != 0)
		return EXIT_ERROR;
	if (root != NULL && root->kind != DOC_MAP)
		fleet_wrong(s, root, "", "wrong_type", "sites: devices: groups: …");
	else if (root != NULL)
		take_sections(s, root, ret);
	fleet_index(ret);
	return s->faults == 0 ? 0 : EXIT_ERROR;
}
