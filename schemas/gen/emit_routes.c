// SPDX-License-Identifier: Apache-2.0
/* routes.tab to gen/routes.h and .c; each name in it is checked against the messages. */
#include <ctype.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

struct route {
	struct at at;
	char *method, *path, *owner;
	const struct message *request;
	char *body, *reply, *set, *value, *seal;
	unsigned status;
	bool is_public, is_local;
};

/* device.name: follows structs from the request down */
static const struct field *find_path(
	const struct model *m, const struct message *msg, const char *path)
{
	const struct field *f = NULL;
	char *p = text("%s", path);

	for (char *name; (name = strsep(&p, ".")) != NULL;) {
		f = msg != NULL ? message_field(msg, name) : NULL;
		if (f == NULL)
			return NULL;
		msg = f->type == Y_STRUCT && !f->list ? model_message(m, f->of) : NULL;
	}
	return f;
}

static void read_option(struct route *r, const struct token *t)
{
	char *value = text("%s", t->s);
	char *key = strsep(&value, "=");

	if (strcmp(key, "public") == 0 && value == NULL)
		r->is_public = true;
	else if (strcmp(key, "local") == 0 && value == NULL)
		r->is_local = true;
	else if (value == NULL || *value == '\0')
		die(t->at, "unknown option '%s'", t->s);
	else if (strcmp(key, "body") == 0)
		r->body = value;
	else if (strcmp(key, "reply") == 0)
		r->reply = value;
	else if (strcmp(key, "seal") == 0)
		r->seal = value;
	else if (strcmp(key, "status") == 0)
		r->status = (unsigned)number(t->at, value, 299);
	else if (strcmp(key, "set") == 0 && strchr(value, ':') != NULL)
		r->set = strsep(&value, ":"), r->value = value;
	else
		die(t->at, "unknown option '%s'", t->s);
}

/* A path parameter is a field of the request, or of the part that the body fills. */
static void check_param(const struct model *m, const struct route *r, const char *name)
{
	if (message_field(r->request, name) != NULL)
		return;
	if (r->body == NULL || find_path(m, r->request, text("%s.%s", r->body, name)) == NULL)
		die(r->at, "%s has no field %s", r->request->name, name);
}

static void check_path(const struct model *m, const struct route *r)
{
	char *p = text("%s", r->path);

	if (*p != '/')
		die(r->at, "a path begins with /");
	while ((p = strchr(p, '{')) != NULL) {
		char *end = strchr(p, '}');
		if (end == NULL)
			die(r->at, "} wanted in %s", r->path);
		*end = '\0';
		check_param(m, r, p + 1);
		p = end + 1;
	}
}

static void check_set(const struct model *m, const struct route *r)
{
	const struct field *f = find_path(m, r->request, r->set);

	if (f == NULL)
		die(r->at, "%s has no field %s", r->request->name, r->set);
	if (f->type == Y_ENUM) {
		const struct enumeration *e = model_enum(m, f->of);
		for (size_t i = 0; i < e->n; i++) {
			if (strcmp(e->words[i].s, r->value) == 0)
				return;
		}
		die(r->at, "'%s' is no word of %s", r->value, f->of);
	}
	if (f->type == Y_BOOL && strcmp(r->value, "true") != 0 && strcmp(r->value, "false") != 0)
		die(r->at, "true or false wanted for %s", r->set);
}

static void check_route(const struct model *m, const struct route *r)
{
	const struct message *reply = model_message(m, r->request->reply);

	if (index_of(methods, array_len(methods), r->method) < 0)
		die(r->at, "'%s' is no method", r->method);
	check_path(m, r);
	if (r->set != NULL)
		check_set(m, r);
	if (r->body != NULL) {
		const struct field *f = message_field(r->request, r->body);
		if (f == NULL || f->type != Y_STRUCT || f->list)
			die(r->at, "%s has no struct %s", r->request->name, r->body);
	}
	if (r->reply != NULL && message_field(reply, r->reply) == NULL)
		die(r->at, "%s has no field %s", reply->name, r->reply);
	if (!r->is_local && strcmp(r->request->right, "internal") == 0)
		die(r->at, "%s is internal: not for REST", r->request->name);
}

/* METHOD PATH REQUEST OWNER option… */
static struct route read_route(const struct model *m, const struct line *l)
{
	struct route r = {.at = l->at, .status = 200};

	if (l->n < 4)
		die(l->at, "METHOD PATH REQUEST OWNER wanted");
	r.method = l->w[0].s;
	r.path = l->w[1].s;
	r.request = model_message(m, l->w[2].s);
	if (r.request == NULL || r.request->form != F_REQUEST)
		die(l->w[2].at, "%s is no request", l->w[2].s);
	r.owner = strcmp(l->w[3].s, "local") == 0 ? text("gateway") : l->w[3].s;
	r.is_local = strcmp(l->w[3].s, "local") == 0;
	for (size_t i = 4; i < l->n; i++)
		read_option(&r, &l->w[i]);
	check_route(m, &r);
	return r;
}

static struct route *read_routes(const struct model *m, const char *schemas, size_t *ret_n)
{
	struct route *all = NULL;
	size_t n = 0;
	struct lex l;
	struct line line;

	lex_open(&l, text("%s/routes.tab", schemas), true);
	while (lex_line(&l, &line)) {
		struct route r = read_route(m, &line);
		for (size_t i = 0; i < n; i++) {
			if (strcmp(all[i].method, r.method) == 0 &&
				strcmp(all[i].path, r.path) == 0)
				die(r.at, "second %s %s", r.method, r.path);
		}
		*grow(all, n) = r;
	}
	*ret_n = n;
	return all;
}

static const char route_struct[] =
	"#include \"gen/msg.h\"\n\n"
	"struct route {\n"
	"\tconst char *method;\n"
	"\tconst char *path; /* below /api/v1; {name} fills that field of the request or of "
	"body_field */\n"
	"\tconst struct msg_desc *request, *reply;\n"
	"\tconst char *owner; /* service that answers */\n"
	"\tconst char *body_field; /* the JSON body is this field; NULL = the fields themselves "
	"*/\n"
	"\tconst char *reply_field; /* the answer is this field of the reply; NULL = all of it */\n"
	"\tconst char *set_field, *set_value; /* given by the route itself; field may be a.b; or "
	"NULL */\n"
	"\tconst char *seal; /* what the gateway seals before it passes the request on, or NULL "
	"*/\n"
	"\tunsigned status; /* of success */\n"
	"\tbool is_public; /* without a signed-in person */\n"
	"\tbool is_local; /* the gateway itself answers */\n"
	"\tconst char *summary;\n"
	"};\n\n"
	"extern const struct route routes[];\n"
	"extern const size_t routes_n;\n";

static void put_opt(struct out *o, const char *name, const char *s)
{
	if (s == NULL)
		return;
	put(o, ", .%s = ", name);
	put_text(o, s);
}

static void put_route(struct out *o, const struct route *r)
{
	put(o, "\t{.method = \"%s\", .path = \"%s\", .request = &m_%s_desc, .reply = &m_%s_desc,\n",
		r->method, r->path, r->request->name, r->request->reply);
	put(o, "\t\t.owner = \"%s\", .status = %u, .is_public = %d, .is_local = %d", r->owner,
		r->status, r->is_public, r->is_local);
	put_opt(o, "body_field", r->body);
	put_opt(o, "reply_field", r->reply);
	put_opt(o, "set_field", r->set);
	put_opt(o, "set_value", r->value);
	put_opt(o, "seal", r->seal);
	put_opt(o, "summary", r->request->help != NULL ? r->request->help : "");
	put(o, "},\n");
}

void make_routes(const struct model *m, const char *schemas, const char *dir)
{
	struct out o;
	size_t n;
	struct route *all = read_routes(m, schemas, &n);

	out_open(&o, dir, "routes.h", "REST: which path is which request.");
	put(&o, "%s", route_struct);
	out_close(&o);
	out_open(&o, dir, "routes.c", "REST: which path is which request.");
	put(&o, "#include \"gen/routes.h\"\n\nconst struct route routes[] = {\n");
	for (size_t i = 0; i < n; i++)
		put_route(&o, &all[i]);
	put(&o, "};\nconst size_t routes_n = sizeof(routes) / sizeof(routes[0]);\n");
	out_close(&o);
}
