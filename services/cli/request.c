// SPDX-License-Identifier: Apache-2.0
/* From words and flags to path and body, by the same descriptors that the gateway reads with. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/msg/msg.h"
#include "services/cli/cli.h"

void request_escape(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if (isalnum((unsigned char)*s) || strchr("-._~", *s) != NULL)
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned char)*s);
}

const struct msg_field *request_field(const struct msg_desc *d, const char *name)
{
	for (size_t i = 0; i < d->n_fields; i++)
		if (strcmp(d->fields[i].name, name) == 0)
			return &d->fields[i];
	return NULL;
}

const struct msg_desc *request_body(const struct route *r)
{
	return r->body_field == NULL ? r->request : request_field(r->request, r->body_field)->desc;
}

int request_bool(const char *text, bool *ret)
{
	static const char *const words[][2] = {
		{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};

	for (size_t i = 0; i < array_len(words); i++)
		for (int on = 0; on < 2; on++)
			if (strcasecmp(text, words[i][on]) == 0) {
				*ret = on == 1;
				return 0;
			}
	return -1;
}

static json_t *scalar(const struct msg_field *f, const char *value)
{
	char *end;
	bool on;

	if (f->type == MSG_BOOL)
		return request_bool(value, &on) == 0 ? json_boolean(on) : NULL;
	if (f->type != MSG_UINT && f->type != MSG_INT)
		return json_string(value);
	errno = 0;
	long long n = strtoll(value, &end, 10);
	return errno == 0 && end != value && *end == '\0' ? json_integer(n) : NULL;
}

/* key=value for a list of pairs such as labels and ports; JSON text for other structs. */
static json_t *structured(const struct msg_field *f, const char *value)
{
	const char *eq = strchr(value, '=');

	if (*value == '{')
		return json_loads(value, JSON_REJECT_DUPLICATES, NULL);
	if (eq == NULL || f->desc->n_fields < 2)
		return NULL;
	json_t *pair = json_object();
	json_t *second = scalar(&f->desc->fields[1], eq + 1);
	(void)json_object_set_new(
		pair, f->desc->fields[0].name, json_stringn(value, (size_t)(eq - value)));
	if (second != NULL && json_object_set_new(pair, f->desc->fields[1].name, second) == 0)
		return pair;
	json_decref(pair);
	return NULL;
}

static int put_list(json_t *object, const struct msg_field *f, const char *value)
{
	json_t *list = json_object_get(object, f->name);
	char *copy = mem_strdup(value);
	char *save = NULL;
	int rc = 0;

	if (list == NULL) {
		list = json_array();
		(void)json_object_set_new(object, f->name, list);
	}
	/* a JSON object may hold commas */
	const char *separator = *value == '{' ? "\n" : ",";
	for (char *p = strtok_r(copy, separator, &save); p != NULL && rc == 0;
		p = strtok_r(NULL, separator, &save)) {
		json_t *v = f->type == MSG_STRUCT ? structured(f, p) : scalar(f, p);
		rc = v == NULL ? -1 : json_array_append_new(list, v);
	}
	free(copy);
	return rc;
}

int request_put(json_t *object, const struct msg_desc *desc, const char *name, const char *value)
{
	char member[128];
	size_t n = strcspn(name, ".");

	if (n >= sizeof(member))
		return -1;
	memcpy(member, name, n);
	member[n] = '\0';
	for (char *p = member; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	const struct msg_field *f = request_field(desc, member);
	if (f == NULL)
		return -1;
	if (name[n] == '.' && f->type == MSG_STRUCT && !f->list) {
		json_t *inner = json_object_get(object, f->name);
		if (inner == NULL) {
			inner = json_object();
			(void)json_object_set_new(object, f->name, inner);
		}
		return request_put(inner, f->desc, name + n + 1, value);
	}
	if (f->list)
		return put_list(object, f, value);
	json_t *v = f->type == MSG_STRUCT ? structured(f, value) : scalar(f, value);
	return v == NULL ? -1 : json_object_set_new(object, f->name, v);
}

/* Words replace the {parameters} of the path in order. */
static int build_path(struct cli *c, const struct verb *v, struct buf *path)
{
	size_t used = 0;

	for (const char *p = v->path; *p != '\0';) {
		if (*p != '{') {
			buf_addc(path, *p++);
			continue;
		}
		if (used == c->n_args)
			return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
		request_escape(path, c->args[used++]);
		p = strchr(p, '}') + 1;
	}
	if (used < c->n_args)
		return cli_fail(EXIT_USAGE, "%s %s: '%s' is one word too many", v->noun, v->name,
			c->args[used]);
	return 0;
}

static void add_query(struct buf *path, bool *first, const char *name, const char *value)
{
	buf_adds(path, *first ? "?" : "&");
	*first = false;
	for (; *name != '\0'; name++)
		buf_addc(path, *name == '-' ? '_' : *name);
	buf_addc(path, '=');
	request_escape(path, value);
}

int request_build(struct cli *c, const struct verb *v, struct buf *path, json_t **ret_body,
	bool *ret_has_body)
{
	const struct route *r = verb_route(v);
	bool get = strcmp(v->method, "GET") == 0 || strcmp(v->method, "DELETE") == 0;
	const struct msg_desc *desc = request_body(r);
	json_t *body = json_object();
	bool first = true;

	if (build_path(c, v, path) != 0) {
		json_decref(body);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < c->n_flags; i++) {
		struct flag *f = &c->flags[i];
		if (f->used)
			continue;
		f->used = true;
		if (get && request_field(desc, f->name) == NULL && strchr(f->name, '-') == NULL) {
			json_decref(body);
			return cli_fail(
				EXIT_USAGE, "%s %s has no flag --%s", v->noun, v->name, f->name);
		}
		if (get) {
			add_query(path, &first, f->name, f->value);
		} else if (request_put(body, desc, f->name, f->value) != 0) {
			json_decref(body);
			return cli_fail(EXIT_USAGE,
				"%s %s: --%s '%s' is not a flag of it or not a value for it",
				v->noun, v->name, f->name, f->value);
		}
	}
	*ret_body = body;
	*ret_has_body = !get;
	return 0;
}
