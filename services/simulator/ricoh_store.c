// SPDX-License-Identifier: Apache-2.0
/* The directory of a simulated Ricoh: made from the seed, changed over SOAP and the control port.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text/utf8.h"
#include "gen/errors.h"
#include "services/simulator/book.h"
#include "services/simulator/ricoh.h"

enum { OWN = 3, FIRST_OWN_ID = 2147483647 };

const struct ricoh_known ricoh_known[RICOH_PROPS] = {
	{"entryType", "user", 0, false},
	{"index", "", 0, false},
	{"name", "", 20, false},
	{"longName", "", 20, false},
	{"phoneticName", "", 40, false},
	{"displayedOrder", "5", 0, false},
	{"tagId", "", 0, false},
	{"isSender", "false", 0, false},
	{"isDestination", "true", 0, false},
	{"lastAccessDateTime", "1970-01-01T00:00:00Z", 0, false},
	{"auth:", "false", 0, false},
	{"auth:name", "", 8, false},
	{"mail:", "false", 0, false},
	{"mail:address", "", 128, false},
	{"mail:parameter", "", 0, false},
	{"mail:isDirectSMTP", "false", 0, false},
	{"fax:", "false", 0, false},
	{"fax:number", "", 128, false},
	{"fax:lineType", "g3", 0, false},
	{"fax:isAbroad", "false", 0, false},
	{"fax:parameter", "", 0, false},
	{"faxAux:label1", "0", 0, false},
	{"faxAux:label2String", "", 0, false},
	{"faxAux:messageNo", "0", 0, false},
	{"faxAux:ttiNo", "1", 0, false},
	{"ifax:", "false", 0, false},
	{"ifax:address", "", 128, false},
	{"ifax:isDirectSMTP", "false", 0, false},
	{"ifax:parameter", "", 0, false},
	{"remoteFolder:", "false", 0, false},
	{"remoteFolder:type", "smb", 0, false},
	{"remoteFolder:serverName", "", 128, false},
	{"remoteFolder:path", "", 256, false},
	{"remoteFolder:port", "21", 0, false},
	{"remoteFolder:accountName", "", 64, false},
	{"remoteFolder:password", "", 0, true},
	{"remoteFolder:select", "", 0, false},
	{"remoteFolder:logonMode", "0", 0, false},
	{"remoteFolder:characterEncoding", "us-ascii", 0, false},
	{"ldap:", "false", 0, false},
	{"ldap:accountName", "", 64, false},
	{"ldap:password", "", 0, true},
	{"ldap:select", "", 0, false},
	{"smtp:", "false", 0, false},
	{"smtp:accountName", "", 64, false},
	{"smtp:password", "", 0, true},
	{"smtp:select", "", 0, false},
};

int ricoh_prop(const char *name)
{
	for (int i = 0; i < RICOH_PROPS; i++)
		if (strcmp(ricoh_known[i].name, name) == 0)
			return i;
	return -1;
}

const char *ricoh_value(const struct ricoh_object *o, int prop)
{
	return o->value[prop] ? o->value[prop] : ricoh_known[prop].otherwise;
}

const char *ricoh_get(const struct ricoh_object *o, const char *name)
{
	int prop = ricoh_prop(name);

	bug_if(prop < 0);
	return ricoh_value(o, prop);
}

void ricoh_set(struct ricoh_object *o, int prop, const char *text)
{
	free(o->value[prop]);
	o->value[prop] = mem_strdup(text);
}

static void say(struct ricoh_object *o, const char *name, const char *text)
{
	if (text && *text)
		ricoh_set(o, ricoh_prop(name), text);
}

/* ---- objects ---- */

static void object_fini(struct ricoh_object *o)
{
	for (int i = 0; i < RICOH_PROPS; i++)
		free(o->value[i]);
}

void ricoh_store_free(struct ricoh_store *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		object_fini(&s->v[i]);
	if (s)
		free(s->v);
	free(s);
}

struct ricoh_object *ricoh_add(struct ricoh_store *s)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 32;
		s->v = mem_realloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n] = (struct ricoh_object){.id = ++s->next_id};
	return &s->v[s->n++];
}

struct ricoh_object *ricoh_find(struct ricoh_store *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].id == id)
			return &s->v[i];
	return NULL;
}

void ricoh_remove(struct ricoh_store *s, uint32_t id)
{
	struct ricoh_object *o = ricoh_find(s, id);

	if (!o)
		return;
	object_fini(o);
	s->n--;
	memmove(o, o + 1, (size_t)(s->v + s->n - o) * sizeof(*o));
}

static uint32_t index_of(const struct ricoh_object *o)
{
	return (uint32_t)strtoul(ricoh_get(o, "index"), NULL, 10);
}

static bool index_taken(const struct ricoh_store *s, uint32_t index, const struct ricoh_object *but)
{
	for (size_t i = 0; i < s->n; i++)
		if (&s->v[i] != but && !s->v[i].built_in && index_of(&s->v[i]) == index)
			return true;
	return false;
}

static int by_index(const void *a, const void *b)
{
	const struct ricoh_object *x = a, *y = b;
	uint32_t i = index_of(x), k = index_of(y);

	if (x->built_in != y->built_in)
		return x->built_in ? 1 : -1;
	return i != k ? (i < k ? -1 : 1) : x->id < y->id ? -1 : 1;
}

static void order(struct ricoh_store *s)
{
	char text[16];

	for (size_t i = 0; i < s->n; i++) {
		uint32_t k = 1;
		if (s->v[i].built_in || index_of(&s->v[i]))
			continue;
		while (index_taken(s, k, &s->v[i]))
			k++;
		(void)snprintf(text, sizeof(text), "%u", k);
		say(&s->v[i], "index", text);
	}
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_index);
}

void ricoh_settle(struct device *d)
{
	struct ricoh_store *s = ricoh_store(d);

	order(s);
	s->changed = true;
	d->config_changes++;
}

/* ---- rules ---- */

static bool good_tags(const char *s)
{
	while (*s) {
		char *end;
		unsigned long v = *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : 0;
		if (v < 1 || v > 26)
			return false;
		s = end + (*end == ',');
	}
	return true;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool fits(const struct ricoh_object *o)
{
	for (int i = 0; i < RICOH_PROPS; i++)
		if (ricoh_known[i].max && characters(ricoh_value(o, i)) > ricoh_known[i].max)
			return false;
	return true;
}

const char *ricoh_refuses(const struct ricoh_store *s, const struct ricoh_object *o)
{
	const char *code = ricoh_get(o, "auth:name");

	if (!*ricoh_get(o, "name") || !*ricoh_get(o, "tagId") ||
		!good_tags(ricoh_get(o, "tagId")) || !fits(o))
		return "COMMON_BAD_PARAMETER";
	if (index_of(o) && index_taken(s, index_of(o), o))
		return "UDIRECTORY_DIRECTORY_INCONSISTENT";
	for (size_t i = 0; *code && i < s->n; i++)
		if (&s->v[i] != o && strcmp(ricoh_get(&s->v[i], "auth:name"), code) == 0)
			return "UDIRECTORY_DIRECTORY_INCONSISTENT";
	return NULL;
}

/* ---- from the seed ---- */

static void cut_to(char *s, size_t max)
{
	size_t n = 0;

	for (; *s && n <= max; s++)
		if (((unsigned char)*s & 0xc0) != 0x80 && ++n > max)
			*s = '\0';
}

static void name_object(struct ricoh_object *o, const struct entry *e)
{
	char text[256], tag[8];
	const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char TITLE[] = {
		2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 11};
	const char *at = *e->name ? strchr(letters, *e->name) : NULL;

	(void)snprintf(text, sizeof(text), "%s", e->name);
	utf8_scrub(text);
	cut_to(text, 16);
	say(o, "name", text);
	say(o, "longName", text);
	say(o, "phoneticName", e->reading);
	(void)snprintf(tag, sizeof(tag), at ? "1,%d" : "1", at ? TITLE[at - letters] : 0);
	say(o, "tagId", tag);
}

static void folder_object(struct ricoh_object *o, const struct entry *e)
{
	char path[512];
	bool ftp = strcmp(e->protocol, "ftp") == 0;
	const char *host = strstr(e->host, "nas") ? strstr(e->host, "nas") : "nas";

	say(o, "remoteFolder:", "true");
	say(o, "remoteFolder:type", ftp ? "ftp" : "smb");
	if (ftp)
		say(o, "remoteFolder:serverName", host);
	(void)snprintf(path, sizeof(path), ftp ? "%.0s%s" : "\\\\%s\\%s", host, e->path);
	say(o, "remoteFolder:path", path);
	say(o, "remoteFolder:accountName", e->user);
	say(o, "remoteFolder:select", "private");
	say(o, "remoteFolder:password", e->password);
}

static void make_object(struct ricoh_object *o, const struct entry *e)
{
	char index[16];

	(void)snprintf(index, sizeof(index), "%u", e->number > 200 ? e->number - 200 : e->number);
	say(o, "index", index);
	name_object(o, e);
	if (e->kind == KIND_GROUP) {
		say(o, "entryType", "group");
	} else if (e->kind == KIND_FAX) {
		say(o, "fax:", "true");
		say(o, "fax:number", e->dial);
	} else if (e->kind == KIND_IFAX) {
		say(o, "ifax:", "true");
		say(o, "ifax:address", e->mail);
	} else if (e->kind == KIND_FILE) {
		folder_object(o, e);
	} else {
		say(o, "mail:", "true");
		say(o, "mail:address", e->mail ? e->mail : "phone@example.com");
	}
}

/* The machine's own: administrators. */
void ricoh_add_own(struct ricoh_store *s)
{
	char text[16];

	for (uint32_t i = 1; i <= OWN; i++) {
		struct ricoh_object *o = ricoh_add(s);
		o->id = FIRST_OWN_ID + i;
		o->built_in = true;
		(void)snprintf(text, sizeof(text), "admin%u", i);
		say(o, "name", text);
		say(o, "tagId", "1");
	}
	s->next_id -= OWN;
}

static struct ricoh_store *generate(const struct device *d)
{
	struct ricoh_store *s = mem_alloc(sizeof(*s));
	struct sim_list *l = book_get(d, ITEM_ADDRESS_BOOK);

	for (size_t i = 0; i < l->n; i++)
		make_object(ricoh_add(s), &l->entries[i]);
	book_put_back(d, ITEM_ADDRESS_BOOK, l);
	ricoh_add_own(s);
	order(s);
	return s;
}

struct ricoh_store *ricoh_store(struct device *d)
{
	struct ricoh *p = ricoh_of(d);

	if (!p->store)
		p->store = generate(d);
	return p->store;
}

void ricoh_store_rest(struct device *d)
{
	struct ricoh *p = ricoh_of(d);

	if (!p->store || p->store->changed)
		return;
	ricoh_store_free(p->store);
	p->store = NULL;
}
