// SPDX-License-Identifier: Apache-2.0
/* From path, query and JSON body to the fields of a message, by name. */
#include "services/gateway/body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

const struct msg_field *body_field(const struct msg_desc *desc, const char *name)
{
	for (size_t i = 0; i < desc->n_fields; i++)
		if (strcmp(desc->fields[i].name, name) == 0)
			return &desc->fields[i];
	return NULL;
}

bool body_given(const struct msg_desc *desc, const void *body, const char *name)
{
	const struct msg_field *f = body_field(desc, name);
	uint64_t has;

	bug_if(f == NULL);
	memcpy(&has, body, sizeof(has));
	return (has >> (f - desc->fields) & 1) != 0;
}

json_t *body_begin(const struct route *route, struct span body, struct fault *reterr)
{
	json_error_t at;

	if (body.n == 0)
		return json_object();
	json_t *given = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &at);
	if (given == NULL) {
		(void)fault_why(reterr, CN_PARSE_ERROR, "json", "body, line %d, column %d: %s",
			at.line, at.column, at.text);
		return NULL;
	}
	if (!json_is_object(given)) {
		json_decref(given);
		(void)fault_why(reterr, CN_PARSE_ERROR, "json", "body must be a JSON object");
		return NULL;
	}
	if (route->body_field == NULL)
		return given;
	json_t *root = json_object();
	if (json_object_set_new(root, route->body_field, given) == 0)
		return root;
	json_decref(root);
	(void)fault_set(reterr, CN_INTERNAL_ERROR, "out of memory");
	return NULL;
}

/* A number, true or false, or the text itself, as the field's type wants it. NULL = does not fit.
 */
static json_t *typed(const struct msg_field *f, const char *value)
{
	char *end;

	if (f->type == MSG_BOOL) {
		if (strcmp(value, "true") == 0)
			return json_true();
		return strcmp(value, "false") == 0 ? json_false() : NULL;
	}
	if (f->type != MSG_UINT && f->type != MSG_INT)
		return json_string(value);
	errno = 0;
	long long n = strtoll(value, &end, 10);
	return errno == 0 && *value != '\0' && *end == '\0' ? json_integer(n) : NULL;
}

static int put(json_t *object, const struct msg_field *f, const char *value, struct fault *reterr)
{
	json_t *v = typed(f, value);

	if (v == NULL)
		return fault_set(reterr, CN_VALIDATION_FAILED, "%s: '%.64s' is not a value of it",
			f->name, value);
	return json_object_set_new(object, f->name, v) == 0
		       ? 0
		       : fault_set(reterr, CN_INTERNAL_ERROR, "out of memory");
}

/* The body member as an object, made when absent. */
static json_t *member_of(json_t *root, const char *name)
{
	json_t *o = json_object_get(root, name);

	if (o == NULL) {
		o = json_object();
		(void)json_object_set_new(root, name, o);
	}
	return o;
}

static int given_before(const char *name, struct fault *reterr)
{
	return fault_why(reterr, CN_PARSE_ERROR, "given_before",
		"%s: the path or another part of the request says it already", name);
}

/* What was read has the names and ids of its path, and may say them again: others it may not. */
static int put_path(
	json_t *object, const struct msg_field *f, const char *value, struct fault *reterr)
{
	json_t *said = json_incref(json_object_get(object, f->name));
	int rc = put(object, f, value, reterr);

	if (rc == 0 && said != NULL && !json_equal(said, json_object_get(object, f->name)))
		rc = given_before(f->name, reterr);
	json_decref(said);
	return rc;
}

int body_path(json_t *root, const struct route *route, const char *name, const char *value,
	struct fault *reterr)
{
	const struct msg_field *f = body_field(route->request, name);

	if (f != NULL)
		return put_path(root, f, value, reterr);
	bug_if(route->body_field == NULL);
	const struct msg_desc *inner = body_field(route->request, route->body_field)->desc;
	f = body_field(inner, name);
	bug_if(f == NULL);
	return put_path(member_of(root, route->body_field), f, value, reterr);
}

static int put_list(
	json_t *root, const struct msg_field *f, const char *value, struct fault *reterr)
{
	json_t *list = json_object_get(root, f->name);
	char *copy = mem_strdup(value);
	char *save = NULL;
	int rc = 0;

	if (list == NULL) {
		list = json_array();
		(void)json_object_set_new(root, f->name, list);
	}
	for (char *part = strtok_r(copy, ",", &save); part != NULL && rc == 0;
		part = strtok_r(NULL, ",", &save)) {
		json_t *v = typed(f, part);
		if (v == NULL || json_array_append_new(list, v) != 0)
			rc = fault_set(reterr, CN_VALIDATION_FAILED,
				"%s: '%.64s' is not a value of it", f->name, part);
	}
	free(copy);
	return rc;
}

int body_query(json_t *root, const struct route *route, const char *name, const char *value,
	struct fault *reterr)
{
	const struct msg_field *f = body_field(route->request, name);

	if (f == NULL || f->type == MSG_STRUCT || f->type == MSG_BYTES)
		return fault_set(
			reterr, CN_VALIDATION_FAILED, "unknown query parameter '%.64s'", name);
	if (f->list)
		return put_list(root, f, value, reterr);
	return json_object_get(root, name) != NULL ? given_before(name, reterr)
						   : put(root, f, value, reterr);
}

static bool sealed_bytes(const struct msg_field *f)
{
	return f->type == MSG_BYTES && f->secret;
}

/* The fault lies in a member: its path begins with that of the whole. */
static int within(const char *member, struct fault *f)
{
	char inner[sizeof(f->detail)];

	(void)snprintf(inner, sizeof(inner), "%s", f->detail);
	return fault_why(f, f->code, "made_here", "%s.%s", member, inner);
}

int body_outside(const json_t *object, const struct msg_desc *desc, struct fault *reterr)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		const json_t *v = json_object_get(object, f->name);
		if (v != NULL && sealed_bytes(f))
			return fault_why(reterr, CN_VALIDATION_FAILED, "made_here",
				"%s: is made by Carnet itself", f->name);
		if (v == NULL || f->type != MSG_STRUCT)
			continue;
		if (json_is_object(v) && body_outside(v, f->desc, reterr) != 0)
			return within(f->name, reterr);
		for (size_t k = 0; k < json_array_size(v); k++)
			if (body_outside(json_array_get(v, k), f->desc, reterr) != 0)
				return within(f->name, reterr);
	}
	return 0;
}

int body_set(json_t *root, const struct route *route, struct fault *reterr)
{
	char outer[64];

	if (route->set_field == NULL)
		return 0;
	const char *inner = strchr(route->set_field, '.');
	(void)snprintf(outer, sizeof(outer), "%.*s",
		(int)(inner == NULL ? strlen(route->set_field)
				    : (size_t)(inner - route->set_field)),
		route->set_field);
	if (json_object_get(root, outer) != NULL)
		return given_before(outer, reterr);
	if (inner == NULL)
		return put(root, body_field(route->request, outer), route->set_value, reterr);
	const struct msg_desc *desc = body_field(route->request, outer)->desc;
	return put(member_of(root, outer), body_field(desc, inner + 1), route->set_value, reterr);
}
