// SPDX-License-Identifier: Apache-2.0
/* The OpenAPI 3.1 document from routes and descriptors. */
#include "services/gateway/openapi.h"

#include <stdio.h>
#include <string.h>

#include "common/msg/msg.h"
#include "gen/routes.h"
#include "services/gateway/body.h"

static void put(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static json_t *ref(const char *name)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "#/components/schemas/%s", name);
	return json_pack("{s:s}", "$ref", text);
}

/* ---- schemas ---- */

static void add_schema(json_t *schemas, const struct msg_desc *desc);

static json_t *words_schema(const struct msg_enum_word *words)
{
	json_t *list = json_array();

	for (; words->word != NULL; words++)
		(void)json_array_append_new(list, json_string(words->word));
	return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

static json_t *number_schema(const struct msg_field *f)
{
	json_t *s = json_pack("{s:s, s:s}", "type", "integer", "format", "int64");

	if (f->type == MSG_UINT)
		put(s, "minimum", json_integer(0));
	if (f->max != 0)
		put(s, "maximum", json_integer(f->max));
	return s;
}

static json_t *value_schema(json_t *schemas, const struct msg_field *f)
{
	switch (f->type) {
	case MSG_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case MSG_UINT:
	case MSG_INT:
		return number_schema(f);
	case MSG_ENUM:
		return words_schema(f->words);
	case MSG_UUID:
		return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
	case MSG_TIME:
		return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
	case MSG_BYTES:
		return json_pack("{s:s, s:s}", "type", "string", "contentEncoding", "base64");
	case MSG_STRUCT:
		add_schema(schemas, f->desc);
		return ref(f->desc->name);
	case MSG_TEXT:
		break;
	}
	return json_pack("{s:s, s:I}", "type", "string", "maxLength", (json_int_t)f->max);
}

static json_t *field_schema(json_t *schemas, const struct msg_field *f)
{
	json_t *s = value_schema(schemas, f);

	if (f->list)
		s = json_pack("{s:s, s:o, s:I}", "type", "array", "items", s, "maxItems",
			(json_int_t)f->max_items);
	if (f->help != NULL && *f->help != '\0')
		put(s, "description", json_string(f->help));
	if (f->secret)
		put(s, "writeOnly", json_true());
	return s;
}

/* Fields left out are those that path or route give. */
static json_t *object_schema(json_t *schemas, const struct msg_desc *desc,
	bool (*leave_out)(const struct route *r, const char *field), const struct route *route)
{
	json_t *properties = json_object();
	json_t *required = json_array();

	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		if (leave_out != NULL && leave_out(route, f->name))
			continue;
		put(properties, f->name, field_schema(schemas, f));
		if (f->required)
			(void)json_array_append_new(required, json_string(f->name));
	}
	json_t *s = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	if (json_array_size(required) > 0)
		put(s, "required", required);
	else
		json_decref(required);
	return s;
}

static void add_schema(json_t *schemas, const struct msg_desc *desc)
{
	if (json_object_get(schemas, desc->name) != NULL)
		return;
	put(schemas, desc->name, json_object()); /* first: it may contain itself */
	json_t *s = object_schema(schemas, desc, NULL, NULL);
	if (desc->help != NULL && *desc->help != '\0')
		put(s, "description", json_string(desc->help));
	put(schemas, desc->name, s);
}

/* ---- operations ---- */

static bool in_path(const struct route *r, const char *field)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "{%s}", field);
	return strstr(r->path, text) != NULL;
}

static bool set_by_route(const struct route *r, const char *field)
{
	return r->set_field != NULL && strcmp(r->set_field, field) == 0;
}

static bool not_in_body(const struct route *r, const char *field)
{
	return in_path(r, field) || set_by_route(r, field) || strcmp(field, "if_version") == 0;
}

static void add_parameters(json_t *schemas, json_t *operation, const struct route *r)
{
	json_t *list = json_array();
	const struct msg_desc *q = r->request;
	bool query = strcmp(r->method, "GET") == 0;

	for (const char *p = strchr(r->path, '{'); p != NULL; p = strchr(p + 1, '{')) {
		json_t *schema = json_pack("{s:s}", "type", "string");
		(void)json_array_append_new(
			list, json_pack("{s:s%, s:s, s:b, s:o}", "name", p + 1, strcspn(p + 1, "}"),
				      "in", "path", "required", 1, "schema", schema));
	}
	for (size_t i = 0; i < q->n_fields; i++) {
		const struct msg_field *f = &q->fields[i];
		if (query && !in_path(r, f->name) && !set_by_route(r, f->name) &&
			f->type != MSG_STRUCT)
			(void)json_array_append_new(
				list, json_pack("{s:s, s:s, s:b, s:o}", "name", f->name, "in",
					      "query", "required", f->required, "schema",
					      field_schema(schemas, f)));
		if (strcmp(f->name, "if_version") == 0)
			(void)json_array_append_new(
				list, json_pack("{s:s, s:s, s:{s:s}}", "name", "If-Match", "in",
					      "header", "schema", "type", "string"));
	}
	if (strcmp(r->method, "POST") == 0)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:{s:s}}", "name", "Idempotency-Key", "in",
				      "header", "schema", "type", "string"));
	put(operation, "parameters", list);
}

static json_t *json_content(json_t *schema)
{
	return json_pack("{s:{s:{s:o}}}", "content", "application/json", "schema", schema);
}

static void add_body(json_t *schemas, json_t *operation, const struct route *r)
{
	json_t *schema;

	if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "DELETE") == 0)
		return;
	if (r->body_field != NULL) {
		const struct msg_desc *d = body_field(r->request, r->body_field)->desc;
		add_schema(schemas, d);
		schema = ref(d->name);
	} else {
		schema = object_schema(schemas, r->request, not_in_body, r);
	}
	put(operation, "requestBody", json_content(schema));
}

static void add_responses(json_t *schemas, json_t *operation, const struct route *r)
{
	char status[8];
	const struct msg_desc *d = r->reply;
	json_t *responses = json_object();

	if (r->reply_field != NULL)
		d = body_field(d, r->reply_field)->desc;
	add_schema(schemas, d);
	json_t *good = json_content(ref(d->name));
	put(good, "description", json_string("done"));
	(void)snprintf(status, sizeof(status), "%u", (unsigned)r->status);
	put(responses, status, good);
	put(responses, "default",
		json_pack("{s:s, s:{s:{s:o}}}", "description", "problem document (RFC 9457)",
			"content", "application/problem+json", "schema", ref("problem")));
	put(operation, "responses", responses);
}

static json_t *operation_of(json_t *schemas, const struct route *r)
{
	char id[200];
	json_t *operation = json_object();

	(void)snprintf(id, sizeof(id), "%s%s%s%s%s", r->request->name,
		strcmp(r->method, "DELETE") == 0 ? "_delete" : "", r->set_field != NULL ? "_" : "",
		r->set_field != NULL ? r->set_value : "",
		strcmp(r->method, "PUT") == 0 ? "_put" : "");
	put(operation, "operationId", json_string(id));
	put(operation, "summary", json_string(r->summary == NULL ? "" : r->summary));
	put(operation, "tags", json_pack("[s]", r->is_local ? "gateway" : r->owner));
	if (r->is_public)
		put(operation, "security", json_array());
	add_parameters(schemas, operation, r);
	add_body(schemas, operation, r);
	add_responses(schemas, operation, r);
	return operation;
}

static void lower(const char *s, char *out, size_t size)
{
	size_t i = 0;

	for (; s[i] != '\0' && i + 1 < size; i++)
		out[i] = (char)(s[i] | 0x20);
	out[i] = '\0';
}

static void add_special(
	json_t *paths, const char *path, const char *summary, const char *type, bool id)
{
	json_t *parameters = json_array();

	if (id)
		(void)json_array_append_new(parameters,
			json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "name", "id", "in", "path",
				"required", 1, "schema", "type", "string", "format", "uuid"));
	put(paths, path,
		json_pack("{s:{s:s, s:s, s:o, s:{s:{s:s, s:{s:{}}}, s:{s:s}}}}", "get",
			"operationId", strrchr(path, '/') + 1, "summary", summary, "parameters",
			parameters, "responses", "200", "description", summary, "content", type,
			"default", "description", "problem document (RFC 9457)"));
}

/* The one body that is no JSON. */
static void add_upload(json_t *paths)
{
	json_t *parameters = json_pack("[{s:s, s:s, s:b, s:{s:s}}, {s:s, s:s, s:{s:s, s:[s,s]}}]",
		"name", "name", "in", "query", "required", 1, "schema", "type", "string", "name",
		"as", "in", "query", "schema", "type", "string", "enum", "address_book", "opaque");

	put(json_object_get(paths, "/files"), "post",
		json_pack("{s:s, s:s, s:o, s:{s:{s:{}}}, s:{s:{s:s}, s:{s:s}}}", "operationId",
			"file_add", "summary",
			"Upload a file of at most 64 MiB; kept when all of it can be read",
			"parameters", parameters, "requestBody", "content",
			"application/octet-stream", "responses", "201", "description",
			"the version it became", "default", "description",
			"problem document (RFC 9457) with faults"));
}

static json_t *problem_schema(void)
{
	static const char *const texts[] = {"type", "title", "detail", "code", "name", "reason",
		"field", "hint", "who", "trace"};
	json_t *properties = json_pack("{s:{s:s}, s:{s:s}, s:{s:s}}", "status", "type", "integer",
		"needs", "type", "integer", "has", "type", "integer");

	for (size_t i = 0; i < array_len(texts); i++)
		put(properties, texts[i], json_pack("{s:s}", "type", "string"));
	return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

json_t *openapi_document(const char *version)
{
	json_t *schemas = json_object();
	json_t *paths = json_object();
	char method[16];

	put(schemas, "problem", problem_schema());
	for (size_t i = 0; i < routes_n; i++) {
		const struct route *r = &routes[i];
		json_t *item = json_object_get(paths, r->path);
		if (item == NULL) {
			item = json_object();
			put(paths, r->path, item);
		}
		lower(r->method, method, sizeof(method));
		put(item, method, operation_of(schemas, r));
	}
	add_special(
		paths, "/events", "All events, as server-sent events", "text/event-stream", false);
	add_special(paths, "/locks/events",
		"Changes of locks (query: device, repeatable), as server-sent events",
		"text/event-stream", false);
	add_special(paths, "/runs/{id}/events", "Live progress of a run, as server-sent events",
		"text/event-stream", true);
	add_special(paths, "/versions/{id}/content",
		"The bytes of an item (query: item) as the device gave them",
		"application/octet-stream", true);
	add_special(paths, "/versions/{id}/export",
		"The book in another format, for a spreadsheet (format=view), or all of the "
		"version in one archive (format=bundle); with losses=json or csv: what that "
		"format drops (query: format, accept, losses)",
		"application/octet-stream", true);
	add_upload(paths);
	return json_pack("{s:s, s:{s:s, s:s, s:{s:s}}, s:[{s:s}], s:o, s:{s:o, s:{s:{s:s, s:s}}}, "
			 "s:[{s:[]}]}",
		"openapi", "3.1.0", "info", "title", "Carnet", "version", version, "license",
		"name", "Apache-2.0", "servers", "url", "/api/v1", "paths", paths, "components",
		"schemas", schemas, "securitySchemes", "token", "type", "http", "scheme", "bearer",
		"security", "token");
}
