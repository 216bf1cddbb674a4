// SPDX-License-Identifier: Apache-2.0
/* Lists as JSON for the control port. */
#include <string.h>

#include "gen/errors.h"
#include "services/simulator/book.h"

static const char *const KINDS[KIND_COUNT] = {"email", "fax", "ifax", "ipfax", "file", "group"};

/* Text members of an entry by their JSON names. */
static const struct field {
	const char *name;
	size_t offset;
} FIELDS[] = {
	{"name", offsetof(struct entry, name)},
	{"reading", offsetof(struct entry, reading)},
	{"email", offsetof(struct entry, mail)},
	{"fax", offsetof(struct entry, dial)},
	{"protocol", offsetof(struct entry, protocol)},
	{"host", offsetof(struct entry, host)},
	{"path", offsetof(struct entry, path)},
	{"user", offsetof(struct entry, user)},
	{"password", offsetof(struct entry, password)},
};

static const char **field_of(struct entry *e, const struct field *f)
{
	return (const char **)(void *)((char *)e + f->offset);
}

json_t *book_entry_json(struct entry *e)
{
	json_t *j = json_pack("{s:i, s:s}", "number", (int)e->number, "kind", KINDS[e->kind]);

	for (size_t i = 0; i < array_len(FIELDS); i++) {
		const char *value = *field_of(e, &FIELDS[i]);
		if (value && *value)
			(void)json_object_set_new(j, FIELDS[i].name, json_string(value));
	}
	if (e->kind == KIND_GROUP) {
		json_t *members = json_array();
		for (size_t i = 0; i < e->n_members; i++)
			(void)json_array_append_new(members, json_integer(e->members[i]));
		(void)json_object_set_new(j, "members", members);
	}
	return j;
}

json_t *book_to_json(const struct device *d, enum item item)
{
	struct sim_list *l = book_get(d, item);
	json_t *entries = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(entries, book_entry_json(&l->entries[i]));
	json_t *j = json_pack("{s:s, s:o}", "name", l->name, "entries", entries);
	book_put_back(d, item, l);
	return j;
}

/* Line ends would make new lines in the device's text. */
static int set_texts(struct arena *a, struct entry *e, const json_t *json, struct fault *reterr)
{
	for (size_t i = 0; i < array_len(FIELDS); i++) {
		const char *s = json_string_value(json_object_get(json, FIELDS[i].name));
		if (!s)
			continue;
		if (strpbrk(s, "\r\n"))
			return fault_set(
				reterr, CN_VALIDATION_FAILED, "line end in %s", FIELDS[i].name);
		*field_of(e, &FIELDS[i]) = arena_strdup(a, s);
	}
	return 0;
}

static int set_kind(struct entry *e, const json_t *json, struct fault *reterr)
{
	const char *kind = json_string_value(json_object_get(json, "kind"));

	for (int i = 0; kind && i < KIND_COUNT; i++) {
		if (strcmp(kind, KINDS[i]) == 0) {
			e->kind = (enum entry_kind)i;
			return 0;
		}
	}
	return kind ? fault_set(reterr, CN_VALIDATION_FAILED, "unknown kind %s", kind) : 0;
}

int book_entry_fill(struct arena *a, struct entry *e, const json_t *json, struct fault *reterr)
{
	const json_t *members = json_object_get(json, "members");

	if (!e->name)
		e->name = e->reading = "";
	if (set_kind(e, json, reterr) < 0 || set_texts(a, e, json, reterr) < 0)
		return -1;
	if (!json_is_array(members))
		return 0;
	e->n_members = json_array_size(members);
	e->members = arena_array(a, e->n_members + 1, sizeof(*e->members));
	bug_if(!e->members);
	for (size_t i = 0; i < e->n_members; i++)
		e->members[i] = (uint32_t)json_integer_value(json_array_get(members, i));
	return 0;
}

static struct entry *append(struct sim_list *l, uint32_t number)
{
	struct entry *more = arena_array(&l->arena, l->n + 1, sizeof(*more));

	bug_if(!more);
	memcpy(more, l->entries, l->n * sizeof(*more));
	l->entries = more;
	l->entries[l->n] = (struct entry){.number = number};
	return &l->entries[l->n++];
}

int book_from_json(struct device *d, enum item item, const json_t *json, struct fault *reterr)
{
	const json_t *entries = json_object_get(json, "entries");
	const char *name = json_string_value(json_object_get(json, "name"));
	struct sim_list *l;

	if (!json_is_array(entries))
		return fault_set(reterr, CN_VALIDATION_FAILED, "entries wanted");
	l = book_edit(d, item);
	l->n = json_array_size(entries);
	l->entries = arena_array(&l->arena, l->n + 1, sizeof(*l->entries));
	bug_if(!l->entries);
	if (name)
		l->name = arena_strdup(&l->arena, name);
	for (size_t i = 0; i < l->n; i++) {
		const json_t *j = json_array_get(entries, i);
		l->entries[i].number = (uint32_t)json_integer_value(json_object_get(j, "number"));
		if (book_entry_fill(&l->arena, &l->entries[i], j, reterr) < 0)
			return -1;
	}
	return 0;
}

int book_edit_entry(struct device *d, enum item item, const json_t *json, struct fault *reterr)
{
	struct sim_list *l = book_edit(d, item);
	const json_t *number = json_object_get(json, "number");
	uint32_t n = (uint32_t)json_integer_value(number);
	struct entry *e = json_is_integer(number) ? book_find(l, n) : l->n ? &l->entries[0] : NULL;

	if (!e)
		e = append(l, json_is_integer(number) ? n : 201);
	return book_entry_fill(&l->arena, e, json, reterr);
}
